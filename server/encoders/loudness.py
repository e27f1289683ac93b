"""How loud an encoder's sound is, packet by packet: by it a lesson sees who speaks (RFC 6464)."""

from __future__ import annotations

from mixer.composite.process.sound_encoder import level_of
from mixer.libopus import OpusDecoder, OpusError


class Loudness:
    """`of` each packet in order; `close` it. Without libopus, and of what cannot be decoded, none
    is told: the sound is heard all the same.
    """

    def __init__(self) -> None:
        self._decoder: OpusDecoder | None = None
        try:
            self._decoder = OpusDecoder()
        except OpusError:
            return

    def of(self, payload: bytes) -> bytes:
        """The level as the header extension has it; empty if unknown."""
        if self._decoder is None:
            return b""
        try:
            return level_of(self._decoder.decode(payload))
        except OpusError:
            return b""

    def close(self) -> None:
        """Free the decoder."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None
