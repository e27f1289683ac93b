"""Tracks on the lesson's time line: in step whatever the clocks, and where their packets came."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mixer.reading.least_delay import LeastDelay
from recorder.lesson_time import Placed, TrackPoints, place, places
from recorder.stretches import MAX_DELAY_S, Report

LESSON_S = 2400.0
WORLD = 1_790_000_000.0  # Unix time at which the lesson begins
STEP_S = 0.040

Delay = Callable[[float, random.Random], float]


@cache
def jittery(least: float, jitter: float = 0.03) -> Delay:
    return lambda _, rng: least + rng.expovariate(1 / jitter)


def track(
    *,
    began: float = 0.0,
    length: float = LESSON_S,
    delay: Delay | None = None,
    ahead: float = 0.0,
    clock_drift: float = 0.0,
    media_drift: float = 0.0,
    reports: bool = True,
    is_sound: bool = False,
    seed: int = 1,
) -> TrackPoints:
    """One track, ten packets a second; its time 0 is at `began` seconds of the lesson."""
    delay = delay or jittery(0.05)
    points = _points(
        began=began,
        length=length,
        delay=delay,
        ahead=ahead,
        clock_drift=clock_drift,
        media_drift=media_drift,
        reports=reports,
        seed=seed,
    )
    return replace(points, is_sound=is_sound)


@cache  # many tests begin with the same track
def _points(
    *,
    began: float,
    length: float,
    delay: Delay,
    ahead: float,
    clock_drift: float,
    media_drift: float,
    reports: bool,
    seed: int,
) -> TrackPoints:
    rng = random.Random(seed)
    least = LeastDelay(48_000)
    arrivals, told = [], []
    for n in range(round(length * 10)):
        media = n / 10 * (1 + media_drift)
        world = began + n / 10
        at = WORLD + world + delay(world, rng)
        arrivals += least.observe(round(media * 48_000), at)
        if reports and n % 20 == 7:
            ntp = WORLD + world + ahead + clock_drift * world + rng.uniform(-0.002, 0.002)
            told.append(Report(media, ntp, at + 0.01))
    arrivals += least.take()
    return TrackPoints(tuple((rtp / 48_000, at) for rtp, at in arrivals), tuple(told))


@pytest.mark.parametrize(
    ("ahead", "clock_drift", "media_drift"),
    [(0.0, 0.0, 0.0), (86_400.0 * 365, 0.0, 0.0), (-3.0, 50e-6, -80e-6), (0.4, -100e-6, 300e-6)],
    ids=["true", "a year off", "drifting", "drifting fast"],
)
def test_one_device_is_in_step_and_on_time(
    ahead: float, clock_drift: float, media_drift: float
) -> None:
    sound = track(
        ahead=ahead, clock_drift=clock_drift, media_drift=media_drift, is_sound=True, seed=2
    )
    picture = track(began=3.0, delay=jittery(0.25), ahead=ahead, clock_drift=clock_drift)
    sound_map, picture_map = place([sound, picture], one_device=True)
    for second in range(5, 2300, 50):
        heard = sound_map(second * (1 + media_drift))
        shown = picture_map(second - 3.0)
        assert heard - shown == pytest.approx(0.0, abs=0.020)
        assert heard == pytest.approx(WORLD + second + 0.05, abs=0.030)


@pytest.mark.parametrize(("fast", "reports"), [(0.7e-3, True), (1e-3, True), (3e-3, False)])
def test_a_sound_clock_that_is_far_too_fast(fast: float, reports: bool) -> None:
    """Its packets come sooner and sooner, as no line's do; a picture beside it is not moved."""
    sound = track(media_drift=fast, reports=reports, is_sound=True, length=600.0, seed=2)
    picture = track(delay=jittery(0.15), reports=reports, length=600.0, seed=3)
    sound_map, picture_map = place([sound, picture], one_device=True)
    late = 0.05 if reports else 0.15
    for second in range(0, 600, 10):
        heard, shown = sound_map(second * (1 + fast)), picture_map(second)
        assert heard == pytest.approx(WORLD + second + 0.05, abs=0.030), second
        assert shown == pytest.approx(WORLD + second + late, abs=0.030), second


