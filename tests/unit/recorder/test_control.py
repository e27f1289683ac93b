"""The control connection's lines: every message comes back, everything else is refused."""

from __future__ import annotations

import random

import pytest

from mixer.reading.control import LineSplitter
from mixer.reading.errors import ControlError
from recorder import control as c

COMMANDS: list[c.Command] = [
    c.OpenRecording(recording_id="r", folder="/x", lesson_id="l", title="数学\n第二行"),
    c.JournalEvent(recording_id="r", event_id="e", event={"type": "chat", "text": "\u2028"}),
    c.OpenTap(
        recording_id="r",
        track_id="t",
        socket_path="/s",
        seat_id="s",
        source="room",
        producer_id="p",
    ),
    c.StartTap(
        track_id="t",
        kind="audio",
        codec="opus",
        payload_type=111,
        clock_rate=48_000,
        channels=2,
        ssrc=2**32 - 1,
    ),
    c.CloseTap(track_id="t"),
    c.PauseRecording(recording_id="r"),
    c.CloseRecording(recording_id="r"),
    c.FinishRecording(recording_id="r", folder="/x"),
]
REPORTS: list[c.Report] = [
    c.Hello(pid=1),
    c.Journaled(event_id="e"),
    c.TapReady(track_id="t"),
    c.TapFailed(track_id="t", text="why"),
    c.Running(recording_id="r"),
    c.RecordingFailed(recording_id="r", code="disk-full", text="The disk is full."),
    c.Finishing(recording_id="r"),
    c.Finished(recording_id="r"),
]


def test_commands_and_reports_come_back_however_the_stream_is_cut() -> None:
    rng = random.Random(1)
    stream = b"".join(map(c.encode, [*COMMANDS, *REPORTS]))
    for _ in range(200):
        splitter, lines, at = LineSplitter(), [], 0
        while at < len(stream):
            end = at + rng.randint(1, 60)
            lines += splitter.feed(stream[at:end])
            at = end
        assert [c.parse_command(line) for line in lines[: len(COMMANDS)]] == COMMANDS
        assert [c.parse_report(line) for line in lines[len(COMMANDS) :]] == REPORTS


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b'{"type":"dance"}',
        b'{"type":"close_tap"}',
        b'{"type":"close_tap","track_id":"t","more":1}',
        b'{"type":"hello","pid":1}',
        b"\xff\xfe",
    ],
)
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ControlError):
        c.parse_command(line)


def test_a_line_without_end_is_refused() -> None:
    splitter = LineSplitter(limit=100)
    with pytest.raises(ControlError):
        for _ in range(20):
            splitter.feed(b"x" * 10)
