"""What comes of one key or camera, whatever way it comes. `service` brings it into lessons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.encoders.encoded_stream import EncodedStream
from server.encoders.errors import EncoderFault
from server.encoders.seat_feed import FedPicture
from signaling.protocol.messages import Source


class Inflow(Protocol):
    """One encoder or camera."""

    @property
    def key_id(self) -> str: ...
    @property
    def source(self) -> Source: ...
    @property
    def pictures(self) -> Sequence[FedPicture]:
        """Its picture in each size it comes in, the smallest first."""
        ...

    @property
    def stream(self) -> EncodedStream | None:
        """What an encoder sends, with its sound; None of a camera."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it can be in a lesson now."""
        ...

    @property
    def sends(self) -> bool:
        """Whether something comes from it."""
        ...

    @property
    def fault(self) -> EncoderFault | None:
        """Why nothing comes, if that is known."""
        ...

    async def wanted(self, wanted: bool) -> None:
        """A lesson has it, or has it no more."""
        ...

    async def close(self) -> None:
        """Its key is revoked, or the server ends."""
        ...
