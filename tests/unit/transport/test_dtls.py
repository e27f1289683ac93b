"""DTLS sessions against each other, without a network."""

from __future__ import annotations

import asyncio

import pytest
from aiortc.rtcdtlstransport import SRTP_AES128_CM_SHA1_80, RTCCertificate

from mixer.errors import TransportFailed
from mixer.rtp.packet import RtpPacket
from mixer.transport.dtls import (
    MAX_WAITING_DATAGRAMS,
    DtlsCertificate,
    DtlsRole,
    DtlsSession,
    Fingerprint,
    SrtpSessions,
)
from mixer.transport.srtp_keys import RtpKeys
from tests.unit.transport.test_srtp_keys import seal


class Pair:
    """Two sessions on a line that may be cut."""

    def __init__(self) -> None:
        self.cut = False
        self.carried = 0
        self.closed: list[str] = []
        self.one = DtlsSession(
            DtlsCertificate().current(),
            send=lambda data: self.carry(self.two, data),
            on_closed=lambda: self.closed.append("one"),
        )
        self.two = DtlsSession(
            DtlsCertificate().current(),
            send=lambda data: self.carry(self.one, data),
            on_closed=lambda: self.closed.append("two"),
        )

    def carry(self, to: DtlsSession, data: bytes) -> None:
        self.carried += 1
        if not self.cut:
            to.receive(data)

    async def close(self) -> None:
        await self.one.close()
        await self.two.close()


@pytest.mark.parametrize("role", list(DtlsRole))
async def test_both_roles_shake_hands(role: DtlsRole) -> None:
    pair = Pair()
    other = DtlsRole.CLIENT if role is DtlsRole.SERVER else DtlsRole.SERVER
    keys = await asyncio.gather(
        pair.one.connect(role, pair.two.fingerprints),
        pair.two.connect(other, pair.one.fingerprints),
    )
    assert all(isinstance(known, SrtpSessions) and known.receive and known.send for known in keys)
    await pair.close()


async def test_where_nothing_is_lost_nothing_is_repeated() -> None:
    pair = Pair()
    await asyncio.gather(
        pair.one.connect(DtlsRole.SERVER, pair.two.fingerprints),
        pair.two.connect(DtlsRole.CLIENT, pair.one.fingerprints),
    )
    assert pair.carried == 4
    await pair.close()


@pytest.mark.parametrize("role", list(DtlsRole))
async def test_the_keys_of_sent_rtp_are_those_the_peer_opens_with(role: DtlsRole) -> None:
    pair = Pair()
    other = DtlsRole.CLIENT if role is DtlsRole.SERVER else DtlsRole.SERVER
    keys, _ = await asyncio.gather(
        pair.one.connect(role, pair.two.fingerprints),
        pair.two.connect(other, pair.one.fingerprints),
    )
    packet = RtpPacket(111, 7, 960, 1000, b"speech")
    peer = pair.two._dtls._rx_srtp
    assert peer is not None
    assert peer.unprotect(seal(keys.sent_rtp, packet)) == packet.serialize()
    await pair.close()


async def test_without_aes_gcm_there_are_no_keys_of_sent_rtp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aiortc.rtcdtlstransport.SRTP_PROFILES", [SRTP_AES128_CM_SHA1_80])
    pair = Pair()
    keys, _ = await asyncio.gather(
        pair.one.connect(DtlsRole.SERVER, pair.two.fingerprints),
        pair.two.connect(DtlsRole.CLIENT, pair.one.fingerprints),
    )
    assert keys.sent_rtp == RtpKeys()
    await pair.close()


async def test_wrong_fingerprint_is_refused() -> None:
    pair = Pair()
    wrong = (Fingerprint("sha-256", ":".join(["AB"] * 32)),)
    results = await asyncio.gather(
        pair.one.connect(DtlsRole.SERVER, wrong),
        pair.two.connect(DtlsRole.CLIENT, pair.one.fingerprints),
        return_exceptions=True,
    )
    assert isinstance(results[0], TransportFailed)
    assert "certificate" in str(results[0])
    await pair.close()


async def test_silence_is_a_failure_in_time() -> None:
    pair = Pair()
    pair.cut = True
    with pytest.raises(TransportFailed, match=r"within 0\.05 s"):
        await pair.one.connect(DtlsRole.CLIENT, pair.two.fingerprints, timeout_s=0.05)
    await pair.close()


async def test_junk_during_the_handshake_changes_nothing() -> None:
    pair = Pair()
    for junk in (b"\x16", b"\x16\xfe\xfd" + b"\xff" * 200, b"\x17" * 1400):
        pair.one.receive(junk)
        pair.two.receive(junk)
    await asyncio.gather(
        pair.one.connect(DtlsRole.SERVER, pair.two.fingerprints),
        pair.two.connect(DtlsRole.CLIENT, pair.one.fingerprints),
    )
    await pair.close()


async def test_peer_that_closes_is_heard() -> None:
    pair = Pair()
    await asyncio.gather(
        pair.one.connect(DtlsRole.SERVER, pair.two.fingerprints),
        pair.two.connect(DtlsRole.CLIENT, pair.one.fingerprints),
    )
    await pair.two.close()
    for _ in range(10):  # the close_notify is read by a task of its own
        await asyncio.sleep(0)
    assert pair.closed == ["one"]
    await pair.close()
    assert pair.closed == ["one"]


async def test_a_peer_that_cannot_bear_it_is_not_told() -> None:
    pair = Pair()
    await asyncio.gather(
        pair.one.connect(DtlsRole.SERVER, pair.two.fingerprints),
        pair.two.connect(DtlsRole.CLIENT, pair.one.fingerprints),
    )
    carried = pair.carried
    await pair.two.close(farewell=False)
    assert pair.carried == carried
    await pair.one.close()
    assert pair.carried == carried + 1
    await pair.two.close()


async def test_waiting_datagrams_are_bounded() -> None:
    pair = Pair()
    for _ in range(MAX_WAITING_DATAGRAMS + 5):
        pair.one.receive(b"\x16")
    assert pair.one.dropped == 5
    await pair.close()


def test_certificate_is_kept_while_it_lasts_and_then_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = DtlsCertificate()
    first = certificate.current()
    assert certificate.current() is first
    monkeypatch.setattr(
        RTCCertificate, "expires", property(lambda self: self._cert.not_valid_before_utc)
    )
    assert certificate.current() is not first
