"""Where a stream's timestamps lie: by reports that move a little, much, and to another time."""

from __future__ import annotations

import pytest

from mixer.outputs.sender_clock import PICTURE_STAYS_S, SOUND_STAYS_S, SenderClock
from tests.recorded_media import SOUND

BEGAN = 1_788_220_800.0


def places_ms(reported_ms: list[float], stays_s: float) -> list[int]:
    """How much later than at first a stream lies after each second's report, which says so."""
    clock = SenderClock(SOUND.ssrc, SOUND.clock_rate, stays_s=stays_s)
    told = []
    for second, moved_ms in enumerate(reported_ms):
        clock.handle_report(SOUND.sender_report(second, BEGAN + second + moved_ms / 1000))
        told.append(round(1000 * (clock.unix_s(SOUND.timestamp(second)) - BEGAN - second)))
    return told


@pytest.mark.parametrize(
    ("reported_ms", "stays_s", "places"),
    [
        ([0, 4, -3], PICTURE_STAYS_S, [0, 4, -3]),
        ([0, 4, -3, 14], SOUND_STAYS_S, [0, 0, 0, 0]),  # a hole is worse than that
        # The first report knew little: what follows comes to its place, half a picture a second.
        ([0, 90, 90, 90, 90, 90, 90], PICTURE_STAYS_S, [0, 20, 40, 60, 80, 90, 90]),
        ([0, -50, -50, -50], SOUND_STAYS_S, [0, -20, -40, -40]),
        ([0, 700, 700], PICTURE_STAYS_S, [0, 700, 700]),  # another time
    ],
)
def test_a_stream_comes_to_where_its_reports_say(
    reported_ms: list[float], stays_s: float, places: list[int]
) -> None:
    assert places_ms(reported_ms, stays_s) == places
