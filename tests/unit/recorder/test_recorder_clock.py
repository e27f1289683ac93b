"""Clocks: sound and picture of one device in step whatever its clock, and on the lesson's time."""

from __future__ import annotations

import random

import pytest

from recorder.clock import LeastDelay, TrackPoints, fit_line, lesson_times, share_clock

LESSON_S = 2400.0
WORLD = 1_790_000_000.0  # Unix time at which the lesson begins


def track(
    *,
    rng: random.Random,
    track_began: float,
    clock_offset: float,
    drift: float = 0.0,
    media_drift: float = 0.0,
    delay: float = 0.05,
    jitter: float = 0.15,
    reports: bool = True,
    length: float = LESSON_S,
) -> TrackPoints:
    """One track's points: the sender's clock is off and drifts, packets are delayed at random.

    Track time 0 is at `track_began` seconds of the lesson.
    """
    sync, clock = [], []
    at = 0.0
    while at < length:
        world = WORLD + track_began + at
        media = at * (1 + media_drift)
        if reports:
            sender = world + clock_offset + drift * (track_began + at)
            sync.append((media, sender + rng.uniform(-0.002, 0.002)))
        least = min(rng.expovariate(1 / jitter) for _ in range(100))
        clock.append((media, world + delay + least))
        at += 5.0
    return TrackPoints(tuple(sync), tuple(clock))


@pytest.mark.parametrize(
    ("clock_offset", "drift", "media_drift"),
    [(0.0, 0.0, 0.0), (86_400.0 * 365, 0.0, 0.0), (-3.0, 50e-6, -80e-6), (0.4, -100e-6, 100e-6)],
    ids=["true", "a year off", "drifting", "drifting fast"],
)
def test_one_device_is_in_step_and_on_time(
    clock_offset: float, drift: float, media_drift: float
) -> None:
    rng = random.Random(5)
    sound = track(
        rng=rng, track_began=0.0, clock_offset=clock_offset, drift=drift, media_drift=media_drift
    )
    picture = track(rng=rng, track_began=3.0, clock_offset=clock_offset, drift=drift, delay=0.25)
    sound_map, picture_map = lesson_times([sound, picture])
    for second in range(5, 2300, 50):
        heard = sound_map(second * (1 + media_drift))
        shown = picture_map(second - 3.0)
        assert heard - shown == pytest.approx(0.0, abs=0.010)
        assert heard == pytest.approx(WORLD + second + 0.05, abs=0.030)


def test_a_device_that_never_reports_is_placed_by_its_arrivals() -> None:
    rng = random.Random(6)
    silent = track(rng=rng, track_began=10.0, clock_offset=0.0, reports=False, media_drift=40e-6)
    (to_lesson,) = lesson_times([silent])
    for second in range(0, 2300, 100):
        expected = WORLD + 10.0 + second + 0.05
        assert to_lesson(second * (1 + 40e-6)) == pytest.approx(expected, abs=0.030)


def test_a_clock_set_anew_in_the_middle_is_followed() -> None:
    points = [(float(x), 0.0 if x < 600 else 7.5) for x in range(0, 1200, 5)]
    line = fit_line(points, quantile=0.5, jump_s=0.2)
    assert line(300.0) == pytest.approx(0.0, abs=0.001)
    assert line(900.0) == pytest.approx(7.5, abs=0.001)


def test_one_report_that_lies_changes_nothing() -> None:
    points = [(float(x), 1.0) for x in range(0, 1200, 5)]
    points[100] = (500.0, 4000.0)
    line = fit_line(points, quantile=0.5, jump_s=0.2)
    assert [line(x) for x in (0.0, 500.0, 1100.0)] == pytest.approx([1.0] * 3, abs=0.001)


def test_a_short_stay_is_placed_by_its_least_delay() -> None:
    points = TrackPoints(sync=(), clock=((1.0, WORLD + 1.3), (6.0, WORLD + 6.1)))
    (to_lesson,) = lesson_times([points])
    assert to_lesson(0.0) == pytest.approx(WORLD + 0.1)


def test_nothing_known_is_no_error() -> None:
    (to_lesson,) = lesson_times([TrackPoints((), ())])
    assert to_lesson(3.0) == 3.0


@pytest.mark.parametrize(("apart", "same"), [(0.0, True), (0.1, True), (0.6, False)])
def test_clocks_are_told_apart(apart: float, same: bool) -> None:
    rng = random.Random(1)
    a = track(rng=rng, track_began=0.0, clock_offset=2.0, length=60.0)
    b = track(rng=rng, track_began=0.0, clock_offset=2.0 + apart, length=60.0)
    assert share_clock(a, b, within_s=0.3) is same
    assert not share_clock(a, TrackPoints((), a.clock), within_s=0.3)


def test_the_least_delayed_packet_of_a_window_is_kept() -> None:
    least = LeastDelay(1000, window_s=5.0)
    arrivals = [(0, 10.0), (1000, 10.9), (2000, 12.5), (5000, 15.2)]
    points = [least.observe(rtp, at) for rtp, at in arrivals]
    assert points == [None, None, None, (1000, 10.9)]
    assert least.take() == (5000, 15.2)
    assert least.take() is None
