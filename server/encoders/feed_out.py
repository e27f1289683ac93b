"""The way of one feed's datagrams to the media core, and its requests for keyframes back.

As `mixer.composite.process.feed_socket`, for the event loop: a Unix datagram queue holds ten
datagrams, a keyframe has fifty, and nothing here may wait for room. Bounded: what finds none in
time is dropped and counted.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Fir, Pli
from mixer.rtp.rtcp import parse_compound

# The media core empties its queue within a millisecond.
_LOOK_FOR_ROOM_S = 0.001
# A whole group of pictures (`room_agent.passing.group`) and some.
_MOST_WAITING = 16_384
_REQUEST_BYTES = 2048
# A group goes out at 20 Mb/s. It reaches all who look, and what a receiver's system keeps for it is
# often no more than a hundred packets: what is lost then is asked for again, with another group.
_AT_ONCE, _PAUSE_S = 32, 0.015
# A keyframe of a large picture has as many packets; it waits for nothing.
_PICTURE = 64


class FeedOut:
    """Bound at `path` at once; `connect` it, `put` datagrams, `close` it."""

    def __init__(self, path: Path, *, on_keyframe_wanted: Callable[[int], None]) -> None:
        """`on_keyframe_wanted` gets the SSRC of who shall send one. Raises `OSError`."""
        self.path = path
        self.dropped = 0
        self._on_keyframe_wanted = on_keyframe_wanted
        self._media_path = ""
        self._waiting: deque[bytes] = deque()
        self._something = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(str(path))
            path.chmod(0o600)
        except OSError:
            self._socket.close()
            raise
        asyncio.get_running_loop().add_reader(self._socket, self._asked)

    def connect(self, media_path: str) -> None:
        """Send there from now on."""
        self._media_path = media_path
        self._sending = asyncio.create_task(self._send(), name="feed-out")

    def put(self, datagrams: Iterable[bytes]) -> None:
        """Send these, in order, as soon as may be."""
        for data in datagrams:
            if len(self._waiting) >= _MOST_WAITING:
                self.dropped += 1
            else:
                self._waiting.append(data)
        self._something.set()

    async def close(self) -> None:
        """Unbind and remove the path."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    @property
    def is_behind(self) -> bool:
        """Whether a group is still on its way: another would only come later."""
        return len(self._waiting) > _PICTURE

    async def _send(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            sent = 0
            while self._waiting:
                try:
                    self._socket.sendto(self._waiting[0], self._media_path)
                except BlockingIOError:  # nobody tells an unconnected socket that there is room
                    await asyncio.sleep(_LOOK_FOR_ROOM_S)
                    continue
                except OSError:  # the media core is not there: what is for it is lost
                    self.dropped += 1
                self._waiting.popleft()
                sent += 1
                if sent % _AT_ONCE == 0 and self.is_behind:
                    await asyncio.sleep(_PAUSE_S)

    def _asked(self) -> None:
        try:
            packets = parse_compound(self._socket.recv(_REQUEST_BYTES))
        except (OSError, MalformedPacketError):
            return
        for packet in packets:
            if isinstance(packet, Pli):
                self._on_keyframe_wanted(packet.media_ssrc)
            elif isinstance(packet, Fir):
                for ssrc, _number in packet.entries:
                    self._on_keyframe_wanted(ssrc)
