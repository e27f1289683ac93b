"""Ready packets, protected and sent with as few system calls as may be.

aiortc protects and sends one packet at a time, each a way through the kernel. Here a picture's
packets are protected behind each other in one buffer, and those of one size leave in one call
(UDP_SEGMENT of Linux, `udp(7)`); elsewhere, and where kernel or network card refuse that, one by
one. Owns the buffer and the choice; keys, address and socket are aiortc's
(`tests/contract/test_aiortc_packets.py` pins them).
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Any

from pylibsrtp._binding import ffi, lib

# So many packets at most are given at once; libsrtp adds at most 144 bytes (SRTP_MAX_TRAILER_LEN).
MOST_PACKETS = 32
_MOST_PACKET_BYTES = 1_400
_TRAILER_BYTES = 160
_UDP_SEGMENT = 103
# A datagram's length has 16 bits, all segments together.
_MOST_RUN_BYTES = 60_000
# A driver that cannot do it says so each time; what fails once may be a full queue.
_MOST_REFUSALS = 8
_CANNOT = frozenset({errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EMSGSIZE})

Run = tuple[int, int, int]  # where it begins and ends in the buffer, and the size of its packets


class Departure:
    """The way out of one DTLS transport. `send` when it is connected; `close` it after.

    `dropped` counts what could not be protected, `calls` the system calls.
    """

    def __init__(self, transport: Any) -> None:
        self.dropped = 0
        self.calls = 0
        self.together = sys.platform == "linux"
        self._transport = transport
        self._bytes = ffi.new("char[]", MOST_PACKETS * (_MOST_PACKET_BYTES + _TRAILER_BYTES))
        self._view = memoryview(ffi.buffer(self._bytes))
        self._length = ffi.new("int *")
        self._refusals = 0
        self._socket: socket.socket | None = None
        self._of: Any = None  # the asyncio transport whose socket that is

    def send(self, packets: Sequence[bytes]) -> None:
        """Send these, at most `MOST_PACKETS`, in order. Raises `ConnectionError`."""
        if self._transport.state != "connected":
            raise ConnectionError("the connection is over")
        pair = self._transport.transport._connection._nominated.get(1)
        if pair is None:
            raise ConnectionError("the connection has no way out")
        line, to = pair.protocol.transport, pair.remote_addr
        for run in self._protected(packets):
            self._run(line, to, run)

    def close(self) -> None:
        """The socket is ours by a second handle."""
        if self._socket is not None:
            self._socket.close()
            self._socket = self._of = None

    def _protected(self, packets: Sequence[bytes]) -> list[Run]:
        """Packets of one size behind each other; the last of a run may be smaller (`udp(7)`)."""
        srtp, view, length = self._transport._tx_srtp._srtp[0], self._view, self._length
        runs: list[Run] = []
        begin = end = size = 0
        for data in packets:
            if len(data) > _MOST_PACKET_BYTES:
                self.dropped += 1
                continue
            view[end : end + len(data)] = data
            length[0] = len(data)
            protect = lib.srtp_protect_rtcp if 192 <= data[1] <= 223 else lib.srtp_protect
            if protect(srtp, self._bytes + end, length):
                self.dropped += 1
                continue
            took = length[0]
            fits = (end - begin) % size == 0 and end - begin < _MOST_RUN_BYTES if size else False
            if not (fits and took <= size):
                if end > begin:
                    runs.append((begin, end, size))
                begin, size = end, took
            end += took
        if end > begin:
            runs.append((begin, end, size))
        return runs

    def _run(self, line: Any, to: tuple[str, int], run: Run) -> None:
        begin, end, size = run
        # What waits in asyncio's own queue goes first.
        if self.together and end - begin > size and not line.get_write_buffer_size():
            segment = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", size))]
            try:
                self.calls += 1
                self._own(line).sendmsg([self._view[begin:end]], segment, 0, to)
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno in _CANNOT:
                    self._refusals += 1
                    self.together = self._refusals < _MOST_REFUSALS
            else:
                return
        for at in range(begin, end, size):
            self.calls += 1
            line.sendto(bytes(self._view[at : min(at + size, end)]), to)

    def _own(self, line: Any) -> socket.socket:
        if self._of is not line or self._socket is None:
            self.close()
            self._socket, self._of = line.get_extra_info("socket").dup(), line
        return self._socket
