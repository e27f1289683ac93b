"""Senders that nobody should be: the program goes on, and their tiles show the last good picture.

(Corrupt streams, losses, a stalled source and garbage for Opus: `test_program`.)
"""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from mixer.composite.layouts import ProgramLayout
from mixer.composite.process.messages import Choice, Counters, Scene, SceneSeat, Shot
from tests.recorded_media import FRAME_RATE, VIDEO, Encoded, Stream, encode_video, packetise
from tests.unit.composite.process.running import (
    PICTURE_SSRCS,
    Compositor,
    Sending,
    compositor,
    decoded_pictures,
)
from tests.unit.composite.process.test_program import in_tile, seat_tiles

SECONDS = 3.6
LAST = round(SECONDS * FRAME_RATE) - 1
# Even a sender of 0.3 pictures a second has sent its second one by then.
SLOW = (0, LAST - 5)
ABSURD = ((16, 1600), (2048, 16), (34, 34), (4096, 2176))
SEATS = ("usual", "slow", "jumps", "stands", "sizes")


def counted(first: int, *, codec: str = "H264") -> list[Encoded]:
    return encode_video(codec, SECONDS, width=256, height=144, first=first, keyframe_every=10)


def stamped(
    packets: list[tuple[float, bytes]], stamps: dict[int, int]
) -> list[tuple[float, bytes]]:
    """The same under other timestamps; those that are not told become all the same one."""
    out = []
    for at, data in packets:
        (stamp,) = struct.unpack_from("!I", data, 4)
        out.append((at, data[:4] + struct.pack("!I", stamps.get(stamp, 7)) + data[8:]))
    return out


def jumping(packets: list[tuple[float, bytes]], rng: random.Random) -> list[tuple[float, bytes]]:
    """Every picture is dated anywhere in 13 hours, in no order."""
    stamps = {struct.unpack_from("!I", data, 4)[0] for _, data in packets}
    return stamped(packets, {stamp: rng.getrandbits(32) for stamp in stamps})


def of_all_sizes(stream: Stream, first: int) -> list[tuple[float, bytes]]:
    """Each size for a moment, and then a usual one again."""
    parts = [encode_video("H264", 0.2, width=w, height=h, moving=False) for w, h in ABSURD]
    usual = encode_video("H264", 1.0, width=256, height=144, first=first)
    frames: list[Encoded] = []
    for part in (*parts, usual):
        begins = frames[-1].time + 0.2 if frames else 0.0
        frames += [replace(one, time=begins + one.time) for one in part]
    return packetise(stream, frames)


def sources(running: Compositor) -> dict[str, list[tuple[float, bytes]]]:
    rng = random.Random(3)
    streams = {
        seat: replace(VIDEO["H264"], ssrc=0x5000 + number) for number, seat in enumerate(SEATS)
    }
    sent = {
        "usual": packetise(streams["usual"], counted(0)),
        "slow": packetise(
            streams["slow"],
            [
                replace(one, time=number / FRAME_RATE)
                for number in SLOW
                for one in encode_video("H264", 0.04, width=256, height=144, first=1000 + number)
            ],
        ),
        "jumps": jumping(packetise(streams["jumps"], counted(2000)), rng),
        "stands": stamped(packetise(streams["stands"], counted(3000)), {}),
        "sizes": of_all_sizes(streams["sizes"], 4000),
    }
    return {running.tap(seat, "teacher", streams[seat]): sent[seat] for seat in SEATS}


@pytest.fixture
def seats() -> tuple[SceneSeat, ...]:
    return tuple(
        SceneSeat(seat_id=seat, role="room" if number else "lead", name=seat, sources=("teacher",))
        for number, seat in enumerate(SEATS)
    )


@pytest.mark.thorough
def test_each_tile_shows_its_last_good_picture_and_the_others_go_on(
    tmp_path: Path, seats: tuple[SceneSeat, ...]
) -> None:
    with compositor(tmp_path) as running:
        running.begin(all=(0xB0, ""))
        running.tell(Scene(seats=seats, choice=Choice(number=1, layout=ProgramLayout.WALL)))
        shot = running.wait_for(Shot, lambda said: len(said.tiles) == len(SEATS))
        with Sending(sources(running)) as sending:
            running.until(lambda: sending.done)
        counters = running.wait_for(
            Counters,
            lambda said: any(one.decoded_frames == LAST + 1 for one in said.sources),
        )
        assert running.process.poll() is None
    tiles = seat_tiles(shot)
    pictures = decoded_pictures(running.packets(PICTURE_SSRCS[1]))
    shown = {seat: [in_tile(one, tiles[seat]) for one in pictures] for seat in SEATS}
    assert shown["usual"][-1] == LAST
    assert len(set(shown["usual"]) & set(range(LAST + 1))) > LAST // 2
    assert shown["slow"][-1] == 1000 + SLOW[1]
    assert 1000 + SLOW[0] in shown["slow"], "it stood there until the next one came"
    assert shown["jumps"][-1] == 2000 + LAST
    assert shown["sizes"][-1] == 4000 + FRAME_RATE - 1
    # A sender whose clock stands still says that all it sends is one picture.
    assert shown["stands"][-1] in range(3000, 3000 + LAST + 1)
    by_track = {one.track_id: one for one in counters.sources}
    assert by_track["usual-teacher"].dropped_frames == 0
    assert by_track["sizes-teacher"].dropped_frames == 1 * 5, "larger than any screen: counted"
