"""A child as what a tap feeds: what is said to it of one source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mixer.model import TapInfo
from mixer.reading.control import CloseTap, OpenTap, StartTap

Opening = TypeVar("Opening", bound=OpenTap)


@dataclass(frozen=True, slots=True)
class TapSink(Generic[Opening]):
    """One source of one lesson (`server.children.tapping.Sink`).

    `opening` makes the message that opens a track of it, given `track_id` and `socket_path`:
    timestamps begin anew with every tap, so each time it is another track.
    """

    send: Callable[[Opening | StartTap | CloseTap], bool]
    opening: Callable[..., Opening]

    def open(self, track_id: str, socket_path: str) -> None:
        """A track of its own."""
        self.send(self.opening(track_id=track_id, socket_path=socket_path))

    def start(self, track_id: str, info: TapInfo) -> None:
        """What comes is named."""
        self.send(StartTap.of(track_id, info))

    def close(self, track_id: str) -> None:
        """Nothing more comes."""
        self.send(CloseTap(track_id=track_id))
