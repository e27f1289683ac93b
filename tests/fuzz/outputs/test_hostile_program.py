"""A program whose taps are sent nonsense. Invariant: whatever comes, in whatever order, reader and
segmenter raise nothing, hold no more than their window, and what can be read is whole: every part
is a fragment, numbers go up by one, and the playlist names what is there and no more.

Datagrams are good ones with faults, lost, repeated, reordered, in jumps of time and timestamps.
"""

from __future__ import annotations

import io
import random
import re

from mixer.outputs.playlist import media_playlist
from recorder.fragments import whole_fragments
from tests.fuzz.rounds import SEED, rounds
from tests.fuzz.rtp.test_hostile_packets import mutated
from tests.played_program import BEGAN_UNIX_S, PICTURE, Arrival, PlayedProgram, arrivals
from tests.recorded_media import SOUND, encode_sound, encode_video

# One round is some seconds of a program: 600 datagrams.
ROUNDS = rounds(2400) // 600
SECONDS = 4.0
WINDOW_S = 3.0


def faulty(rng: random.Random, stream: list[Arrival]) -> list[Arrival]:
    """The stream as a bad machine would bring it."""
    late_s = jump_s = 0.0
    out: list[Arrival] = []
    often = rng.choice((0.0, 0.01, 0.2))
    for one in stream:
        at, data = one.at, one.data
        if rng.random() < often:
            match rng.randrange(6):
                case 0:
                    continue
                case 1:
                    data = mutated(rng, data)
                case 2:
                    late_s = rng.choice((0.0, 0.05, 2.0))
                case 3:
                    out.append(Arrival(at + late_s + rng.random(), one.stream, data))
                case 4:
                    jump_s += rng.choice((-3600.0, -1.0, 0.5, 86_400.0))
                case _:
                    report = one.stream.sender_report(at, BEGAN_UNIX_S + jump_s)
                    out.append(Arrival(at, one.stream, report))
        out.append(Arrival(max(0.0, at + late_s), one.stream, data))
    return out


def test_whatever_comes_what_can_be_read_is_whole() -> None:
    picture = arrivals(PICTURE, encode_video("H264", SECONDS, keyframe_every=20))
    sound = arrivals(SOUND, encode_sound(SECONDS, beeps=(1.0,)), late_s=0.08)
    made = 0
    for number in range(max(1, ROUNDS)):
        rng = random.Random(SEED * 1_000_000 + number)
        program = PlayedProgram(window_s=WINDOW_S)
        newest = -1
        for _ in program.play(faulty(rng, picture), faulty(rng, sound)):
            held = program.segmenter
            numbers = [one.number for one in held.segments]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert numbers[-1] >= newest
            newest = numbers[-1]
            assert sum(one.duration_s for one in list(held.segments)[1:]) <= WINDOW_S + 1
        held = program.segmenter
        for segment in held.segments:
            header, _ = held.headers[segment.header]
            film = header + b"".join(part.data for part in segment.parts)
            whole = whole_fragments(io.BytesIO(film), len(film))
            assert (len(whole), whole[-1].ends) == (1 + len(segment.parts), len(film)), number
            assert all(part.duration_s > 0 for part in segment.parts)
            made += len(segment.parts)
        if held.segments:
            told = media_playlist(held)
            for address in re.findall(r"^(\d+)\.m4s$", told, re.MULTILINE):
                assert held.segment(int(address)) is not None
    assert made > 5, "most of it is a program all the same"
