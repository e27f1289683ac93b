"""Transport-wide feedback: vectors from the draft's chunk layouts, and the builder."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.rtcp import parse_compound, serialize
from mixer.rtp.twcc import TICK_NS, FeedbackBuilder, TransportWideFeedback

# control bytes: base, count, reference (24 bits), counter, chunks, deltas
VECTORS = {
    "run of two small deltas": (
        "0005 0002 000001 07 2002 04 08",
        TransportWideFeedback(1, 2, 5, 1, 7, (4, 8)),
    ),
    "one-bit vector with a hole": (
        "ffff 0003 000000 00 a800 0a 0b",
        TransportWideFeedback(1, 2, 65_535, 0, 0, (10, None, 11)),
    ),
    "two-bit vector with a large, negative delta": (
        "0001 0003 ffffff ff d900 01 fffe 00",
        TransportWideFeedback(1, 2, 1, -1, 255, (1, -2, 0)),
    ),
    "a run of lost packets and one that came": (
        "0000 0065 000000 00 0064 2001 ff",
        TransportWideFeedback(1, 2, 0, 0, 0, (None,) * 100 + (255,)),
    ),
}


@pytest.mark.parametrize(("wire", "message"), VECTORS.values(), ids=VECTORS)
def test_vector(wire: str, message: TransportWideFeedback) -> None:
    control = bytes.fromhex(wire)
    assert TransportWideFeedback.parse(1, 2, control) == message
    assert TransportWideFeedback.parse(1, 2, control + bytes(2)) == message  # padded
    assert parse_compound(serialize(message)) == [message]


@pytest.mark.parametrize(
    "wire",
    [
        "0005 0002 000001",  # no header
        "0005 0000 000001 07",  # of no packets
        "0005 0002 000001 07",  # no chunks
        "0005 0002 000001 07 2001",  # chunks end early
        "0005 0002 000001 07 2002 04",  # a delta is missing
        "0005 0001 000001 07 4001 04",  # half a large delta
        "0005 0001 000001 07 6001 04",  # reserved status
        "0005 0001 000001 07 2000 04",  # run of nothing
    ],
)
def test_malformed(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        TransportWideFeedback.parse(1, 2, bytes.fromhex(wire))


@pytest.mark.parametrize(
    "message",
    [
        TransportWideFeedback(1, 2, 0, 0, 0, ()),
        TransportWideFeedback(1, 2, 0, 0, 0, (0x8000,)),
        TransportWideFeedback(1, 2, 0, 1 << 23, 0, (0,)),
        TransportWideFeedback(1, 2, 0, 0, 256, (0,)),
    ],
)
def test_values_that_do_not_fit_are_the_callers_mistake(message: TransportWideFeedback) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        message.body()


def test_arrivals_add_up_from_the_reference_time() -> None:
    message = TransportWideFeedback(1, 2, 65_535, 2, 0, (4, None, -1))
    assert message.arrivals_us() == [(65_535, 129_000), (0, None), (1, 128_750)]
    assert message.received == 2


def arrivals(*messages: TransportWideFeedback) -> dict[int, int | None]:
    told: dict[int, int | None] = {}
    for message in messages:
        told.update(message.arrivals_us())
    return told


def build(log: list[tuple[int, int]]) -> list[TransportWideFeedback]:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    builder.add_all(log)
    return builder.build()


MS = 1_000_000


def test_builder_reports_arrivals_and_holes_over_the_wrap() -> None:
    (message,) = build([(65_534, 100 * MS), (65_535, 103 * MS), (2, 110 * MS)])
    assert arrivals(message) == {65_534: 100_000, 65_535: 103_000, 0: None, 1: None, 2: 110_000}


def test_builder_says_nothing_of_nothing() -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    assert builder.build() == []
    builder.add(1, 0)
    assert len(builder.build()) == 1
    assert builder.build() == []


def test_the_next_message_begins_where_the_last_ended() -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    builder.add(10, 0)
    builder.build()
    builder.add(12, 5 * MS)
    (message,) = builder.build()
    assert message.base_sequence == 11
    assert arrivals(message) == {11: None, 12: 5000}
    assert message.feedback_count == 1


def test_a_late_packet_is_reported_again_as_arrived() -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    builder.add_all([(1, 0), (3, 10 * MS)])
    assert arrivals(*builder.build()) == {1: 0, 2: None, 3: 10_000}
    builder.add(2, 20 * MS)
    assert arrivals(*builder.build()) == {2: 20_000, 3: 10_000}


def test_a_copy_changes_nothing() -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    builder.add_all([(1, 0), (1, 10 * MS)])
    assert arrivals(*builder.build()) == {1: 0}
    builder.add(1, 30 * MS)
    assert builder.build() == []


def test_arrivals_eight_seconds_apart_need_two_messages() -> None:
    first, second = build([(1, 0), (2, 9_000 * MS)])
    assert arrivals(first) == {1: 0}
    assert arrivals(second) == {2: 9_000_000}


def test_a_great_jump_is_a_new_beginning() -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    builder.add(1, 0)
    builder.build()
    builder.add(20_000, MS)
    (message,) = builder.build()
    assert (message.base_sequence, len(message.deltas)) == (20_000, 1)


def test_messages_stay_small() -> None:
    rng = random.Random(7)
    log = [
        (s & 0xFFFF, s * 40 * MS * rng.randrange(1, 3)) for s in range(1900) if rng.random() < 0.7
    ]
    for message in build(log):
        assert len(serialize(message)) <= 1200


def test_messages_of_packets_in_wrong_order_stay_small_too() -> None:
    # Each delta is negative and takes two bytes, and no two statuses in a row are equal.
    messages = build([(s, (3000 - s) * MS) for s in range(1995, 0, -5)])
    assert [len(serialize(message)) <= 1200 for message in messages] == [True, True]


def test_a_long_loss_is_one_message_with_what_follows_it() -> None:
    (message,) = build([(1, 0), (1900, 5 * MS)])[1:]
    assert message.deltas == (*[None] * 899, 20)


def test_old_numbers_cost_a_bounded_number_of_messages() -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    builder.add_all([(s, 0) for s in range(0, 1000, 2)])
    builder.build()
    builder.add_all([(s, 9_000 * MS) for s in range(1, 1000, 2)])
    assert len(builder.build()) == FeedbackBuilder.MAX_MESSAGES
    assert builder.build() == []


def test_a_publisher_that_jumps_about_costs_bounded_memory() -> None:
    rng = random.Random(3)
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    for step in range(20_000):
        builder.add(rng.randrange(65_536), step * MS)
        if step % 50 == 0:
            builder.build()
    assert len(builder._arrived) <= 2 * FeedbackBuilder.MAX_GAP


@given(
    st.integers(0, 65_535),
    st.lists(st.tuples(st.integers(0, 4), st.integers(-20, 2000)), min_size=1, max_size=300),
    st.integers(1, 40),
)
def test_a_sender_learns_exactly_what_arrived(
    first: int, steps: list[tuple[int, int]], report_every: int
) -> None:
    builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
    expected: dict[int, int] = {}
    told: dict[int, int | None] = {}
    sequence, ticks = first, 100_000
    for count, (gap, delay) in enumerate(steps):
        sequence += gap + 1
        ticks += delay
        builder.add(sequence & 0xFFFF, ticks * TICK_NS)
        expected[sequence & 0xFFFF] = ticks * 250
        if count % report_every == 0:
            messages = builder.build()
            told |= arrivals(
                *[
                    m
                    for data in map(serialize, messages)
                    for m in parse_compound(data)
                    if isinstance(m, TransportWideFeedback)
                ]
            )
    told |= arrivals(*builder.build())
    assert {s: t for s, t in told.items() if t is not None} == expected
    lowest = (first + steps[0][0] + 1) & 0xFFFF
    span = (sequence - first - steps[0][0]) & 0xFFFF
    assert set(told) == {(lowest + offset) & 0xFFFF for offset in range(span)}
