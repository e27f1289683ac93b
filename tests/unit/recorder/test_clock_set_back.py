"""A clock that is set by an hour in the middle of a lesson, whose recorder dies meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.journal_time import UNNOTED_S
from recorder.manifest import manifest_from
from recorder.verification import ArchiveCondition, verify
from tests.recorded_lesson import BEGAN, Packet, RecordedLesson
from tests.recorded_media import (
    SOUND,
    VIDEO,
    decoded_beeps,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
)

LIFE_S, HOUR_S = 3.0, 3600.0
PICTURES = round(LIFE_S * 25)
LOST = 15  # of what a kill may cost, at 25 a second


class OnAClock(RecordedLesson):
    """Whose machine's clock somebody sets."""

    set_by_s = 0.0

    @property
    def _wall(self) -> float:
        return BEGAN + self.now + self.set_by_s


@pytest.mark.parametrize("set_by_s", [-HOUR_S, HOUR_S])
def test_what_follows_stands_behind_what_was(tmp_path: Path, set_by_s: float) -> None:
    lesson = OnAClock(tmp_path / "rec1")
    for life in range(2):
        lesson.open()
        lesson.track(f"v{life}", VIDEO["H264"])
        lesson.track(f"a{life}", SOUND)
        began = lesson.now
        picture = encode_video("H264", LIFE_S, first=1000 * life)
        sent = [(f"v{life}", packetise(VIDEO["H264"], picture))]
        sent += [(f"a{life}", packetise(SOUND, encode_sound(LIFE_S, beeps=(1.0,))))]
        packets = [Packet(began + at, name, data) for name, media in sent for at, data in media]
        lesson.receive(packets, until=began + LIFE_S + 0.5)
        if life == 0:
            lesson.kill()
            lesson.set_by_s = set_by_s
    manifest = manifest_from(lesson.close(), where="this test")
    first, second = (part for part in manifest.parts if part.has_video)
    for number, part in enumerate((first, second)):
        numbers = [one for _, one in decoded_counters(lesson.path / part.file)]
        assert numbers[: PICTURES - LOST] == list(
            range(1000 * number, 1000 * number + PICTURES - LOST)
        )
        assert decoded_beeps(lesson.path / part.file) == [pytest.approx(1.0, abs=0.05)]
    assert second.start_s >= first.start_s + first.duration_s - 0.05, "in the order of the lesson"
    # An hour ahead may have been an hour; one back was none.
    assert manifest.duration_s < LIFE_S * 2 + UNNOTED_S + 1.0 + max(0.0, set_by_s)
    assert manifest.started_at == pytest.approx(BEGAN, abs=1.0)
    assert manifest.missing == ()
    assert verify(lesson.path).condition in {ArchiveCondition.WHOLE, ArchiveCondition.INCOMPLETE}
