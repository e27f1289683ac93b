"""A tap's RTP, one datagram a packet: what is not the tap's own is refused in one place."""

from __future__ import annotations

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket


def packet_of(data: bytes, ssrc: int, payload_type: int) -> RtpPacket:
    """The packet in a tap's datagram, of the stream that the tap was said to carry.

    Raises `MalformedPacketError` for what is no RTP, and for another stream's: the media core sends
    none there, and whoever else writes to the socket is not heard.
    """
    packet = RtpPacket.parse(data)
    if packet.ssrc != ssrc or packet.payload_type != payload_type:
        raise MalformedPacketError(
            f"RTP: payload type {packet.payload_type} of SSRC {packet.ssrc} is not this tap's"
        )
    return packet
