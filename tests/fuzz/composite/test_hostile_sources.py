"""What a lesson's compositor is sent by rooms that mean it ill. Invariants: no scene, in whatever
size, stops the picture; no packet stops the sound or makes a sample of it none; no bitstream raises
anything out of the decoder, and whatever it calls a picture can be drawn.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from mixer.composite.arrange import PictureId, Tile
from mixer.composite.compositor import Compositor
from mixer.composite.director import Directing
from mixer.composite.layouts import Box, ProgramLayout
from mixer.composite.lettering import Lettering
from mixer.composite.picture import BLACK, Canvas, Picture
from mixer.composite.picture_decoder import PictureDecoder
from mixer.composite.picture_reader import PictureReader
from mixer.composite.process.messages import Choice, PictureName, Scene, SceneSeat
from mixer.composite.process.stage import Stage
from mixer.composite.scaling import draw_picture
from mixer.composite.sound_desk import TICK_S, SoundDesk
from mixer.model import Kind, TapInfo
from tests.fuzz.rounds import SEED, rounds
from tests.fuzz.rtp.test_hostile_packets import mutated
from tests.recorded_media import (
    SOUND,
    VIDEO,
    Stream,
    encode_sound,
    encode_video,
    packetise,
    with_ssrc,
)

SOURCES = ("teacher", "students", "board", "screen", "room", "")
NAMES = ("", "a" * 9999, "\n\0", "\u202e云岭", "\u0301" * 60, "乡村小学", "\U0001f600 \u05d0\u0627")
SIZES = ((160, 90), (640, 360), (1280, 720))
WIDTHS, HEIGHTS = (0, 1, 2, 3, 33, 640, 16383), (0, 1, 2, 7, 90, 721)
SEATS = 34


# A round is so many inputs: scenes with their pictures, three voices' packets, two films'.
SCENE_ROUNDS, SOUND_ROUNDS, FILM_ROUNDS = rounds(1200) // 60, rounds(2400) // 240, rounds(800) // 40


def any_name(rng: random.Random) -> PictureName:
    return PictureName(seat_id=f"s{rng.randrange(SEATS + 3)}", source=rng.choice(SOURCES))


def any_scene(rng: random.Random, number: int) -> Scene:
    ids = [f"s{rng.randrange(SEATS)}" for _ in range(rng.choice((0, 1, 3, 8, SEATS)))]
    seats = tuple(
        SceneSeat(
            seat_id=one,
            role=rng.choice(("lead", "room", "assistant", "x")),
            name=rng.choice(NAMES),
            sources=tuple(rng.choices(SOURCES, k=rng.randrange(4))),
            present=rng.random() < 0.8,
            absence=rng.choice(NAMES),
        )
        for one in ids
    )
    chosen = Choice(
        number=number,
        layout=rng.choice(list(ProgramLayout)),
        large=rng.choice((None, any_name(rng))),
        beside=rng.choice((None, any_name(rng))),
        with_sound_alone=rng.random() < 0.5,
    )
    return Scene(
        title=rng.choice(NAMES),
        seats=seats,
        floor=rng.choice(("", "s1", "nobody")),
        hands=tuple(rng.choices(("s1", "s2", "nobody"), k=2)),
        speakers=tuple(rng.choices(("s1", "s2", "nobody"), k=2)),
        places=tuple(any_name(rng) for _ in range(rng.choice((0, 1, 3, 200)))),
        directing=rng.choice(list(Directing)),
        choice=rng.choice((None, chosen)),
    )


def any_picture(rng: random.Random) -> Picture:
    width, height = rng.choice(WIDTHS), rng.choice(HEIGHTS)
    half = np.zeros(((height + 1) // 2, (width + 1) // 2), np.uint8)
    return Picture(np.zeros((height, width), np.uint8), half, half)


def test_no_scene_stops_the_picture() -> None:
    drawn = 0
    lettering = Lettering()
    for number in range(max(1, SCENE_ROUNDS)):
        rng = random.Random(SEED * 1_000_000 + number)
        width, height = rng.choice(SIZES)
        stage, compositor = Stage(width, height, 0.0), Compositor(width, height, lettering)
        tiles: tuple[Tile, ...] = ()
        now = 0.0
        for step in range(6):
            now += rng.choice((0.05, 0.3, 5.0, 70.0))
            scene = any_scene(rng, step)
            stage.handle_scene(scene, now)
            for seat_id, marks in stage.marks().items():
                compositor.mark(seat_id, marks)
            compositor.lay_out(tiles, scene.title)
            seats = scene.seats[:4]
            pictures = {
                PictureId(seat.seat_id, source): any_picture(rng)
                for seat in seats
                for source in seat.sources
            }
            for picture_id, picture in pictures.items():
                compositor.show(picture_id, picture)
            stage.handle_pictures(pictures, now)
            if (shown := stage.poll(now)) is not None:
                tiles = shown.tiles
                compositor.lay_out(tiles, stage.title)
            drawn += compositor.compose()
    assert drawn > SCENE_ROUNDS, "and there was something to draw"


def tap_of(stream: Stream, kind: Kind) -> TapInfo:
    return TapInfo(
        "t", "p", kind, stream.codec, stream.payload_type, stream.clock_rate, 2, stream.ssrc
    )


def faulty(rng: random.Random, data: bytes) -> bytes:
    match rng.randrange(6):
        case 0:
            return mutated(rng, data)
        case 1:  # another payload, of the same stream
            return data[:12] + rng.randbytes(rng.randrange(200))
        case 2:
            return data[:2] + rng.randbytes(2) + data[4:]
        case 3:
            return data[:4] + rng.randbytes(4) + data[8:]
        case 4:
            return data[: rng.randrange(12, len(data) + 1)]
        case _:
            at = rng.randrange(12, len(data))
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def test_no_packet_stops_the_sound() -> None:
    streams = {seat: with_ssrc(SOUND, number) for number, seat in enumerate("abc", start=1)}
    sound = encode_sound(2.0, beeps=(0.2, 0.8))
    sent = {seat: [data for _, data in packetise(one, sound)] for seat, one in streams.items()}
    loudest = 0.0
    for number in range(max(1, SOUND_ROUNDS)):
        rng = random.Random(SEED * 1_000_000 + number)
        desk = SoundDesk()
        for seat, stream in streams.items():
            desk.open_channel(seat, tap_of(stream, Kind.AUDIO))
        for tick in range(80):
            for seat, packets in sent.items():
                data = packets[tick]
                if seat != "a" and rng.random() < 0.5:
                    data = faulty(rng, data)
                desk.handle_datagram(seat, data, tick * TICK_S)
            shared, own = desk.tick(tick * TICK_S)
            for mix in (shared, *own.values()):
                assert np.isfinite(mix).all(), number
                assert np.abs(mix).max() <= 1.0, number
                loudest = max(loudest, float(np.abs(mix).max()))
        desk.close()
    assert loudest > 0.1, "who means well is heard"


@pytest.mark.parametrize("codec", VIDEO)
def test_no_bitstream_gets_out_of_the_decoder(codec: str) -> None:
    stream = VIDEO[codec]
    films = [
        encode_video(codec, 0.6, width=width, height=height, keyframe_every=5)
        for width, height in ((256, 144), (64, 64), (176, 146))
    ]
    canvas = Canvas(640, 360, BLACK)
    shown = 0
    for number in range(max(1, FILM_ROUNDS)):
        rng = random.Random(SEED * 1_000_000 + number)
        frames = [frame for film in rng.sample(films, 2) for frame in film]
        frames = [replace(frame, time=place * 0.04) for place, frame in enumerate(frames)]
        reader, decoder = PictureReader(tap_of(stream, Kind.VIDEO)), PictureDecoder(codec)
        often = rng.choice((0.01, 0.05, 0.3))
        for at, packet in packetise(stream, frames):
            data = faulty(rng, packet) if rng.random() < often else packet
            for frame in (*reader.handle_datagram(data, at), *reader.poll(at)):
                picture = decoder.decode(frame)
                if picture is None:
                    if decoder.needs_keyframe:
                        reader.undecodable()
                    continue
                shown += draw_picture(canvas, picture, Box(0, 0, 320, 180), letterbox=at > 0.4)
    assert shown > 5 * FILM_ROUNDS, "most of it is a picture all the same"
