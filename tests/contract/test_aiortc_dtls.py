"""The private names of aiortc and pylibsrtp that `mixer.transport.dtls` stands on.

When one of these fails after an upgrade, look into `mixer/transport/dtls.py`: it is the only file
that uses them.
"""

from __future__ import annotations

import asyncio
import inspect

from aioice import stun
from aiortc import rtcdtlstransport as dtls
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib


class Line:
    """The whole of what `RTCDtlsTransport` may ask of its ICE transport."""

    role = "controlled"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def _recv(self) -> bytes:
        raise ConnectionError

    async def _send(self, data: bytes) -> None:
        self.sent.append(data)


def new_transport() -> dtls.RTCDtlsTransport:
    certificate = dtls.RTCCertificate.generateCertificate()
    return dtls.RTCDtlsTransport(Line(), [certificate])  # type: ignore[arg-type]  # duck-typed


def test_states_we_look_at() -> None:
    assert {"NEW", "CONNECTING", "CONNECTED", "CLOSED", "FAILED"} <= {s.name for s in dtls.State}
    transport = new_transport()
    assert transport._state is dtls.State.NEW
    assert transport._task is None


def test_names_we_touch() -> None:
    transport = new_transport()
    transport._set_role("server")
    assert transport._role == "server"
    assert transport._rx_srtp is None
    assert transport._tx_srtp is None
    assert transport._ssl is None
    assert inspect.iscoroutinefunction(transport.start)
    assert inspect.iscoroutinefunction(transport.stop)
    assert list(inspect.signature(dtls.RTCDtlsTransport).parameters) == [
        "transport",
        "certificates",
    ]


def test_profiles_of_aes_gcm() -> None:
    for profile, length in ((dtls.SRTP_AEAD_AES_128_GCM, 16), (dtls.SRTP_AEAD_AES_256_GCM, 32)):
        assert (profile.key_length, profile.salt_length) == (length, 12)
        keys = bytes(range(2 * (length + 12)))  # RFC 5764 §4.2: both keys, then both salts
        client, server = (profile.get_key_and_salt(keys, side) for side in (0, 1))
        assert client == keys[:length] + keys[2 * length : 2 * length + 12]
        assert server == keys[length : 2 * length] + keys[2 * length + 12 :]


def test_state_changes_are_emitted() -> None:
    transport = new_transport()
    seen: list[dtls.State] = []
    transport.on("statechange", lambda: seen.append(transport._state))
    transport._set_state(dtls.State.CLOSED)
    assert seen == [dtls.State.CLOSED]


async def test_only_recv_send_and_role_are_asked_of_the_line() -> None:
    transport = new_transport()
    transport._set_role("client")
    parameters = dtls.RTCDtlsParameters(
        fingerprints=[dtls.RTCDtlsFingerprint("sha-256", "AB:CD")], role="server"
    )
    await asyncio.wait_for(transport.start(parameters), 5)
    assert transport._state is dtls.State.FAILED
    line = transport._transport
    assert isinstance(line, Line)
    assert line.sent[0][0] == 22  # a handshake record: the ClientHello


def test_fingerprints_are_of_the_hashes_we_trust() -> None:
    certificate = dtls.RTCCertificate.generateCertificate()
    assert [known.algorithm for known in certificate.getFingerprints()] == [
        "sha-256",
        "sha-384",
        "sha-512",
    ]


def test_srtp_session_holds_a_pointer_the_pump_can_use() -> None:
    key = bytes(Policy.SRTP_PROFILE_AES128_CM_SHA1_80 * 0 + 30)
    policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND)
    session = Session(policy)
    assert int(ffi.cast("uintptr_t", session._srtp[0])) != 0
    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        assert int(ffi.cast("uintptr_t", ffi.addressof(lib, name))) != 0


def test_stun_codec_as_we_use_it() -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"t" * 12, {"USERNAME": "a:b"})
    message.add_message_integrity(b"password")
    read = stun.parse_message(bytes(message))
    assert read.check_message_integrity(b"password")
    assert not read.check_message_integrity(b"Password")
    assert "MESSAGE-INTEGRITY" in read.attributes
    assert stun.padding_length(3) == 1
