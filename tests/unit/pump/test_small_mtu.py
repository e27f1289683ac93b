"""Where the kernel refuses to segment, packets go one by one, and none is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCENE = Path(__file__).with_name("small_mtu_scene.py")
ROOT = SCENE.parents[3]
NAMESPACE = ["unshare", "--map-root-user", "--net", "sh", "-c"]


def can_make_a_namespace() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(
    not can_make_a_namespace(), reason="this system lets nobody make a network namespace"
)
@pytest.mark.parametrize(("size", "is_segmented"), [(1000, True), (1300, False)])
def test_no_packet_is_lost_on_a_path_with_a_small_mtu(size: int, is_segmented: bool) -> None:
    scene = f'ip link set lo mtu 1280 up && exec "{sys.executable}" "{SCENE}" {size}'
    run = subprocess.run(
        [*NAMESPACE, scene],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    told = json.loads(run.stdout)
    assert told["sizes"] == [size]
    assert told["stats"]["sent_datagrams"] == 2000
    assert (told["stats"]["gso_messages"] > 0) is is_segmented
    assert told["stats"]["drop_send_error"] == told["stats"]["drop_socket_full"] == 0
