"""What a contender sends: pictures (each ends with its marker), packets, bytes; in a thread."""

from __future__ import annotations

import select
import socket
import threading

_DATAGRAM_BYTES = 1 << 16
_WAIT_S = 0.1


class Arriving:
    """Counts on a bound socket, of one SSRC or of all."""

    def __init__(self, receiver: socket.socket, ssrc: int | None = None) -> None:
        self._receiver = receiver
        self._ssrc = None if ssrc is None else ssrc.to_bytes(4, "big")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arriving", daemon=True)
        self.frames = 0
        self.packets = 0
        self.octets = 0
        self._thread.start()

    def stop(self) -> None:
        """End, and close the socket."""
        self._ending.set()
        self._thread.join()
        self._receiver.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            if select.select([self._receiver], [], [], _WAIT_S)[0]:
                self._take(self._receiver.recv(_DATAGRAM_BYTES))

    def _take(self, data: bytes) -> None:
        if len(data) < 12 or 192 <= data[1] <= 223:  # a report
            return
        if self._ssrc is None or data[8:12] == self._ssrc:
            self.frames += data[1] >> 7
            self.packets += 1
            self.octets += len(data)
