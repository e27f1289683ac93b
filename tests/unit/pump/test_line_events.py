"""A subscriber's feedback in the whole pump: what Python hears of it, and what it costs a liar."""

from __future__ import annotations

from typing import Any

import pytest

from mixer.pump import LINE, RTCP
from mixer.rtp.feedback import Pli
from mixer.rtp.line_reading import LineReading
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, serialize
from mixer.rtp.twcc import TransportWideFeedback
from tests.unit.pump.rig import MS, Rig, control_of, last_sr_of

LINE_TICK_MS = 100


class Lesson:
    """Somebody speaks, somebody hears, and reports on what was sent."""

    def __init__(self, rig: Rig, **extensions: Any) -> None:
        self.rig = rig
        self.publisher = rig.srtp()
        self.viewer = rig.srtp(**(extensions or {"transport_cc": 3}))
        producer = rig.audio(self.publisher)
        consumer = rig.pump.add_consumer(
            producer, self.viewer, ssrc=5, payload_type=100, rtx_ssrc=6, rtx_payload_type=101
        )
        rig.pump.set_consumer_layer(consumer, 0)
        self.sent = 0

    def speak(self, seconds: float = 0.1) -> None:
        """A packet every 20 ms."""
        for _ in range(round(seconds * 50)):
            packet = RtpPacket(111, self.sent & 0xFFFF, 960 * self.sent, 1000, b"s" * 100)
            self.rig.send(self.publisher, packet)
            self.sent += 1
            self.rig.wait(20)

    def report(self, last: int = 5, *, lost: int = 0) -> None:
        """On the last packets, of which the first were lost."""
        first = self.sent - last
        reference, rest = divmod((first + lost) * 80, 256)
        deltas = (*[None] * lost, rest, *[80] * (last - lost - 1))
        message = TransportWideFeedback(1, 5, first & 0xFFFF, reference, 0, deltas)
        self.rig.send_rtcp(self.viewer, message)

    def told(self) -> int:
        """LINE events since the last look."""
        events = self.rig.take_events(LINE)
        assert {event[1] for event in events} <= {self.viewer}
        return len(events)

    def read(self) -> LineReading:
        return LineReading(*self.rig.pump.line(self.viewer))


