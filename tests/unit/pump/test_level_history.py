"""How loud a sound was in each tenth of a second, as the pump keeps it (RFC 6464)."""

from __future__ import annotations

import random

import pytest

from mixer.forward.echo_path import FRAME_S, FRAMES
from mixer.rtp.packet import HeaderExtension, RtpPacket
from tests.unit.pump.rig import MS, Rig

FRAME = round(FRAME_S * 1000) * MS
SILENT = 127


class Microphone:
    """A producer whose packets carry levels."""

    def __init__(self, rig: Rig, ssrc: int = 1000) -> None:
        self.rig, self.ssrc = rig, ssrc
        self.publisher = rig.srtp(audio_level=2)
        self.id = rig.audio(self.publisher, ssrc=ssrc)
        self._sequence = 0

    def say(self, level: int, at: int) -> None:
        """A packet at this time; the first bit of the level says whether that is speech."""
        self.rig.now = at
        self._sequence += 1
        extensions = (HeaderExtension(2, bytes([0x80 | level])),)
        packet = RtpPacket(
            111, self._sequence & 0xFFFF, self._sequence * 960, self.ssrc, b"speech",
            extensions=extensions,
        )  # fmt: skip
        self.rig.send(self.publisher, packet)

    def heard(self, at: int) -> tuple[int, bytes]:
        self.rig.now = at
        self.rig.pump._tick(at)
        end, (levels,) = self.rig.pump.level_history([self.id])
        return end, levels


def test_the_loudest_packet_of_each_frame(rig: Rig) -> None:
    microphone = Microphone(rig)
    first = 40 * FRAME
    for packet, level in enumerate((60, 30, 61, 62, 63, 70, 71, 20, 72, 73)):
        microphone.say(level, first + packet * 20 * MS)
    end, levels = microphone.heard(first + 2 * FRAME)
    assert end == 42
    assert len(levels) == FRAMES
    assert levels[-3:] == bytes([SILENT, 30, 20])


def test_a_frame_that_is_not_over_is_not_read(rig: Rig) -> None:
    microphone = Microphone(rig)
    microphone.say(50, 40 * FRAME)
    microphone.say(10, 41 * FRAME)
    assert microphone.heard(41 * FRAME + FRAME - 1) == (
        41, bytes([SILENT] * (FRAMES - 1) + [50]),
    )  # fmt: skip


@pytest.mark.parametrize("pause", [1, 2, FRAMES - 1, FRAMES, FRAMES + 1, 100_000])
def test_after_a_pause_there_is_silence_between(rig: Rig, pause: int) -> None:
    microphone = Microphone(rig)
    for frame in range(30, 30 + 2 * FRAMES):
        microphone.say(40, frame * FRAME)
    last = 30 + 2 * FRAMES - 1
    microphone.say(20, (last + pause) * FRAME)
    _, levels = microphone.heard((last + pause + 1) * FRAME)
    assert levels == bytes([40] * FRAMES + [SILENT] * (pause - 1) + [20])[-FRAMES:]


def test_what_was_long_ago_is_silence(rig: Rig) -> None:
    microphone = Microphone(rig)
    microphone.say(20, 40 * FRAME)
    assert microphone.heard((40 + FRAMES) * FRAME)[1] == bytes([20] + [SILENT] * (FRAMES - 1))
    assert microphone.heard((41 + FRAMES) * FRAME)[1] == bytes([SILENT] * FRAMES)


def test_any_times_and_levels(rig: Rig) -> None:
    rng = random.Random(5)
    microphone = Microphone(rig)
    now, loudest = 11 * FRAME, dict[int, int]()
    for _ in range(400):
        now += rng.choice((5, 20, 20, 20, 120, 4_000)) * MS
        level = rng.randrange(128)
        microphone.say(level, now)
        frame = now // FRAME
        loudest[frame] = min(level, loudest.get(frame, SILENT))
        if rng.random() < 0.2:
            end, levels = microphone.heard(now)
            assert end == frame
            assert list(levels) == [loudest.get(at, SILENT) for at in range(end - FRAMES, end)]


def test_a_closed_microphone_is_heard_as_well(rig: Rig) -> None:
    """What it returned while it was closed tells what it is when it is opened."""
    microphone = Microphone(rig)
    rig.pump.set_producer_paused(microphone.id, True)
    microphone.say(20, 40 * FRAME)
    assert microphone.heard(41 * FRAME)[1][-1] == 20


def test_of_many_at_once_in_their_order(rig: Rig) -> None:
    every = [Microphone(rig, ssrc=1000 + 10 * number) for number in range(70)]
    for number, microphone in enumerate(every):
        microphone.say(number, 40 * FRAME)
    rig.pump._tick(41 * FRAME)
    ids = [microphone.id for microphone in reversed(every)]
    end, levels = rig.pump.level_history(ids)
    assert end == 41
    assert [one[-1] for one in levels] == list(reversed(range(70)))
    with pytest.raises(LookupError):
        rig.pump.level_history([*ids, 999_999])
    assert rig.pump.level_history([]) == (41, [])
