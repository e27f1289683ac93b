"""Which parts a seat's recording becomes: every picture, and all of its sound exactly once."""

from __future__ import annotations

import random

import pytest

from recorder.part_plan import PlannedPart, Span, plan_seat


def row(part: PlannedPart) -> tuple[str, float, float, str | None, str]:
    return (part.source, part.start, part.end, part.picture, "+".join(part.sounds))


@pytest.mark.parametrize(
    ("pictures", "sounds", "expected"),
    [
        (
            [Span("t", "teacher", 1.0, 60.0)],
            [Span("s", "room", 0.5, 60.5)],
            [("teacher", 0.5, 60.5, "t", "s")],
        ),
        (
            [Span("t", "teacher", 0.0, 60.0), Span("c", "screen", 10.0, 20.0)],
            [Span("s", "room", 0.0, 60.0)],
            [("teacher", 0.0, 60.0, "t", "s"), ("screen", 10.0, 20.0, "c", "")],
        ),
        (
            [Span("t1", "teacher", 0.0, 30.0), Span("t2", "teacher", 30.2, 60.0)],
            [Span("s", "room", 0.0, 60.0)],
            [("teacher", 0.0, 30.2, "t1", "s"), ("teacher", 30.2, 60.0, "t2", "s")],
        ),
        (
            [Span("t1", "teacher", 0.0, 30.0), Span("t2", "teacher", 90.0, 120.0)],
            [Span("s", "room", 0.0, 120.0)],
            [
                ("teacher", 0.0, 30.0, "t1", "s"),
                ("room", 30.0, 88.0, None, "s"),
                ("teacher", 88.0, 120.0, "t2", "s"),
            ],
        ),
        ([], [Span("s", "room", 5.0, 9.0)], [("room", 5.0, 9.0, None, "s")]),
        ([Span("b", "board", 5.0, 9.0)], [], [("board", 5.0, 9.0, "b", "")]),
        (
            [Span("st", "students", 0.0, 60.0), Span("b", "board", 0.0, 60.0)],
            [Span("s1", "room", 0.0, 20.0), Span("s2", "room", 40.0, 60.0)],
            [("students", 0.0, 60.0, "st", "s1+s2"), ("board", 0.0, 60.0, "b", "")],
        ),
    ],
    ids=[
        "sound first",
        "screen beside",
        "another size",
        "picture away",
        "sound alone",
        "picture alone",
        "sound came back",
    ],
)
def test_parts(
    pictures: list[Span], sounds: list[Span], expected: list[tuple[str, float, float, str, str]]
) -> None:
    parts = plan_seat(pictures, sounds)
    assert sorted(map(row, parts), key=str) == sorted(expected, key=str)


def test_no_sound_is_left_out_or_heard_twice() -> None:
    """Over any course of a lesson each moment of sound falls into exactly one part."""
    rng = random.Random(11)
    for _ in range(300):
        pictures, sounds, at = [], [], 0.0
        for index in range(rng.randint(0, 6)):
            at += rng.choice((0.05, 1.0, 5.0, 30.0))
            end = at + rng.uniform(0.5, 60.0)
            pictures.append(Span(f"p{index}", "teacher", at, end))
            at = end
        at = 0.0
        for index in range(rng.randint(1, 4)):
            at += rng.choice((0.5, 20.0))
            end = at + rng.uniform(0.5, 80.0)
            sounds.append(Span(f"s{index}", "room", at, end))
            at = end
        parts = plan_seat(pictures, sounds)
        assert [p.picture for p in parts if p.picture] == [p.key for p in pictures]
        for sound in sounds:
            moment = sound.start + 0.25
            while moment < sound.end - 0.25:
                holders = [p for p in parts if sound.key in p.sounds and p.start <= moment < p.end]
                assert len(holders) == 1, (moment, sound, pictures, parts)
                moment += 0.5
