"""What a peer's report blocks tell of its line (RFC 3550 §6.4.1), and which RTCP reaches Python."""

from __future__ import annotations

import pytest

from mixer.pump import RTCP
from mixer.rtp.feedback import Nack, Pli, Remb
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    UnknownRtcp,
    serialize_compound,
)
from tests.unit.pump.rig import MS, Rig, control_of, last_sr_of

NTP = 3_900_000_000 << 32
CONSUMER, RTX = 5, 6


class Line:
    """A subscriber whose consumer is reported to from time to time."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.publisher, self.viewer = rig.srtp(), rig.srtp()
        producer = rig.audio(self.publisher)
        self.consumer = rig.pump.add_consumer(
            producer, self.viewer, ssrc=CONSUMER, payload_type=100, rtx_ssrc=RTX,
            rtx_payload_type=101,
        )  # fmt: skip
        rig.pump.set_consumer_layer(self.consumer, 0)
        rig.send(self.publisher, RtpPacket(111, 1, 1, 1000, b"x"))
        rig.send_rtcp(self.publisher, SenderReport(1000, NTP, 1, 1, 1))

    def next_report(self) -> int:
        """Waits for the next sender report; returns what a block calls it."""
        while True:
            for part in control_of(self.rig.wait(10)[self.viewer]):
                if isinstance(part, SenderReport):
                    return last_sr_of(part)

    def answer(self, *, last_sr: int = 0, delay_s: float = 0, **fields: int) -> None:
        block = {"ssrc": CONSUMER, "fraction_lost": 0, "cumulative_lost": 0, "jitter": 0}
        block |= {"extended_highest_sequence": 1, **fields}
        report = ReportBlock(
            **block, last_sr=last_sr, delay_since_last_sr=round(delay_s * 65_536) & 0xFFFF_FFFF
        )
        self.rig.send_rtcp(self.viewer, ReceiverReport(77, (report,)))

    @property
    def round_trip_ms(self) -> float:
        return self.rig.pump.totals([self.viewer])[0].round_trip_ns / MS

    @property
    def totals(self) -> tuple[int, int]:
        """Expected and lost."""
        totals = self.rig.pump.totals([self.viewer])[0]
        return totals.packets_expected, totals.packets_lost


# Round trips


def test_the_round_trip_is_what_is_left_of_the_time_since_the_report(rig: Rig) -> None:
    line = Line(rig)
    last_sr = line.next_report()
    rig.wait(300)
    line.answer(last_sr=last_sr, delay_s=0.25)
    assert line.round_trip_ms == pytest.approx(50, abs=0.1)


def test_round_trips_are_smoothed(rig: Rig) -> None:
    line = Line(rig)
    last_sr = line.next_report()
    rig.wait(80)
    line.answer(last_sr=last_sr)
    rig.wait(80)
    line.answer(last_sr=last_sr)
    assert line.round_trip_ms == 80 + 80 / 8  # RFC 6298 §2


def test_any_of_the_last_few_reports_may_be_meant(rig: Rig) -> None:
    line = Line(rig)
    sent = [line.next_report() for _ in range(9)]
    line.answer(last_sr=sent[0])
    assert line.round_trip_ms == 0  # too long ago
    line.answer(last_sr=sent[1])
    assert line.round_trip_ms == pytest.approx(7000)


@pytest.mark.parametrize(
    ("off", "delay_s", "known"),
    [
        (0, 0.1, True),
        (0, 0.1005, True),  # a little below zero: rounding
        (0, 0.2, False),
        (0, 65_535, False),
        (1, 0, False),  # no report we sent
        (-1, 0, False),
    ],
)
def test_lies_about_the_round_trip_change_nothing(
    rig: Rig, off: int, delay_s: float, known: bool
) -> None:
    line = Line(rig)
    last_sr = line.next_report()
    rig.wait(100)
    line.answer(last_sr=last_sr + off, delay_s=delay_s)
    assert (line.round_trip_ms > 0) is known
    assert line.round_trip_ms < 0.1


def test_before_any_report_there_is_none_to_answer(rig: Rig) -> None:
    line = Line(rig)
    line.answer(last_sr=0)
    line.answer(last_sr=1)
    assert line.round_trip_ms == 0


# Losses


def test_losses_are_told_once_and_summed_for_the_line(rig: Rig) -> None:
    line = Line(rig)
    line.answer(extended_highest_sequence=1000, cumulative_lost=50)
    assert rig.pump.losses(line.viewer) == []  # one block alone says nothing of lately
    line.answer(extended_highest_sequence=1100, cumulative_lost=60, fraction_lost=26)
    line.answer(extended_highest_sequence=1200, cumulative_lost=60)
    assert rig.pump.losses(line.viewer) == [(CONSUMER, 200, 10, rig.now)]
    assert rig.pump.losses(line.viewer) == []
    assert line.totals == (200, 10)


def test_a_repair_streams_losses_are_the_lines_alone(rig: Rig) -> None:
    line = Line(rig)
    for highest, lost in ((10, 0), (30, 5)):
        line.answer(ssrc=RTX, extended_highest_sequence=highest, cumulative_lost=lost)
    assert rig.pump.losses(line.viewer) == []
    assert line.totals == (20, 5)


@pytest.mark.parametrize(
    ("first", "second", "totals"),
    [
        ((0xFFFF_FFF0, 5), (0x10, 7), (32, 2)),  # over the wrap
        ((100, 9), (200, 3), (100, 0)),  # copies arrived: fewer than before
        ((100, 0), (110, 500), (10, 10)),  # more than were expected
        ((1_000_000, 50), (10, 4000), (0, 0)),  # began anew
        ((10, 0), (1_000_000, 4000), (0, 0)),
        ((10, -3), (30, 2), (20, 5)),
        ((10, 0), (10, 0), (0, 0)),  # nothing new
    ],
)
def test_differences_that_cannot_be_are_left_out(
    rig: Rig, first: tuple[int, int], second: tuple[int, int], totals: tuple[int, int]
) -> None:
    line = Line(rig)
    for highest, lost in (first, second):
        line.answer(extended_highest_sequence=highest, cumulative_lost=lost)
    assert line.totals == totals


def test_the_last_block_is_the_consumers(rig: Rig) -> None:
    line = Line(rig)
    line.answer(extended_highest_sequence=10, cumulative_lost=-3, jitter=77)
    stats = rig.pump.consumer_stats(line.consumer)
    assert (stats["reported_lost"], stats["reported_jitter"]) == (-3, 77)


def test_blocks_on_streams_that_are_not_ours_are_passed_over(rig: Rig) -> None:
    line = Line(rig)
    for highest in (10, 20):
        line.answer(ssrc=1000, extended_highest_sequence=highest)
        line.answer(ssrc=99, extended_highest_sequence=highest)
    assert line.totals == (0, 0)


def test_losses_nobody_reads_stay_within_bounds(rig: Rig) -> None:
    line = Line(rig)
    for step in range(200):
        line.answer(extended_highest_sequence=step * 60_000 & 0xFFFF_FFFF, fraction_lost=255)
    ((_, expected, lost, _),) = rig.pump.losses(line.viewer)
    assert lost <= expected < 2 * 65_536


def test_bytes_of_all_consumers_in_one_call(rig: Rig) -> None:
    line = Line(rig)
    total = rig.pump.consumer_stats(line.consumer)["bytes"]
    assert total > 0
    for many in (0, 1, 64, 100):  # 64 are read at once
        assert rig.pump.consumer_bytes(many * [line.consumer]) == many * [total]
    with pytest.raises(KeyError):
        rig.pump.consumer_bytes([*100 * [line.consumer], 99])


def test_totals_of_many_transports_in_one_call(rig: Rig) -> None:
    line = Line(rig)
    (viewer,) = rig.pump.totals([line.viewer])
    (publisher,) = rig.pump.totals([line.publisher])
    assert viewer.bytes_sent > 0 == publisher.bytes_sent
    assert rig.pump.totals(50 * [line.viewer, line.publisher]) == 50 * [viewer, publisher]
    assert rig.pump.totals([]) == []
    with pytest.raises(KeyError):
        rig.pump.totals([*100 * [line.viewer], 99])


# What reaches Python

BLOCK = ReportBlock(CONSUMER, 0, 0, 1, 0, 0, 0)
NAME = SourceDescription.of_cname(77, "peer")
TAKEN: list[tuple[RtcpPacket, ...]] = [
    (ReceiverReport(77),),
    (ReceiverReport(77, (BLOCK,)), NAME),
    (SenderReport(77, NTP, 1, 1, 1, (BLOCK,)), NAME),
    (ReceiverReport(77), NAME, Nack(77, CONSUMER, (1,))),
    (ReceiverReport(77), UnknownRtcp(207, 0, bytes(16))),  # extended reports, RFC 3611
]
TOLD: list[RtcpPacket] = [
    Goodbye((77,)),
    Pli(77, CONSUMER),
    Remb(77, 100_000, (CONSUMER,)),
    UnknownRtcp(204, 0, bytes(8)),
]


@pytest.mark.parametrize("packets", TAKEN)
def test_what_the_pump_deals_with_is_not_told(rig: Rig, packets: tuple[RtcpPacket, ...]) -> None:
    line = Line(rig)
    before = rig.pump.transport_stats(line.viewer)["rtcp_received"]
    rig.send_rtcp(line.viewer, *packets)
    assert rig.take_events(RTCP) == []
    assert rig.pump.transport_stats(line.viewer)["rtcp_received"] == before + 1


@pytest.mark.parametrize("packet", TOLD)
def test_what_it_does_not_is_told_whole(rig: Rig, packet: RtcpPacket) -> None:
    line = Line(rig)
    packets = ReceiverReport(77), NAME, packet
    rig.send_rtcp(line.viewer, *packets)
    ((_, transport, data, arrival),) = rig.take_events(RTCP)
    assert (transport, data, arrival) == (line.viewer, serialize_compound(packets), rig.now)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x82\xc9\0\x07" + bytes(28), id="rr-announces-one-block-more"),
        pytest.param(b"\x81\xc8\0\x06" + bytes(24), id="sr-without-its-block"),
        pytest.param(b"\x9f\xc9\0\x01" + bytes(4), id="rr-of-announcements"),
        pytest.param(b"\x80\xc8\0\x02" + bytes(8), id="sr-cut"),
    ],
)
def test_reports_that_are_cut_off_are_counted_and_end_there(rig: Rig, data: bytes) -> None:
    line = Line(rig)
    rig.send(line.viewer, data)
    assert rig.stat("drop_malformed_rtcp") == 1
    assert rig.take_events(RTCP) == []