@pytest.mark.parametrize("depth", [0.5, 1.0])
def test_a_queue_that_empties_for_minutes_is_no_fast_clock(depth: float) -> None:
    """Packets come sooner and sooner, but not to the end: none is placed as late as it came."""

    def emptying(world: float, rng: random.Random) -> float:
        return 0.05 + depth * max(0.0, 1 - world / 120) + rng.expovariate(1 / 0.02)

    (to_lesson,) = place([track(delay=emptying, length=150.0, is_sound=True)], one_device=True)
    for second in range(0, 150, 10):
        assert to_lesson(second) == pytest.approx(WORLD + second + 0.05, abs=0.1), second


def test_a_device_that_never_reports_is_placed_by_its_arrivals() -> None:
    silent = track(began=10.0, reports=False, media_drift=40e-6)
    (to_lesson,) = place([silent], one_device=True)
    for second in range(0, 2300, 100):
        expected = WORLD + 10.0 + second + 0.05
        assert to_lesson(second * (1 + 40e-6)) == pytest.approx(expected, abs=0.030)


@pytest.mark.parametrize("is_sound", [True, False])
def test_what_came_first_is_right(is_sound: bool) -> None:
    """A microphone behind a slow effect: the sound is moved back to the picture."""
    sound = track(delay=jittery(0.05 if not is_sound else 0.35), is_sound=True)
    picture = track(delay=jittery(0.05 if is_sound else 0.35), seed=4)
    maps = place([sound, picture], one_device=True)
    for second in range(5, 2300, 50):
        for to_lesson in maps:
            assert to_lesson(second) == pytest.approx(WORLD + second + 0.05, abs=0.03)


def test_a_slow_screen_of_many_seats() -> None:
    """Several pictures beside one sound, each as late as it is; one comes and goes."""
    sound = track(is_sound=True, ahead=77.0)
    camera = track(delay=jittery(0.15), ahead=77.0, seed=5)
    screen = track(began=600.0, length=90.0, delay=jittery(0.8), ahead=77.0, seed=6)
    _, camera_map, screen_map = place([sound, camera, screen], one_device=True)
    assert camera_map(630.0) == pytest.approx(WORLD + 630.05, abs=STEP_S)
    assert screen_map(30.0) == pytest.approx(WORLD + 630.05, abs=STEP_S)


def test_two_pictures_without_any_sound() -> None:
    camera = track(delay=jittery(0.05))
    screen = track(began=600.0, length=90.0, delay=jittery(0.5), seed=6)
    camera_map, screen_map = place([camera, screen], one_device=True)
    assert camera_map(630.0) == pytest.approx(screen_map(30.0), abs=STEP_S)


def test_a_second_microphone_takes_over() -> None:
    first = track(length=1000.0, is_sound=True)
    second = track(began=1010.0, length=1000.0, is_sound=True, delay=jittery(0.12), seed=8)
    picture = track(delay=jittery(0.30), seed=9)
    first_map, second_map, picture_map = place([first, second, picture], one_device=True)
    assert first_map(500.0) == pytest.approx(picture_map(500.0), abs=STEP_S)
    assert second_map(490.0) == pytest.approx(picture_map(1500.0), abs=STEP_S + 0.05)


@pytest.mark.parametrize(
    ("ahead", "reports", "one_device"),
    [(5.0, True, True), (0.0, False, True), (0.5, True, False)],
    ids=["the clock was set", "no reports", "perhaps another device"],
)
def test_clocks_that_do_not_agree_move_nothing(
    ahead: float, reports: bool, one_device: bool
) -> None:
    sound = track(is_sound=True)
    picture = track(delay=jittery(0.15), ahead=ahead, reports=reports, seed=3)
    _, picture_map = place([sound, picture], one_device=one_device)
    assert picture_map(1000.0) == pytest.approx(WORLD + 1000.15, abs=0.03)


def test_devices_unknown_with_one_clock_are_as_good_as_one() -> None:
    sound, picture = track(is_sound=True), track(delay=jittery(0.2), seed=3)
    sound_map, picture_map = place([sound, picture], one_device=False)
    assert picture_map(1000.0) == pytest.approx(sound_map(1000.0), abs=STEP_S)


def queue(begins: float, ends: float, depth: float) -> Delay:
    def delay(world: float, rng: random.Random) -> float:
        full = max(0.0, min(1.0, (world - begins) / 5, (ends - world) / 5))
        return 0.05 + depth * full + rng.expovariate(1 / 0.02)

    return delay


@pytest.mark.parametrize("reports", [True, False])
def test_a_line_whose_queue_is_full_for_a_minute(reports: bool) -> None:
    late = track(delay=queue(700.0, 760.0, 0.9), reports=reports, is_sound=True)
    (to_lesson,) = place([late], one_device=True)
    for second in range(5, 2300, 20):
        assert to_lesson(second) == pytest.approx(WORLD + second + 0.05, abs=STEP_S), second


