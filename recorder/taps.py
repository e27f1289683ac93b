"""The taps: one Unix datagram socket per source, bound here, sent to by the media core.

Owns the sockets and what arrives at them until the process has time for it. The sender never
waits for us (a full socket is its counted drop), so receiving comes before all other work.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

# A kernel holds few datagrams of strangers (net.unix.max_dgram_qlen, often 10): less than one
# keyframe. It does not count those of the peer we are connected to; they are bounded by that
# sender's own buffer.
RECEIVE_BYTES = 4 << 20

# No RTP packet of a network is longer than this.
MAX_DATAGRAM_BYTES = 65_535

# Datagrams taken at once from one source, before the others have their turn.
BURST = 256


class TapSocket:
    """A bound socket. `receive` gives what waits, `send` goes to whoever sent last."""

    def __init__(self, path: Path) -> None:
        """Binds. Raises `OSError` (path too long, folder missing or not writable)."""
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            self._socket.bind(str(path))
            path.chmod(0o600)
        except OSError:
            self._socket.close()
            raise
        self._connected = False

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def receive(self) -> list[bytes]:
        """At most `BURST` datagrams that wait, oldest first."""
        datagrams: list[bytes] = []
        while len(datagrams) < BURST:
            try:
                if self._connected:
                    datagrams.append(self._socket.recv(MAX_DATAGRAM_BYTES))
                    continue
                data, sender = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # The peer's socket is gone: another one may come.
                self._connected = False
                break
            datagrams.append(data)
            if sender:
                self._connect(sender)
        return datagrams

    def send(self, data: bytes) -> bool:
        """Send to the media core; False when it does not take it now (it is asked again later)."""
        if not self._connected:
            return False
        try:
            self._socket.send(data)
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

    def _connect(self, sender: str | bytes) -> None:
        try:
            self._socket.connect(sender)
        except OSError:
            return  # it works unconnected too, with less room
        self._connected = True


def path_fits(path: str) -> bool:
    """Whether a socket can have this name: `sockaddr_un` has room for 107 bytes (unix(7))."""
    return len(os.fsencode(path)) <= 107
