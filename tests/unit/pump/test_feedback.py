"""Transport-wide feedback to publishers: when it is sent, and that it says what arrived."""

from __future__ import annotations

import itertools
import random

import pytest

from mixer.rtp.packet import HeaderExtension, RtpPacket
from mixer.rtp.rtcp import serialize
from mixer.rtp.twcc import FeedbackBuilder, TransportWideFeedback
from tests.unit.pump.rig import MS, Rig, control_of

REPORTER = 0xABCD


class Line:
    """A publisher whose packets have transport-wide sequence numbers."""

    def __init__(self, rig: Rig, *, reporting: bool = True) -> None:
        self.rig = rig
        self.publisher = rig.srtp(transport_cc=3, ipv6=True)
        self._numbers = itertools.count()
        rig.audio(self.publisher, ssrc=1000)
        if reporting:
            rig.pump.set_reporting(self.publisher, ssrc=REPORTER, cname="us")

    def send(self, *sequences: int) -> None:
        """Packets under these transport-wide sequence numbers."""
        for sequence in sequences:
            number = next(self._numbers)
            extension = HeaderExtension(3, (sequence & 0xFFFF).to_bytes(2, "big"))
            self.rig.send(
                self.publisher,
                RtpPacket(111, number & 0xFFFF, number, 1000, b"x", extensions=(extension,)),
            )

    def wait(self, ms: float = 100) -> list[TransportWideFeedback]:
        """What the publisher is told while time passes."""
        sent = self.rig.wait(ms)[self.publisher]
        assert all(len(data) <= 1200 for data in sent)
        return feedback(sent)


def feedback(datagrams: list[bytes]) -> list[TransportWideFeedback]:
    return [part for part in control_of(datagrams) if isinstance(part, TransportWideFeedback)]


def told(*messages: TransportWideFeedback) -> dict[int, int | None]:
    return {sequence: at for message in messages for sequence, at in message.arrivals_us()}


def test_it_says_when_each_packet_arrived_and_for_whom(rig: Rig) -> None:
    line = Line(rig)
    line.wait()
    line.send(65_534)
    rig.now += 3 * MS
    line.send(65_535, 2)
    first_us = (rig.now - 3 * MS) // 1000
    (message,) = line.wait()
    assert (message.sender_ssrc, message.media_ssrc) == (REPORTER, 1000)
    assert told(message) == {
        65_534: first_us, 65_535: first_us + 3000, 0: None, 1: None, 2: first_us + 3000,
    }  # fmt: skip
    assert rig.stat("feedback_sent") == 1


def test_nothing_is_said_of_nothing(rig: Rig) -> None:
    line = Line(rig)
    line.send(1)
    assert len(line.wait()) == 1
    assert [line.wait() for _ in range(20)] == [[]] * 20


def test_it_comes_ten_times_a_second_while_packets_come(rig: Rig) -> None:
    line = Line(rig)
    line.wait(1000)
    messages = []
    for step in range(1000):
        line.send(step)
        messages += line.wait(1)
    assert len(messages) in (10, 11)
    assert [message.feedback_count for message in messages] == list(range(len(messages)))
    assert list(told(*messages)) == list(range(messages[-1].base_sequence + 100))[:1000]


def test_nobody_is_told_before_reporting_is_on_or_without_the_extension(rig: Rig) -> None:
    silent = Line(rig, reporting=False)
    silent.send(1)
    assert silent.wait() == []
    plain = rig.srtp()
    rig.audio(plain)
    rig.pump.set_reporting(plain, ssrc=1, cname="us")
    rig.send(plain, RtpPacket(111, 1, 1, 1000, b"x"))
    assert rig.wait(100)[plain] == []


def test_who_cannot_be_reached_is_told_later(rig: Rig) -> None:
    line = Line(rig)
    address = rig.peer(line.publisher).address
    line.wait()
    line.send(1)
    rig.pump.set_remote(line.publisher, None)
    assert line.wait() == []
    rig.pump.set_remote(line.publisher, address)
    line.send(2)
    assert set(told(*line.wait())) == {1, 2}
    assert rig.stat("drop_no_remote") == 0


