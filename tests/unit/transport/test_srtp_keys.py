"""Derived SRTP keys, held against libsrtp: it derives its own from the same master keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pylibsrtp import Policy, Session

from mixer.rtp.packet import RtpPacket
from mixer.transport.srtp_keys import RtpKeys, derive_rtp_keys

HEADER_BYTES = 12
PROFILES = {16: Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 32: Policy.SRTP_PROFILE_AEAD_AES_256_GCM}


def seal(keys: RtpKeys, packet: RtpPacket) -> bytes:
    """AES-GCM in the first round of sequence numbers (RFC 7714 §8.1)."""
    data = packet.serialize()
    plain = packet.ssrc << 48 | packet.sequence_number
    nonce = (plain ^ int.from_bytes(keys.salt, "big")).to_bytes(12, "big")
    header, payload = data[:HEADER_BYTES], data[HEADER_BYTES:]
    return header + AESGCM(keys.key).encrypt(nonce, payload, header)


@pytest.mark.parametrize("length", PROFILES)
def test_libsrtp_opens_what_they_seal(length: int) -> None:
    master_key, master_salt = bytes(range(length)), bytes(range(100, 112))
    keys = derive_rtp_keys(master_key, master_salt)
    packet = RtpPacket(111, 7, 960, 0xDEADBEEF, b"speech")
    policy = Policy(
        key=master_key + master_salt,
        ssrc_type=Policy.SSRC_ANY_INBOUND,
        srtp_profile=PROFILES[length],
    )
    assert Session(policy).unprotect(seal(keys, packet)) == packet.serialize()


@pytest.mark.parametrize(("key", "salt"), [(16, 14), (24, 12), (0, 12), (16, 0)])
def test_other_lengths_are_refused(key: int, salt: int) -> None:
    with pytest.raises(ValueError, match="16 or 32 bytes and salts of 12"):
        derive_rtp_keys(bytes(key), bytes(salt))
