"""SRTP session keys from the master key and salt that a DTLS handshake gave (RFC 3711 §4.3).

Owns the derivation for AES-GCM, whose outgoing RTP the pump protects itself; every other key is
derived by libsrtp.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SALT_BYTES = 12  # RFC 7714 §12
# RFC 3711 §4.3.2
ENCRYPTION_LABEL, SALT_LABEL = 0x00, 0x02
# The key identifier is the low half of the derivation's input; with a derivation rate of zero all
# of it but the label is zero (RFC 3711 §4.3.1).
LABEL_AT = 7


@dataclass(frozen=True, slots=True)
class RtpKeys:
    """What protects the RTP of one direction: a key of 16 or 32 bytes, a salt of 12.

    Both empty: the profile is none of AES-GCM.
    """

    key: bytes = b""
    salt: bytes = b""


def derive_rtp_keys(master_key: bytes, master_salt: bytes) -> RtpKeys:
    """The session keys of AEAD_AES_128_GCM or AEAD_AES_256_GCM (RFC 7714 §11)."""
    if len(master_key) not in (16, 32) or len(master_salt) != SALT_BYTES:
        raise ValueError("AES-GCM has master keys of 16 or 32 bytes and salts of 12")
    return RtpKeys(
        _derive(master_key, master_salt, ENCRYPTION_LABEL, len(master_key)),
        _derive(master_key, master_salt, SALT_LABEL, SALT_BYTES),
    )


def _derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """The pseudo-random function: AES in counter mode over nothing but zeros."""
    start = bytearray(master_salt.ljust(16, b"\0"))
    start[LABEL_AT] ^= label
    stream = Cipher(algorithms.AES(master_key), modes.CTR(bytes(start))).encryptor()
    return stream.update(bytes(length))
