"""The taps: one Unix datagram socket per source, bound here, sent to by the media core.

Owns the sockets. The sender never waits for us (what it cannot get rid of is its counted drop),
so receiving comes before all other work.
"""

from __future__ import annotations

from pathlib import Path

from mixer.reading import datagrams

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
        self._socket = datagrams.bind(path)

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

    def receive_one(self) -> bytes | None:
        """The oldest that waits; None when none does."""
        try:
            return self._socket.recv(MAX_DATAGRAM_BYTES)
        except (BlockingIOError, InterruptedError):
            return None

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
        datagrams.unbind(self._socket, self.path)
