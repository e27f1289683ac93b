"""What a tap takes for its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mixer.reading.tap_packets import packet_of
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket

OWN = RtpPacket(96, 7, 3000, 0x1234, b"payload")


def test_its_own_packets_are_read() -> None:
    assert packet_of(OWN.serialize(), 0x1234, 96) == OWN


@pytest.mark.parametrize(
    "data",
    [
        replace(OWN, ssrc=0x1235).serialize(),
        replace(OWN, payload_type=97).serialize(),
        OWN.serialize()[:11],
        b"",
    ],
    ids=["another stream", "another payload", "cut off", "empty"],
)
def test_all_else_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        packet_of(data, 0x1234, 96)
