"""One noun, one thing: a class name is given once, or means the same thing in two layers."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("hardware_profiles", "mixer", "recorder", "server", "signaling")

# The same thing in two layers, as the modules' paths tell: as it goes over the wire (`protocol`),
# as it is written down (`log`, `database`, a room's profile), as media or a lesson's rules hold it.
# A child process is told of the same (the recorder by `control`, the compositor by `messages`).
TOLD = "mixer.composite.process.messages"
TWINS = {
    "Choice": {"mixer.forward.allocation", TOLD},
    "Directing": {"mixer.composite.director", "signaling.protocol.terms"},
    "Hello": {"recorder.control", TOLD},
    "Layer": {"hardware_profiles.room", "mixer.forward.layers", TOLD},
    "LayersNeeded": {TOLD, "mixer.model", "signaling.protocol.messages"},
    "LeadRenamed": {"signaling.lesson.events", "signaling.log.entries"},
    "Lesson": {"server.database.models", "signaling.lesson.machine"},
    "LessonEnded": {"signaling.log.entries", "signaling.protocol.messages"},
    "LessonStream": {"signaling.lesson.record", "signaling.protocol.messages"},
    "OpenTap": {"mixer.reading.control", "recorder.control"},
    "PictureFault": {"mixer.model", "signaling.protocol.terms"},
    "Producer": {"mixer.node.streams", "signaling.lesson.record"},
    "RecordingChanged": {"signaling.lesson.events", "signaling.log.entries"},
    "Scene": {"server.simulate.scene", TOLD},
    "Shot": {"mixer.composite.director", TOLD},
    "StreamAdded": {"signaling.lesson.events", "signaling.log.entries"},
    "StreamRemoved": {"signaling.lesson.events", "signaling.log.entries"},
    "SubscribeOffer": {"mixer.model", "signaling.protocol.messages"},
    "Want": {"mixer.model", "signaling.protocol.messages"},
}


def test_a_class_name_is_given_once() -> None:
    given: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for name in re.findall(r"^class ([A-Z]\w*)", file.read_text("utf-8"), re.MULTILINE):
                given[name].add(module)
    assert len(given) > 500
    assert {name: where for name, where in given.items() if len(where) > 1} == TWINS
