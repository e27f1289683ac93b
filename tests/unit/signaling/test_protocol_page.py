"""`docs/protocol.md` says what is so, and its example is a real exchange."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from signaling import protocol_page
from signaling.allowance import BURST, FORGET_ONE_EVERY_S, FORGIVEN_OFFENCES, MESSAGES_PER_S
from signaling.lesson.subscribing import ANSWER_TIMEOUT_S
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import Mode
from signaling.protocol_page import PAGE
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import publish

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLE = [
    (who, arrow, json.loads(body))
    for who, arrow, body in re.findall(r"^(room|lead) ([→←]) (\{.*\})$", TEXT, re.MULTILINE)
]


def test_the_generated_parts_are_fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert protocol_page.main(["--check"]) == 0
    stale = tmp_path / "protocol.md"
    stale.write_text("<!-- generated: refusals -->\nold\n<!-- end -->\n", encoding="utf-8")
    assert protocol_page.main(["--check", "--page", str(stale)]) == 1
    assert "stale" in capsys.readouterr().err
    assert protocol_page.main(["--page", str(stale)]) == 0
    assert "`lead-only`" in stale.read_text(encoding="utf-8")
    assert protocol_page.main(["--check", "--page", str(stale)]) == 0


def test_every_part_is_on_the_page() -> None:
    assert set(re.findall(r"generated: (\w+)", TEXT)) == set(protocol_page.parts())


@pytest.mark.parametrize("union", [m.ClientMessage, m.ServerMessage])
def test_every_message_is_named(union: object) -> None:
    (members, *_rest) = get_args(union)
    for member in get_args(members):
        assert member.model_fields["type"].default in TEXT, member.__name__


@pytest.mark.parametrize(
    ("number", "phrase"),
    [
        (SignalingSettings().max_message_bytes, "{:,} bytes a message"),
        (MESSAGES_PER_S, "{:.0f} messages a second"),
        (BURST, "bursts of {:.0f}"),
        (FORGET_ONE_EVERY_S, "forgiven every {:.0f} s"),
        (SignalingSettings().join_timeout_s, "must come within {:.0f} s"),
        (SignalingSettings().silent_socket_s, "nothing was heard for {:.0f} s"),
        (SignalingSettings().away_grace_s, "kept for {:.0f} s"),
        (ANSWER_TIMEOUT_S, "does not come within {:.0f} s"),
        (SignalingSettings().lead_absent_s / 3600, "after {:.0f} hours without"),
    ],
)
def test_its_numbers_are_the_codes(number: float, phrase: str) -> None:
    assert phrase.format(number) in " ".join(TEXT.split())
    assert FORGIVEN_OFFENCES == 20, "the page says some twenty"


@pytest.mark.parametrize("index", range(len(EXAMPLE)))
def test_every_message_of_the_example_is_valid_and_whole(index: int) -> None:
    _who, arrow, body = EXAMPLE[index]
    if arrow == "→":
        m.client_message.validate_python(body, strict=False)
    else:
        message = m.server_message.validate_python(body, strict=False)
        assert json.loads(m.server_message.dump_json(message)) == body, "the server sends it all"


def test_the_example_is_what_happens() -> None:
    assert len(EXAMPLE) > 20
    desk = Desk(Mode.DELIVERY)
    lead = desk.join("lead")
    lead.say(publish(m.Source.TEACHER, m.Source.ROOM))
    room = desk.join("room-1")
    told: list[str] = []
    expected: list[str] = []
    for who, arrow, body in EXAMPLE[2:]:
        if arrow == "←":
            expected.append(body["type"])
            continue
        assert told == expected
        told, expected = [], []
        message = m.client_message.validate_python(body)
        speaker = room if who == "room" else lead
        before = len(room.received)
        speaker.say(message)
        told = [answer.type for answer in room.received[before:]]
    assert told == expected
