"""The real server as a process of its own: started, killed and started again on the same ports."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.ports import free_media_port, free_port

START_LIMIT_S = 180.0  # a busy test machine; a start is measured elsewhere, not here


@dataclass
class ServerProcess:
    """`tongke serve` over HTTPS with its own certificate, as a county would run it."""

    data_folder: Path
    port: int = field(default_factory=free_port)
    media_port: int = field(default_factory=free_media_port)
    advertised: tuple[str, ...] = ("127.0.0.1",)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    setup_key: str = ""

    @property
    def origin(self) -> str:
        scheme = "http" if self.settings.get("TONGKE_PLAIN_HTTP") else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_folder.parent / "server.log"

    def start(self, *, wait: bool = True) -> None:
        """Starts the server; returns when it is ready for lessons and has told the set-up key."""
        environment = {
            **os.environ,
            "TONGKE_DATA_FOLDER": str(self.data_folder),
            "TONGKE_HOST": "0.0.0.0",  # rooms reach it from their own network namespace
            "TONGKE_PORT": str(self.port),
            "TONGKE_MEDIA_PORT": str(self.media_port),
            "TONGKE_ADVERTISED": ",".join(self.advertised),
            "TONGKE_TLS_NAMES": ",".join(self.advertised),
            "TONGKE_LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
            **self.settings,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "tongke"), "serve"],
                stdout=log,
                stderr=log,
                env=environment,
            )
        if wait:
            self.await_ready()

    def kill(self) -> None:
        """SIGKILL to all of it, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def kill_without_keeper(self) -> None:
        """SIGKILL to the serving process alone, as the kernel would for want of memory."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        (serving,) = children.read_text().split()
        os.kill(int(serving), signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(START_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def _listens(self) -> bool:
        """Asked often while it starts: a client's whole attempt would take its processor."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 2).close()
        except OSError:
            return False
        return True

    def _is_ready(self, client: httpx.Client) -> bool:
        if not self._listens():
            return False
        found = re.search(r"/setup#key=([A-Za-z0-9_-]+)", self.log.read_text())
        self.setup_key = found.group(1) if found else ""
        try:
            return bool(self.setup_key) and client.get(f"{self.origin}/readyz").is_success
        except httpx.HTTPError:
            return False

    def await_ready(self) -> None:
        """Returns when it is ready."""
        assert self.process is not None
        deadline = time.monotonic() + START_LIMIT_S
        watch = os.pidfd_open(self.process.pid)
        try:
            with httpx.Client(verify=False, timeout=20) as client:  # noqa: S501  # its own certificate
                while time.monotonic() < deadline:
                    if self._is_ready(client):
                        return
                    if select.select([watch], [], [], 0.02)[0]:
                        break
        finally:
            os.close(watch)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