def test_feedback_is_read_in_the_pump_and_told_as_a_reading(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    lesson.report(lost=2)
    assert lesson.told() == 1
    assert rig.take_events(RTCP) == []
    reading = lesson.read()
    assert (reading.expected, reading.lost) == (5, 2)
    assert reading.heard_since_s == pytest.approx(rig.now * 1e-9)
    assert lesson.read().heard_since_s is None


def test_what_else_a_compound_holds_goes_to_python(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    feedback = TransportWideFeedback(1, 5, 0, 0, 0, (0,) * 5)
    rig.send_rtcp(lesson.viewer, ReceiverReport(1), feedback, Pli(1, 5))
    assert lesson.told() == 1
    assert len(rig.take_events(RTCP)) == 1


def test_one_event_waits_until_its_reading_is_taken(rig: Rig) -> None:
    lesson = Lesson(rig)
    for _ in range(5):
        lesson.speak()
        lesson.report()
    assert lesson.told() == 1
    assert lesson.read().expected == 25
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1


def test_a_reading_that_nobody_took_is_told_again(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1
    for _ in range(10):
        lesson.speak()
        lesson.report()
    assert lesson.told() == 1


def test_of_a_settled_line_only_changes_are_told(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1
    lesson.read()
    rig.pump.set_line_settled(lesson.viewer, True)
    for _ in range(50):
        lesson.speak()
        lesson.report()
    assert lesson.told() == 0
    lesson.speak()
    lesson.report(lost=1)
    assert lesson.told() == 1
    reading = lesson.read()
    assert reading.lost == 1
    assert reading.expected <= 80, "what went well long ago would hide the loss"


def test_silence_and_its_end_are_told(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1
    lesson.read()
    lesson.speak(1.2)
    assert lesson.told() == 1
    assert lesson.read().silent
    lesson.report()
    assert lesson.told() == 1
    assert lesson.read().returned


def test_on_a_long_way_silence_begins_later(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    rig.send_rtcp(lesson.publisher, SenderReport(1000, 3_900_000_000 << 32, 1, 1, 1))
    (report,) = control_of(rig.wait(100)[lesson.viewer])
    assert isinstance(report, SenderReport)
    rig.wait(600)
    block = ReportBlock(5, 0, 0, 9, 0, last_sr_of(report), 0)
    rig.send_rtcp(lesson.viewer, ReceiverReport(1, (block,)))
    assert rig.pump.totals([lesson.viewer])[0].round_trip_ns == pytest.approx(600 * MS, rel=0.01)
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1
    lesson.read()
    lesson.speak(1.7)
    assert lesson.told() == 0
    lesson.speak(0.3)
    assert lesson.told() == 1
    assert lesson.read().silent


def test_a_line_that_falls_idle_is_told_once(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1
    lesson.read()
    for _ in range(50):
        rig.wait(LINE_TICK_MS)
        if lesson.told():
            reading = lesson.read()
    assert (reading.idle, reading.silent) == (True, False)
    lesson.speak()
    lesson.report()
    assert lesson.told() == 1
    assert not lesson.read().idle


def test_a_probes_answer_is_in_the_reading(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    lesson.report()
    lesson.read()
    assert rig.pump.probe(lesson.viewer, bitrate_bps=1_000_000, duration_ms=50)
    before = rig.pump.transport_stats(lesson.viewer)["packets_sent"]
    for _ in range(60):
        rig.wait(1)
    repeated = rig.pump.transport_stats(lesson.viewer)["packets_sent"] - before
    first = lesson.sent
    lesson.sent += repeated
    lesson.speak()
    assert repeated > 10
    deltas = (4,) * (repeated + 5)
    rig.send_rtcp(lesson.viewer, TransportWideFeedback(1, 5, first, 5, 0, deltas))
    train = lesson.read().train
    assert train is not None
    assert len(train) == repeated


@pytest.mark.parametrize("extensions", [{"transport_cc": 3}, {"mid": 4}], ids=str)
def test_feedback_on_nothing_is_nothing(rig: Rig, extensions: dict[str, int]) -> None:
    lesson = Lesson(rig, **extensions)
    rig.send_rtcp(lesson.viewer, TransportWideFeedback(1, 5, 0, 0, 0, (0,) * 5))
    rig.send_rtcp(lesson.publisher, TransportWideFeedback(1, 5, 0, 0, 0, (0,) * 5))
    assert rig.events == []
    assert lesson.read() == LineReading()


def test_broken_feedback_is_a_counted_drop(rig: Rig) -> None:
    lesson = Lesson(rig)
    lesson.speak()
    data = bytearray(serialize(TransportWideFeedback(1, 5, 0, 0, 0, (300,) * 5)))
    data[20:22] = b"\x60\x05"  # five packets of a status that is none
    rig.send(lesson.viewer, bytes(data))
    assert rig.stat("drop_malformed_rtcp") == 1
    assert lesson.told() == 0


def test_reports_on_more_packets_than_any_line_carries_are_dropped(rig: Rig) -> None:
    """A few bytes can speak of thousands of packets, each of which is looked up."""
    lesson = Lesson(rig)
    lesson.speak()
    flood = TransportWideFeedback(1, 5, 0, 0, 0, (None,) * 8000)
    for _ in range(10):
        rig.send_rtcp(lesson.viewer, flood)
    assert rig.stat("drop_feedback_flood") == 4
    rig.now += 1000 * MS
    rig.send_rtcp(lesson.viewer, flood)
    assert rig.stat("drop_feedback_flood") == 4


def test_the_line_goes_with_its_transport(rig: Rig) -> None:
    first, second = Lesson(rig), Lesson(rig)
    first.speak()
    second.speak()
    rig.pump.remove_transport(first.viewer)
    second.speak(2)
    second.report()
    assert second.told() == 1
    with pytest.raises(KeyError):
        rig.pump.line(first.viewer)