@pytest.mark.parametrize("reports", [True, False])
def test_a_picture_of_another_size_has_another_count(reports: bool) -> None:
    """The media core fits it to the one before, 120 ms wrong; the file's beginning is a break."""
    sound = track(is_sound=True)
    before = track(length=1000.0, delay=jittery(0.15), reports=reports, seed=12)
    after = track(began=1000.0, length=30.0, delay=jittery(0.15), reports=reports, seed=13)

    def moved(x: float) -> float:
        return x + 1000.0 + 0.12

    picture = replace(
        before,
        arrivals=before.arrivals + tuple((moved(x), at) for x, at in after.arrivals),
        reports=before.reports + tuple(replace(r, x=moved(r.x)) for r in after.reports),
        breaks=(moved(0.0),),
    )
    sound_map, picture_map = place([sound, picture], one_device=True)
    behind = 0.0 if reports else 0.10
    assert picture_map(500.0) == pytest.approx(sound_map(500.0) + behind, abs=0.02)
    assert picture_map(moved(0.0)) == pytest.approx(sound_map(1000.0) + behind, abs=STEP_S)
    assert picture_map(moved(20.0)) == pytest.approx(sound_map(1020.0) + behind, abs=STEP_S)


def test_a_short_stay_is_placed_by_its_least_delay() -> None:
    points = TrackPoints(arrivals=((1.0, WORLD + 1.3), (6.0, WORLD + 6.1)))
    (to_lesson,) = place([points], one_device=True)
    assert to_lesson(0.0) == pytest.approx(WORLD + 0.1 + 0.1, abs=0.11)


def test_a_track_of_one_packet_has_its_place() -> None:
    (to_lesson,) = place([TrackPoints(arrivals=((89_478.4, WORLD),))], one_device=True)
    assert to_lesson(89_478.4) == WORLD


def test_no_frame_stands_where_no_packet_came() -> None:
    points = TrackPoints(arrivals=((0.0, WORLD), (10.0, WORLD + 10.0)), ended_at=WORLD + 10.5)
    (to_lesson,) = place([points], one_device=True)
    assert to_lesson(-1e6) == WORLD - MAX_DELAY_S
    assert to_lesson(1e6) == WORLD + 10.5


@pytest.mark.timeout(60)
def test_breaks_and_reports_without_end_are_placed_in_no_time() -> None:
    """A sender that makes breaks as often as they are noted costs seconds, not hours."""
    rng = random.Random(3)
    arrivals, told, x = [], [], 0.0
    for n in range(2 * 3600 * 2):
        x += rng.uniform(0.1, 0.9)
        arrivals.append((x, WORLD + n / 2))
        told.append(Report(x, WORLD + rng.uniform(0, 1e6), WORLD + n / 2))
    points = TrackPoints(tuple(arrivals), tuple(told), breaks=tuple(float(b) for b in range(2000)))
    sound = replace(points, is_sound=True)
    maps = place([points, sound], one_device=True)
    assert all(WORLD - 2 < to_lesson(x / 2) < WORLD + 3 * 3600 for to_lesson in maps)


def test_all_at_once_is_each_by_itself() -> None:
    """Over a break, before the first arrival and behind the last, with and without a delay."""
    rng = random.Random(3)
    before = [(x, 1000.0 + x * (1 + 1e-4) + rng.random() * 0.02) for x in range(0, 300, 5)]
    after = [(5000.0 + x, 1310.0 + x + rng.random() * 0.02) for x in range(0, 300, 5)]
    reports = tuple(Report(x, 77.0 + x, at) for x, at in (*before, *after))
    points = TrackPoints(tuple(before + after), reports, breaks=(5000.0,))
    late = replace(points, arrivals=tuple((x, at + 0.1) for x, at in points.arrivals))
    xs = np.array([rng.uniform(-20, 6000) for _ in range(2000)] + [0.0, 5000.0])
    tracks = [Placed(points), *place([points, late], one_device=True)]
    assert any(track(100.0) != tracks[0](100.0) for track in tracks)
    for track in tracks:
        assert places(track, xs) == pytest.approx([track(x) for x in xs.tolist()], abs=1e-6)
    assert places(lambda x: x + 1, xs) == [x + 1 for x in xs.tolist()]
