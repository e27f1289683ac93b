"""One stream of the program on its way from the media core into this process.

Owns the socket; the tap itself is `server.children.tapping`'s, to which this is what takes it. What
comes is handed on as it comes: no thread, no process, some two hundred datagrams a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mixer.model import TapInfo
from mixer.reading.tap_socket import TapSocket
from server.children.tapping import TappedMedia, Tapping


class LocalTap:
    """`start` and `close` it (`server.children.tapping.Sink`)."""

    def __init__(
        self,
        media: TappedMedia,
        lesson_id: str,
        producer_id: str,
        *,
        folder: Path,
        on_begun: Callable[[TapInfo], None],
        on_datagrams: Callable[[list[bytes]], None],
    ) -> None:
        """`on_begun` is called before the first datagram, each time that the tap begins anew."""
        self._on_begun = on_begun
        self._on_datagrams = on_datagrams
        self._socket: TapSocket | None = None
        self._begun = False
        self._tapping = Tapping(
            media, self, lesson_id=lesson_id, producer_id=producer_id, folder=folder
        )

    def begin(self) -> None:
        """Take the stream."""
        self._tapping.begin()

    async def stop(self) -> None:
        """Take it no more."""
        await self._tapping.stop()

    def ask(self, feedback: bytes) -> None:
        """Say something to the media core: that a keyframe is wanted."""
        if self._socket is not None:
            self._socket.send(feedback)

    # --- server.children.tapping.Sink ---------------------------------------------------------

    def open(self, track_id: str, socket_path: str) -> None:
        """Bind it."""
        try:
            self._socket = TapSocket(Path(socket_path))
        except OSError as error:
            text = f"no socket at {socket_path}: {error.strerror or error}"
            self._tapping.refused(text, passes=True)
            return
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive)
        self._tapping.ready()

    def start(self, track_id: str, info: TapInfo) -> None:
        """What comes is named; what came a moment before waits in the socket."""
        if self._socket is not None:
            self._socket.feedback_path = info.feedback_path
            self._on_begun(info)
            self._begun = True

    def close(self, track_id: str) -> None:
        """Unbind it."""
        bound, self._socket, self._begun = self._socket, None, False
        if bound is not None:
            asyncio.get_running_loop().remove_reader(bound.fileno())
            bound.close()

    def _receive(self) -> None:
        # Before it is named it is let go of: a keyframe is asked for when it begins.
        datagrams = self._socket.receive() if self._socket is not None else []
        if self._begun:
            self._on_datagrams(datagrams)
