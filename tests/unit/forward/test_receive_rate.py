"""The rate that publishers without feedback of their own are told."""

from __future__ import annotations

import pytest

from mixer.forward.receive_rate import FLOOR_BPS, ReceiveRate


def test_rate_grows_on_a_clean_line_up_to_what_it_may() -> None:
    rate = ReceiveRate(0.0, max_bps=3_000_000)
    for second in range(1, 12):
        rate.handle(float(second), loss=0.0, received_bps=rate.bitrate_bps)
    assert rate.bitrate_bps == 3_000_000


def test_rate_does_not_run_ahead_of_what_is_sent() -> None:
    rate = ReceiveRate(0.0, max_bps=9_000_000)
    for second in range(1, 30):
        rate.handle(float(second), loss=0.0, received_bps=800_000)
    assert rate.bitrate_bps == 1_600_000


def test_rate_falls_with_loss_and_is_back_in_ten_seconds() -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000, start_bps=2_000_000)
    for second in range(1, 11):
        rate.handle(float(second), loss=0.4, received_bps=300_000)
    assert rate.bitrate_bps < 500_000
    for second in range(11, 21):
        rate.handle(float(second), loss=0.0, received_bps=rate.bitrate_bps)
    assert rate.bitrate_bps == 2_000_000


def test_some_loss_changes_nothing() -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000)
    assert rate.handle(1.0, loss=0.05, received_bps=900_000) == 1_000_000


@pytest.mark.parametrize("loss", [0.5, 1.0])
def test_rate_never_falls_to_nothing(loss: float) -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000)
    for second in range(1, 30):
        rate.handle(float(second), loss=loss, received_bps=0)
    assert rate.bitrate_bps == FLOOR_BPS


def test_a_new_maximum_counts_at_once() -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000)
    rate.set_max(300_000)
    assert rate.bitrate_bps == 300_000
    rate.set_max(0)
    assert rate.bitrate_bps == FLOOR_BPS
