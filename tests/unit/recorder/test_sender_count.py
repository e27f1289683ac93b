"""A sender's count goes on or begins anew, whatever the line does to packets at that moment."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from recorder.sender_count import SenderCount, Verdict

RATE = 48_000
STEP_AT = 10.0
DELAY_S = 0.05


@dataclass(frozen=True)
class Sent:
    """A packet: its number, the sender's time in seconds, when it comes."""

    sequence: int
    media: float
    at: float


def evenly(*, jump: float = 0.0, every_s: float = 0.02, ends: float = 20.0) -> list[Sent]:
    """A packet every `every_s`; from `STEP_AT` on its count is ahead by `jump`."""
    return [
        Sent(n, n * every_s + (jump if n * every_s >= STEP_AT else 0.0), n * every_s + DELAY_S)
        for n in range(round(ends / every_s))
    ]


def judged(packets: list[Sent]) -> tuple[list[int], list[int], dict[int, float]]:
    """Which packets began anew, which have no place, and where ours of the others lie."""
    count = SenderCount(RATE)
    anew, no_place, ours = [], [], {}
    for packet in sorted(packets, key=lambda sent: sent.at):
        timestamp = round((packet.media + 7_000) * RATE) & 0xFFFF_FFFF
        verdict = count.judge(packet.sequence & 0xFFFF, timestamp, packet.at)
        if verdict is Verdict.HAS_NO_PLACE:
            no_place.append(packet.sequence)
            continue
        if verdict is Verdict.BEGINS_ANEW:
            anew.append(packet.sequence)
            count.begin_anew(packet.sequence & 0xFFFF, timestamp, packet.at)
        ours[packet.sequence] = count.take(timestamp) / RATE
    return anew, no_place, ours


def moved(packets: list[Sent], late: dict[int, float]) -> list[Sent]:
    return [Sent(p.sequence, p.media, p.at + late.get(p.sequence, 0.0)) for p in packets]


FIRST = round(STEP_AT / 0.02)  # the first packet behind the step


@pytest.mark.parametrize("jump", [0.3, 1.0, 3.0, 9.0])
def test_a_step_ahead_is_seen_across_a_swap(jump: float) -> None:
    anew, no_place, ours = judged(moved(evenly(jump=jump), {FIRST: 0.03}))
    assert (anew, no_place) == ([FIRST + 1], [])
    for sequence, at in ours.items():
        assert at - ours[0] == pytest.approx(sequence * 0.02, abs=0.001)


@pytest.mark.parametrize("jump", [0.3, 3.0, -0.3, -3.0])
def test_what_was_sent_before_a_step_and_comes_after_it_has_no_place(jump: float) -> None:
    """It would lie as far from its time as the step is wide, and all else behind it with it."""
    anew, no_place, ours = judged(moved(evenly(jump=jump), {FIRST - 1: 0.03}))
    assert (anew, no_place) == ([FIRST], [FIRST - 1])
    for sequence, at in ours.items():
        assert at - ours[0] == pytest.approx(sequence * 0.02, abs=0.001)


@pytest.mark.parametrize(("jump", "lost"), [(0.3, 1), (0.3, 4), (3.0, 1), (3.0, 20)])
def test_a_step_ahead_is_seen_across_a_loss(jump: float, lost: int) -> None:
    sent = [p for p in evenly(jump=jump) if not FIRST - 1 <= p.sequence < FIRST - 1 + lost]
    anew, _, _ = judged(sent)
    assert anew == [FIRST - 1 + lost if lost > 1 else FIRST]


def _dtx() -> list[Sent]:
    """Nothing is said, and hardly anything sent, for three seconds; what follows goes on."""
    silent = [p for p in evenly() if not 10 < p.media < 13 or p.sequence % 20 == 0]
    return [Sent(n, p.media, p.at) for n, p in enumerate(silent)]


def _mute() -> list[Sent]:
    heard = [p for p in evenly() if not 10 < p.media < 13]
    return [Sent(n, p.media, p.at) for n, p in enumerate(heard)]


def _queue_lost() -> list[Sent]:
    """Of a queue of 0.8 s all is lost at once."""
    queued = [Sent(p.sequence, p.media, p.at + (0.8 if p.media < 12 else 0)) for p in evenly()]
    return [p for p in queued if not 11.2 <= p.media < 12]


def _shorter_way(every_s: float) -> list[Sent]:
    """What is sent on another way overtakes what is still on the longer one."""
    sent = evenly(every_s=every_s)
    return [Sent(p.sequence, p.media, p.at + (0.28 if p.media < 12 else 0)) for p in sent]


LINES = {
    "a pause with comfort noise": _dtx(),
    "a mute": _mute(),
    "a queue that is lost": _queue_lost(),
    "a shorter way": _shorter_way(0.02),
    "a shorter way, five pictures a second": _shorter_way(0.2),
}


@pytest.mark.parametrize("line", LINES)
def test_what_no_sender_did_is_no_step(line: str) -> None:
    assert judged(LINES[line])[:2] == ([], [])
