"""What the compositor says, from whichever thread, in whole lines and without waiting.

A server that does not read costs no picture: what it leaves unread is kept up to a bound, beyond
which it is no server any more.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from mixer.composite.process.messages import Report, encode

# An hour of reports.
MOST_UNSENT_BYTES = 8 << 20


class ReportLine:
    """The way to the server."""

    def __init__(self, control: socket.socket, *, on_gone: Callable[[], None]) -> None:
        self._control = control
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._unsent = b""

    def say(self, report: Report) -> None:
        """Send it, and what could not be sent before."""
        with self._lock:
            self._unsent += encode(report)
            try:
                while self._unsent:
                    sent = self._control.send(self._unsent, socket.MSG_DONTWAIT)
                    self._unsent = self._unsent[sent:]
            except BlockingIOError:
                if len(self._unsent) > MOST_UNSENT_BYTES:
                    self._on_gone()
            except OSError:
                self._on_gone()
