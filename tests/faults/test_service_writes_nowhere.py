"""The server as its unit confines it: everything read-only but its state and a temporary folder.

The unit's `ProtectSystem=strict`, `NoNewPrivileges` and empty capabilities, brought about without
systemd; a server that needed more would not start, or not answer.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from server.service.unit import unit_text
from tests.browser.county import client
from tests.ports import free_media_port, free_port

LIMIT_S = 90.0
# Everything as it is mounted, read-only; then what the unit leaves writable.
CONFINED = """
set -eu
mount --make-rprivate /
mount --bind {state} {state}
mount -t tmpfs tmpfs /var/tmp
awk '{{print $5}}' /proc/self/mountinfo | while read -r place; do
    case $place in {state}|/var/tmp|/proc*|/sys*|/dev*) ;;
    *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;;
    esac
done
! touch {outside} 2>/dev/null
touch {state}/may
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="a mount namespace needs root and unshare",
)


def test_it_serves_and_stops(tmp_path: Path) -> None:
    unit = unit_text("/bin/tongke")
    assert {"ProtectSystem=strict", "NoNewPrivileges=yes", "PrivateTmp=yes"} <= set(unit.split())
    state, port = tmp_path / "state", free_port()
    state.mkdir()
    script = CONFINED.format(state=state, outside=tmp_path / "outside")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGKE_")}
    log = state / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("unshare", "--mount", "sh", "-c", script, "confined"),
                *(str(Path(sys.executable).parent / "tongke"), "serve"),
            ],
            cwd="/",
            stdout=output,
            stderr=output,
            env={
                **kept,
                "TMPDIR": "/var/tmp",
                "TONGKE_DATA_FOLDER": str(state / "data"),
                "TONGKE_HOST": "127.0.0.1",
                "TONGKE_PORT": str(port),
                "TONGKE_MEDIA_HOST": "127.0.0.1",
                "TONGKE_MEDIA_PORT": str(free_media_port()),
            },
        )
    try:
        assert is_ready(f"https://127.0.0.1:{port}", process), log.read_text()[-3000:]
        assert rights_of(process.pid) == {"CapEff": 0, "CapBnd": 0, "NoNewPrivs": 1}
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0, log.read_text()[-3000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["state"]


def is_ready(origin: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + LIMIT_S
    with client(origin) as http:
        while time.monotonic() < until and process.poll() is None:
            try:
                if http.get("/readyz").is_success:
                    return True
            except httpx.HTTPError:
                time.sleep(0.05)
    return False


def rights_of(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/status").read_text()
    return {
        name: int(value, 16)
        for name, value in re.findall(r"^(CapEff|CapBnd|NoNewPrivs):\s+(\w+)$", text, re.M)
    }
