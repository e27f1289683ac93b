"""The lines between server and compositor: there and back, and what is no line of ours."""

from __future__ import annotations

import pytest

from mixer.composite.director import Why
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process import messages
from mixer.composite.process.messages import (
    Begin,
    Layer,
    Scene,
    SceneSeat,
    Shot,
    TileShown,
    encode,
    parse_command,
    parse_report,
)
from mixer.reading.errors import ControlError

LAYERS = (
    Layer(width=640, height=360, bitrate_bps=900_000),
    Layer(width=1280, height=720, bitrate_bps=1_800_000),
)


def test_a_command_comes_as_it_was_said() -> None:
    said = Begin(lesson_id="l1", title="第五课\n春天", layers=LAYERS)
    line = encode(said)
    assert line.count(b"\n") == 1
    assert parse_command(line) == said
    scene = Scene(seats=(SceneSeat(seat_id="s", role="room", name="河西小学"),), speakers=("s",))
    assert parse_command(encode(scene)) == scene


def test_a_report_comes_as_it_was_said() -> None:
    tile = TileShown(seat_id="s", source="teacher", x=0, y=0, width=1280, height=720)
    said = Shot(
        unix_s=1.5,
        layout=ProgramLayout.WALL,
        why=Why.SPEECH,
        width=1280,
        height=720,
        tiles=(tile,),
    )
    assert parse_report(encode(said)) == said


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no JSON\n",
        b'{"type":"other"}\n',
        b'{"type":"stop","more":1}\n',
        b'{"type":"begin","lesson_id":"l","layers":[]}\n',
        b'{"type":"begin","lesson_id":"l","frames_per_s":500,"layers":[]}\n',
    ],
)
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(ControlError):
        parse_command(line)


def test_each_side_takes_its_own_lines_alone() -> None:
    with pytest.raises(ControlError):
        parse_report(encode(messages.Stop()))
    with pytest.raises(ControlError):
        parse_command(encode(messages.Hello(pid=1)))
