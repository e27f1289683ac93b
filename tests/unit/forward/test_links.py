"""A line measured and told in a word."""

from __future__ import annotations

import pytest

from mixer.forward.links import LinkJudge, LinkMeter, LinkSample, LinkWord
from mixer.rtp.rtcp import ReportBlock


def block(ssrc: int, highest: int, lost: int, last_sr: int = 0, delay: int = 0) -> ReportBlock:
    return ReportBlock(ssrc, 0, lost, highest, 0, last_sr, delay)


def test_loss_between_report_blocks() -> None:
    meter = LinkMeter(0.0)
    meter.handle_report_block(block(1, 1000, 50), 1.0)
    assert meter.measure(1.0).loss == 0  # one block alone says nothing of lately
    meter.handle_report_block(block(1, 1100, 60), 2.0)
    meter.handle_report_block(block(2, 500, 0), 2.0)
    meter.handle_report_block(block(2, 800, 0), 3.0)
    assert meter.measure(3.0).loss == pytest.approx(10 / 400)


def test_loss_over_the_wrap_and_with_duplicates() -> None:
    meter = LinkMeter(0.0)
    meter.handle_report_block(block(1, 0xFFFF_FFF0, 5), 1.0)
    meter.handle_report_block(block(1, 0x0000_0010, 1), 2.0)  # copies arrived: less than before
    assert meter.measure(2.0).loss == 0


def test_a_stream_that_began_anew_is_no_loss() -> None:
    meter = LinkMeter(0.0)
    meter.handle_report_block(block(1, 1_000_000, 50), 1.0)
    meter.handle_report_block(block(1, 10, 4000), 2.0)
    assert meter.measure(2.0).loss == 0


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


def test_round_trip_from_report_blocks_is_smoothed() -> None:
    meter = LinkMeter(0.0)
    assert meter.measure(0.0).rtt_ms == 0
    arrival = 0xB710_8000 << 16
    meter.handle_report_block(block(1, 1, 0, 0xB710_6000, 0x1000), 1.0, arrival_ntp=arrival)
    assert meter.rtt_s == pytest.approx(0x1000 / 65_536)
    meter.handle_rtt(0.5)
    assert 62 < meter.measure(1.0).rtt_ms < 130


def test_silence_is_time_since_anything_was_heard() -> None:
    meter = LinkMeter(10.0)
    assert meter.measure(12.0).silent_s == 2
    meter.handle_bytes(0, 12.0)
    meter.handle_bytes(0, 13.0)
    assert meter.measure(13.0).silent_s == 3
    meter.handle_bytes(9, 14.0)
    assert meter.measure(15.0).silent_s == 1


def test_invented_ssrcs_cost_no_memory() -> None:
    meter = LinkMeter(0.0)
    for ssrc in range(10_000):
        meter.handle_report_block(block(ssrc, 1, 0), 1.0)
    assert len(meter._progress) <= 256


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
