"""A room comes back by itself: of each fault one (`python -m benchmarks.room_faults`: a hundred).

Decoded pictures of every camera, taken after the cause has gone, within four seconds.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.browser.room_network import can_make_networks
from tests.faults.room_scene import Fault, room_scene
from tests.network_camera import need_cameras

MOST_S = 4.0
pytestmark = [
    pytest.mark.alone,  # seconds are counted
    pytest.mark.skipif(not can_make_networks(), reason="needs root and iproute2"),
]


async def test_back_in_four_seconds_untouched(tmp_path: Path) -> None:
    need_cameras()
    rng = Random(1)
    faults = list(Fault)
    rng.shuffle(faults)
    async with room_scene(tmp_path) as scene:
        back = {fault: (await scene.suffer(fault, rng)).back_s for fault in faults}
    assert {fault: took for fault, took in back.items() if took is None or took > MOST_S} == {}
