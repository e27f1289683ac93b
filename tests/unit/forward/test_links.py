"""A line measured and told in a word."""

from __future__ import annotations

import pytest

from mixer.forward.links import LinkJudge, LinkMeter, LinkSample, LinkWord


def totals(
    meter: LinkMeter,
    now: float,
    *,
    total_bytes: int = 0,
    expected: int = 0,
    lost: int = 0,
    rtt_s: float | None = None,
) -> None:
    meter.handle_totals(now, total_bytes=total_bytes, expected=expected, lost=lost, rtt_s=rtt_s)


def test_loss_is_that_between_the_totals() -> None:
    meter = LinkMeter(0.0)
    totals(meter, 1.0, expected=1000, lost=50)
    totals(meter, 4.0, expected=1300, lost=60)
    assert meter.measure(4.0).loss == pytest.approx(60 / 1300)
    totals(meter, 5.5, expected=1300, lost=60)  # nothing was reported since
    assert meter.measure(5.5).loss == pytest.approx(10 / 300)


def test_loss_is_forgotten_after_the_window() -> None:
    meter = LinkMeter(0.0)
    meter.handle_loss(100, 50, 1.0)
    meter.handle_loss(100, 0, 4.0)
    assert meter.measure(4.0).loss == 0.25
    assert meter.measure(5.5).loss == 0.0


def test_bitrate_over_the_window() -> None:
    meter = LinkMeter(0.0)
    for step in range(30):
        meter.handle_bytes(step * 12_500, step * 0.2)
    assert meter.measure(6.0).bitrate_bps == pytest.approx(500_000)


def test_totals_bring_bitrate_and_round_trip() -> None:
    meter = LinkMeter(0.0)
    assert meter.measure(0.0).rtt_ms == 0
    for second in range(5):
        totals(meter, float(second), total_bytes=second * 62_500, rtt_s=0.05 if second else None)
    sample = meter.measure(4.0)
    assert (sample.bitrate_bps, sample.rtt_ms) == (500_000, 50)
    totals(meter, 5.0, total_bytes=312_500)
    assert meter.rtt_s == 0.05  # what is known stays


def test_silence_is_time_since_anything_was_heard() -> None:
    meter = LinkMeter(10.0)
    assert meter.measure(12.0).silent_s == 2
    meter.handle_bytes(0, 12.0)
    meter.handle_bytes(0, 13.0)
    assert meter.measure(13.0).silent_s == 3
    meter.handle_bytes(9, 14.0)
    assert meter.measure(15.0).silent_s == 1


GOOD = LinkSample(0.0, 40, 10**6, 0.1)
LOSSY = LinkSample(0.12, 40, 10**6, 0.1)
SLOW = LinkSample(0.0, 600, 10**6, 0.1)
DEAD = LinkSample(0.0, 40, 0, 5.0)


def words(*phases: tuple[float, LinkSample, bool]) -> list[tuple[float, str]]:
    judge, now, told = LinkJudge(), 0.0, []
    for seconds, sample, starved in phases:
        for _ in range(round(seconds * 5)):
            now += 0.2
            word = judge.handle(sample, now, starved=starved)
            if word is not None:
                told.append((round(now, 1), str(word)))
    return told


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ([(10, GOOD, False)], []),
        ([(2, GOOD, False), (5, LOSSY, False)], [(3.2, "weak")]),
        ([(2, GOOD, False), (5, SLOW, False)], [(3.2, "weak")]),
        ([(2, GOOD, False), (5, GOOD, True)], [(3.2, "weak")]),  # pictures are paused
        ([(2, GOOD, False), (0.6, LOSSY, False), (5, GOOD, False)], []),  # a hiccup
        ([(2, LOSSY, False), (5, GOOD, False)], [(1.2, "weak"), (5.2, "good")]),
        ([(1, GOOD, False), (2, DEAD, False)], [(1.2, "lost")]),
        (
            [(1, DEAD, False), (5, GOOD, False)],
            [(0.2, "lost"), (1.2, "weak"), (4.4, "good")],
        ),
    ],
)
def test_words(phases: list[tuple[float, LinkSample, bool]], told: list[tuple[float, str]]) -> None:
    assert words(*phases) == told


def test_between_the_thresholds_the_word_stays() -> None:
    between = LinkSample(0.03, 350, 10**6, 0.1)
    assert words((3, LOSSY, False), (20, between, False)) == [(1.2, "weak")]
    assert words((20, between, False)) == []
    assert LinkJudge().word is LinkWord.GOOD
