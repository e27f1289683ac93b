"""Encoded pictures as a camera's RTP packets (RFC 6184), for the way on (`passing`)."""

from __future__ import annotations

from hardware_profiles.room_agent.converting.messages import PictureMessage
from mixer.rtp.h264_payloads import payloads
from mixer.rtp.packet import RtpPacket

PAYLOAD_TYPE = 96


class EncodedPackets:
    """One stream's, numbered on and on."""

    def __init__(self) -> None:
        self._sequence = 0

    def of(self, picture: PictureMessage, ssrc: int) -> list[bytes]:
        """The packets of the next picture."""
        parts = payloads(picture.data)
        out = []
        for place, payload in enumerate(parts):
            packet = RtpPacket(
                PAYLOAD_TYPE,
                self._sequence,
                picture.timestamp & 0xFFFF_FFFF,
                ssrc,
                payload=payload,
                marker=place == len(parts) - 1,
            )
            self._sequence = (self._sequence + 1) & 0xFFFF
            out.append(packet.serialize())
        return out