def test_a_publisher_that_goes_takes_its_feedback_with_it(rig: Rig) -> None:
    lines = [Line(rig) for _ in range(3)]
    for line in lines:
        line.send(1)
    rig.pump.remove_transport(lines[1].publisher)
    assert lines[0].wait() != []
    for line in lines[::2]:
        line.send(2)
    rig.pump.remove_transport(lines[0].publisher)
    rig.pump.remove_transport(lines[2].publisher)
    assert lines[0].wait() == []


def test_more_publishers_than_one_batch_holds_are_all_told(rig: Rig) -> None:
    lines = [Line(rig) for _ in range(600)]
    rig.wait(1000)
    for line in lines:
        line.send(1)
    for ms in (100, 1, 1, 1):
        rig.wait(ms)
    assert [len(feedback(rig.received[line.publisher])) for line in lines] == [1] * 600
    assert rig.stat("drop_outbox_full") == 0


def test_no_transport_makes_the_rounds_come_closer_than_a_tenth_of_a_second(rig: Rig) -> None:
    lines = [Line(rig) for _ in range(5)]
    rig.wait(1000)
    rounds: list[int] = []
    for step in range(500):
        lines[step % 5].send(step)
        if any(rig.wait(1).values()):
            rounds.append(step)
    assert min(b - a for a, b in itertools.pairwise(rounds)) >= 100


# The model: `FeedbackBuilder`, given the same arrivals.


def jumps(rng: random.Random) -> int:
    """How far the next sequence number is from the last, of a line in some trouble."""
    return rng.choices(
        (1, rng.randrange(2, 40), -rng.randrange(1, 60), rng.randrange(-2100, 2100),
         rng.randrange(65_536)),
        (600, 20, 15, 2, 1),
    )[0]  # fmt: skip


def pause_ns(rng: random.Random) -> int:
    return rng.choices(
        (0, rng.randrange(2 * MS), rng.randrange(200 * MS), 9_000 * MS), (300, 300, 3, 0.3)
    )[0]


@pytest.mark.parametrize("seed", range(12))
def test_messages_are_those_of_the_model(rig: Rig, seed: int) -> None:
    rng = random.Random(seed)
    line = Line(rig)
    model = FeedbackBuilder(sender_ssrc=REPORTER, media_ssrc=1000)
    line.wait(1000)
    sequence, reported = rng.randrange(65_536), 0
    for _ in range(60):
        for _ in range(rng.choice((1, 5, 60, 700))):
            sequence += jumps(rng)
            rig.now += pause_ns(rng)
            line.send(sequence)
            model.add(sequence & 0xFFFF, rig.now)
        expected = model.build()
        assert line.wait() == expected
        reported += len(expected)
    assert reported >= 60


@pytest.mark.parametrize("every", [2, 3, 7])
def test_old_numbers_are_answered_as_the_model_does(rig: Rig, every: int) -> None:
    line = Line(rig)
    model = FeedbackBuilder(sender_ssrc=REPORTER, media_ssrc=1000)
    line.wait(1000)
    for part in range(every):
        for sequence in reversed(range(part, 1900, every)):
            line.send(sequence)
            model.add(sequence, rig.now)
        expected = model.build()
        assert line.wait() == expected
        rig.now += 9_000 * MS


def test_the_bytes_are_the_models_too(rig: Rig) -> None:
    line = Line(rig)
    model = FeedbackBuilder(sender_ssrc=REPORTER, media_ssrc=1000)
    rng = random.Random(5)
    rig.wait(1000)
    for sequence in range(390):
        rig.now += rng.choice((0, MS, 90 * MS))
        if rng.random() < 0.8:
            line.send(sequence)
            model.add(sequence, rig.now)
    before = len(rig.received[line.publisher])
    rig.wait(100)
    sent = [data for data in rig.received[line.publisher][before:] if feedback([data])]
    expected = model.build()
    assert len(expected) > 0
    assert sent == [serialize(message) for message in expected]
