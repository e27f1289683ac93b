"""The taps: one Unix datagram socket per source, bound here, sent to by the media core.

Owns the sockets. The sender never waits for us (what it cannot get rid of is its counted drop),
so receiving comes before all other work.
"""

from __future__ import annotations

import socket
from pathlib import Path

# No RTP packet of a network is longer than this.
MAX_DATAGRAM_BYTES = 65_535

# Datagrams taken at once from one source, before the others have their turn.
BURST = 256


class TapSocket:
    """A bound socket. `receive` gives what waits, `send` goes to the core's `feedback_path`."""

    def __init__(self, path: Path) -> None:
        """Binds. Raises `OSError` (path too long, folder missing or not writable)."""
        self.path = path
        self.feedback_path = ""
        path.unlink(missing_ok=True)  # left by a process that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(str(path))
            path.chmod(0o600)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def receive(self) -> list[bytes]:
        """At most `BURST` datagrams that wait, oldest first."""
        datagrams: list[bytes] = []
        while len(datagrams) < BURST:
            try:
                datagrams.append(self._socket.recv(MAX_DATAGRAM_BYTES))
            except (BlockingIOError, InterruptedError):
                break
        return datagrams

    def send(self, data: bytes) -> bool:
        """Send to the media core; False when it does not take it now (it is asked again later)."""
        if not self.feedback_path:
            return False
        try:
            self._socket.sendto(data, self.feedback_path)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Unbind and remove the path."""
        self._socket.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            return  # the folder is gone, and the socket's name with it
