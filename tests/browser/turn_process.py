"""Debian's coturn as a process of its own, as an IT person would set it up for Tongke."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

DOCUMENT = Path(__file__).parents[2] / "docs" / "networks.md"
RELAY_PORTS = range(49_160, 50_000)
START_LIMIT_S = 60.0


def has_turn_server() -> bool:
    """Whether Debian's package is here."""
    return shutil.which("turnserver") is not None


@dataclass(frozen=True)
class TurnProcess:
    """A running TURN server, for settings."""

    host: str
    port: int
    secret_file: Path
    log: Path

    @property
    def settings(self) -> dict[str, str]:
        """What Tongke must be told of it."""
        return {
            "TONGKE_TURN_URLS": f"turn:{self.host}:{self.port}?transport=tcp",
            "TONGKE_TURN_SECRET_FILE": str(self.secret_file),
        }


def documented_configuration() -> str:
    """What `docs/networks.md` tells IT people to write."""
    (found,) = re.findall(r"```ini\n(listening-ip=.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(found)


@contextmanager
def turn_server(host: str, folder: Path) -> Iterator[TurnProcess]:
    """coturn at one address, set up as documented, until the block ends."""
    folder.mkdir()
    secret = "only for this test"
    running = TurnProcess(host, free_port(), folder / "secret", folder / "turn.log")
    running.secret_file.write_text(secret + "\n")
    configuration = folder / "turnserver.conf"
    configuration.write_text(
        documented_configuration()
        .replace("203.0.113.7", host)
        .replace("listening-port=3478", f"listening-port={running.port}")
        .replace("CHANGE-THIS", secret)
        + f"userdb={folder / 'turn.db'}\npidfile={folder / 'turn.pid'}\n"
        "log-file=stdout\nsimple-log\nverbose\n"
    )
    with running.log.open("wb") as log:
        process = subprocess.Popen(
            ["turnserver", "-c", str(configuration)], stdout=log, stderr=log, cwd=folder
        )
    try:
        await_listening(host, running.port, process, running.log)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(START_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_listening(host: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when connections are taken."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"coturn did not start:\n{log.read_text(errors='replace')[-3000:]}")
