"""A line measured."""

from __future__ import annotations

import pytest

from mixer.forward.links import LinkMeter


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
    meter = LinkMeter()
    totals(meter, 1.0, expected=1000, lost=50)
    totals(meter, 4.0, expected=1300, lost=60)
    assert meter.measure(4.0).loss == pytest.approx(60 / 1300)
    totals(meter, 5.5, expected=1300, lost=60)  # nothing was reported since
    assert meter.measure(5.5).loss == pytest.approx(10 / 300)


def test_loss_is_forgotten_after_the_window() -> None:
    meter = LinkMeter()
    meter.handle_loss(100, 50, 1.0)
    meter.handle_loss(100, 0, 4.0)
    assert meter.measure(4.0).loss == 0.25
    assert meter.measure(5.5).loss == 0.0


def test_bitrate_over_the_window() -> None:
    meter = LinkMeter()
    for step in range(30):
        meter.handle_bytes(step * 12_500, step * 0.2)
    assert meter.measure(6.0).bitrate_bps == pytest.approx(500_000)


def test_totals_bring_bitrate_and_round_trip() -> None:
    meter = LinkMeter()
    assert meter.measure(0.0).rtt_ms == 0
    for second in range(5):
        totals(meter, float(second), total_bytes=second * 62_500, rtt_s=0.05 if second else None)
    sample = meter.measure(4.0)
    assert (sample.bitrate_bps, sample.rtt_ms) == (500_000, 50)
    totals(meter, 5.0, total_bytes=312_500)
    assert meter.rtt_s == 0.05  # what is known stays
