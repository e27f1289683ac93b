"""A contender's process and ports: what it sends arrives on a socket of ours, by UDP."""

from __future__ import annotations

import socket
import subprocess

from benchmarks.compositors.arriving import Arriving

HOST = "127.0.0.1"
STOP_TIMEOUT_S = 5.0


class Spawned:
    """A contender that is one process and is asked to end by SIGTERM; `start` makes both."""

    _process: subprocess.Popen[bytes]
    arriving: Arriving

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it, and see that it does."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.arriving.stop()


def udp_socket() -> tuple[socket.socket, int]:
    """A bound socket with room for a keyframe, and its port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind((HOST, 0))
    return made, made.getsockname()[1]


def free_port() -> int:
    """An even port whose next one is free, too: RTP and RTCP (RFC 3550 §11)."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind((HOST, 0))
            port: int = first.getsockname()[1]
            if port % 2 == 0:
                return port
