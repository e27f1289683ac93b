"""A feed's socket: datagrams to the media core, its requests for keyframes back.

A Unix datagram queue may hold ten datagrams, a keyframe has fifty: whoever sends a picture waits a
moment for room (`send_all`), a sound never does (`send_or_keep`). What finds no room is dropped and
counted; a media core that stands still costs no memory.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from mixer.reading import datagrams as unix
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Pli
from mixer.rtp.rtcp import parse_compound

# A picture's packets wait for room no longer than until the next picture is due.
ROOM_WITHIN_S = 0.03

# The media core empties its queue within a millisecond.
LOOK_FOR_ROOM_S = 0.0005

# Half a second of sound: what is older is of no use to anybody.
MOST_KEPT = 25

_MOST_REQUESTS = 64  # read at once; the core asks a few times a second
_REQUEST_BYTES = 2048


class FeedSocket:
    """Bound at `path`, connected by `connect`. `send_…` may be called by several threads."""

    def __init__(self, path: Path) -> None:
        """Binds. Raises `OSError` (path too long, folder missing or not writable)."""
        self.path = path
        self.dropped_datagrams = 0
        self._media_path = ""
        self._kept: deque[bytes] = deque()
        self._socket = unix.bind(path)

    def connect(self, media_path: str) -> None:
        """Send there from now on. Raises `OSError` when nobody is there.

        Our own socket stays unconnected: the media core's requests come from another of its
        sockets, and a connected one takes datagrams of its peer alone (unix(7)).
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knocking:
            knocking.connect(media_path)
        self._media_path = media_path

    def send_all(self, datagrams: Iterable[bytes]) -> bool:
        """Send a picture's; False when some found no room: what follows needs a keyframe."""
        whole = True
        for data in datagrams:
            # Once there was no room in time there will be none for the rest.
            if not whole or not self._send_within(data, ROOM_WITHIN_S):
                self.dropped_datagrams += 1
                whole = False
        return whole

    @property
    def keeps(self) -> bool:
        """Whether something has found no room yet."""
        return bool(self._kept)

    def send_or_keep(self, datagrams: Iterable[bytes] = ()) -> None:
        """Send without waiting; what finds no room is sent with what comes next."""
        self._kept.extend(datagrams)
        while self._kept and self._send(self._kept[0]):
            self._kept.popleft()
        while len(self._kept) > MOST_KEPT:
            self._kept.popleft()
            self.dropped_datagrams += 1

    def wanted_keyframes(self) -> set[int]:
        """The SSRCs of which a keyframe was asked for since the last call."""
        wanted: set[int] = set()
        for _ in range(_MOST_REQUESTS):
            try:
                data = self._socket.recv(_REQUEST_BYTES)
            except OSError:  # nothing there, or nobody
                break
            try:
                packets = parse_compound(data)
            except MalformedPacketError:
                continue
            wanted |= {packet.media_ssrc for packet in packets if isinstance(packet, Pli)}
            for packet in packets:
                if isinstance(packet, Fir):
                    wanted |= {entry[0] for entry in packet.entries}
        return wanted

    def close(self) -> None:
        """Unbind and remove the path."""
        unix.unbind(self._socket, self.path)

    def _send_within(self, data: bytes, time_s: float) -> bool:
        until = time.monotonic() + time_s
        while not self._send(data):
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_FOR_ROOM_S)  # nobody tells an unconnected socket that there is room
        return True

    def _send(self, data: bytes) -> bool:
        try:
            self._socket.sendto(data, self._media_path)
        except OSError:  # full, or the media core is being started again
            return False
        return True
