"""The desk in virtual time: microphones that come, go and hang, and what is played meanwhile."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest

from hardware_profiles.room_agent.converting.messages import (
    ChildMessage,
    ChildMessages,
    MessageKind,
)
from hardware_profiles.room_agent.sounding.alsa import AlsaError
from hardware_profiles.room_agent.sounding.desk import AlsaTurn, CodedTurn, Desk, Player, Steady
from hardware_profiles.room_agent.sounding.echo import ProcessingSteps
from hardware_profiles.room_agent.sounding.packets import TakenSound
from mixer.libopus import Samples

BLOCK = 480
PLAIN = ProcessingSteps(echo=False, noise=False, gain=False)


@dataclass
class Bench:
    """A clock, a microphone and a loudspeaker that do as they are told."""

    now: float = 1_000.0
    there: bool = True
    hangs: bool = False
    opened: int = 0
    lost: int = 0
    delay: int = 0
    played: list[Samples] = field(default_factory=list)
    said: bytearray = field(default_factory=bytearray)

    # the microphone
    def open(self) -> Bench:
        if not self.there:
            raise AlsaError("missing")
        self.opened += 1
        return self

    def read(self, count: int, patience_s: float) -> Samples | None:
        if not self.there:
            raise AlsaError("lost")
        if self.hangs:
            self.now += patience_s
            return None
        self.now += count / 48_000
        at = np.arange(count)
        return (0.3 * np.sin(at / 9)).astype(np.float32)

    # the loudspeaker
    def play(self, sound: Samples) -> None:
        self.played.append(sound)

    def close(self) -> None: ...

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-4)

    def desk(self) -> Desk:
        return Desk(PLAIN, 40_000, Player(lambda: self), self.said.extend)

    def turns(self, desk: Desk, seconds: float) -> None:
        turn = self.turn
        until = self.now + seconds
        while self.now < until:
            turn.turn()
            desk.tell(self.now, 0.0)

    def begin(self) -> Desk:
        desk = self.desk()
        self.turn = AlsaTurn(desk, self.open, lambda: self.now, self.sleep)
        return desk

    def told(self) -> list[dict[str, object]]:
        return [json.loads(m.body) for m in self.messages() if m.kind is MessageKind.TOLD]

    def packets(self) -> list[TakenSound]:
        sounds = (m for m in self.messages() if m.kind is MessageKind.SOUND)
        return [TakenSound.read(m.body) for m in sounds]

    def messages(self) -> Iterator[ChildMessage]:
        yield from ChildMessages().feed(bytes(self.said))


def test_a_microphone_gives_a_packet_every_20_ms_in_step_with_the_clock() -> None:
    bench = Bench(delay=96)
    desk = bench.begin()
    bench.turns(desk, 2.0)
    packets = bench.packets()
    assert len(packets) == 100
    steps = {b.position - a.position for a, b in itertools.pairwise(packets)}
    assert steps == {960}
    for packet in packets:
        # Taken before the block was read, by what it held then.
        assert packet.at == pytest.approx(packet.position / 48_000 - 96 / 48_000, abs=1e-3)
        assert packet.level == pytest.approx(13, abs=1)
    assert bench.told()[-1]["fault"] == "" and bench.told()[-1]["microphone"] == ""


def test_pulled_out_and_back_is_a_hole_of_that_length_and_no_drift() -> None:
    bench = Bench()
    desk = bench.begin()
    bench.turns(desk, 1.0)
    bench.there = False
    bench.turns(desk, 5.0)
    assert bench.told()[-1]["microphone"] == "missing"
    heard = len(bench.played)
    bench.there = True
    bench.turns(desk, 3.0)
    assert bench.told()[-1]["microphone"] == ""
    packets = bench.packets()
    holes = [(a, b) for a, b in itertools.pairwise(packets) if b.position - a.position > 960]
    ((before, after),) = holes
    assert 4.9 < (after.position - before.position) / 48_000 < 7
    assert packets[-1].position / 48_000 == pytest.approx(bench.now, abs=0.05)
    assert bench.opened == 2
    # The others were heard all the time: a block for every 10 ms.
    assert heard == pytest.approx(600, abs=30)


def test_one_that_hangs_is_told_and_opened_anew() -> None:
    bench = Bench()
    desk = bench.begin()
    bench.turns(desk, 1.0)
    bench.hangs = True
    bench.turns(desk, 4.0)
    assert bench.opened >= 2 or bench.told()[-1]["microphone"] == "hangs"
    assert "hangs" in {told["microphone"] for told in bench.told()}
    bench.hangs = False
    bench.turns(desk, 2.0)
    assert bench.told()[-1]["microphone"] == ""


def test_what_ran_over_is_a_hole() -> None:
    bench = Bench()
    desk = bench.begin()
    bench.turns(desk, 0.5)
    bench.lost, bench.now = 1, bench.now + 0.3  # a machine that was asleep
    bench.turns(desk, 0.5)
    packets = bench.packets()
    assert packets[-1].position / 48_000 == pytest.approx(bench.now, abs=0.05)


def test_what_was_lost_without_a_word_is_a_hole_soon() -> None:
    bench = Bench()
    desk = bench.begin()
    bench.turns(desk, 3.0)
    bench.now += 0.4  # and no sample of that time ever comes
    bench.turns(desk, 3.0)
    packets = bench.packets()
    late = [b.position - a.position for a, b in itertools.pairwise(packets)]
    assert sum(step > 960 for step in late) == 1 and max(late) == pytest.approx(19_200, abs=1_500)
    assert packets[-1].position / 48_000 == pytest.approx(bench.now, abs=0.05)


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_quartz_that_is_off_makes_no_holes(ppm: int) -> None:
    steady, position, rng = Steady(), 0, Random(1)
    for block in range(2 * 3_600 * 100):
        now = block / 100 * (1 + ppm / 1e6)
        late = rng.random() * 480 if block % 10 else 0.0  # of a busy machine
        assert steady.missing(now * 48_000 + late - position, now) == 0
        position += 480


def test_a_silent_one_is_told_though_it_sends() -> None:
    bench = Bench()
    desk = bench.begin()
    bench.read = lambda count, patience_s: _silence(bench, count)  # type: ignore[method-assign]  # a silent one
    bench.turns(desk, 4.0)
    assert bench.told()[-1]["fault"] == "nothing"
    assert {packet.level for packet in bench.packets()} == {127}


def _silence(bench: Bench, count: int) -> Samples:
    bench.now += count / 48_000
    return np.zeros(count, np.float32)


def test_a_loudspeaker_that_is_gone_is_told_and_leaves_the_microphone_alone() -> None:
    bench = Bench()
    gone: list[str] = ["busy"]

    def speaker() -> Bench:
        if gone:
            raise AlsaError(gone[0])
        return bench

    desk = Desk(PLAIN, 40_000, Player(speaker), bench.said.extend)
    bench.turn = AlsaTurn(desk, bench.open, lambda: bench.now, bench.sleep)
    bench.turns(desk, 1.0)
    assert bench.told()[-1]["loudspeaker"] == "busy" and len(bench.packets()) >= 49
    gone.clear()
    bench.turns(desk, 2.0)
    assert bench.told()[-1]["loudspeaker"] == "" and bench.played


def test_what_the_others_say_is_played_with_the_block_it_is_sought_in() -> None:
    bench = Bench()
    desk = bench.begin()
    says = np.full(2 * 960, 8_192, "<i2").tobytes()
    for _ in range(4):
        desk.heard(b"\x07" + says)
    for broken in (b"", b"\x07", b"\x07\0\0", b"\x07" + says[:-1]):
        desk.heard(broken)
    bench.turns(desk, 0.2)
    assert np.concatenate(bench.played).sum() == pytest.approx(0.25 * 4 * 960, rel=1e-3)


def test_a_cameras_sound_goes_at_once_where_nothing_is_played() -> None:
    bench = Bench()
    desk = Desk(PLAIN, 40_000, Player(None), bench.said.extend)
    turn = CodedTurn(desk, lambda: bench.now, plays=False)
    for number in range(10):
        turn.came(np.full(1_024, 0.1, np.float32), number * 1_024, bench.now)
    assert [packet.position for packet in bench.packets()] == [960 * one for one in range(10)]


def test_a_cameras_sound_keeps_the_loudspeakers_time_where_something_is() -> None:
    bench = Bench()
    desk = bench.desk()
    turn = CodedTurn(desk, lambda: bench.now, plays=True)
    began = bench.now
    for number in range(60):  # 64 ms at once, as AAC of 16 kHz comes
        turn.came(np.full(3_072, 0.1, np.float32), number * 3_072, bench.now)
        while bench.now < began + 0.064 * (number + 1):
            bench.sleep(max(0.001, turn.turn()))
    assert len(bench.played) == pytest.approx(384, abs=3)
    packets = bench.packets()
    assert len(packets) == pytest.approx(192 - 6, abs=3)
    assert {b.position - a.position for a, b in itertools.pairwise(packets)} == {960}
