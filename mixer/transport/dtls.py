"""DTLS with one peer, to its end: the SRTP keys of both directions (RFC 5764, RFC 8827 §6.5).

Owns: the node's certificate, the handshake in either role with a time limit, the check of the
peer's fingerprints, and the life of the two libsrtp sessions while the pump uses them.

Leaves to others: which address may speak (`ice.py`), all SRTP (the pump), when a flight goes out
again (`dtls_flights.py`). The handshake itself is aiortc's `RTCDtlsTransport` on the small
transport below. This file and its contract test (`tests/contract/test_aiortc_dtls.py`) are the
only places that touch private names of aiortc and pylibsrtp. No data channel is offered, so what
comes over DTLS afterwards is only its closing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    State,
)
from pylibsrtp import Session
from pylibsrtp._binding import ffi

from mixer.errors import TransportFailed
from mixer.transport.dtls_flights import Flights
from mixer.transport.srtp_keys import RtpKeys, derive_rtp_keys

# A whole handshake is six datagrams; aiortc gives 30 waiting ones room for a burst of repeats.
MAX_WAITING_DATAGRAMS = 32
# On a link with 2 s round trip and half its packets lost a handshake still ends within this.
HANDSHAKE_TIMEOUT_S = 20.0
# aiortc's certificates are valid for 30 days; one that is about to run out is replaced.
CERTIFICATE_RENEWAL = timedelta(days=7)
EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 §4.2
GCM_PROFILES = {
    profile.openssl_profile: profile for profile in (SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM)
}
# RFC 8122 §5 names more; these are what browsers and encoders use and OpenSSL trusts.
FINGERPRINT_ALGORITHMS = ("sha-256", "sha-384", "sha-512")


class DtlsRole(Enum):
    """Who begins: the client (`a=setup:active`) or the peer."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of a certificate as SDP carries it (RFC 8122 §5)."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class SrtpSessions:
    """Two `srtp_t` as integers, valid as long as the `DtlsSession` that gave them is referenced.

    `sent_rtp` are the keys in `send` once more, where the profile is AES-GCM.
    """

    receive: int
    send: int
    sent_rtp: RtpKeys


class DtlsCertificate:
    """A node's certificate, renewed in time; a connection keeps the one it began with."""

    def __init__(self) -> None:
        self._current = RTCCertificate.generateCertificate()

    def current(self) -> RTCCertificate:
        """The certificate for a connection that begins now."""
        if self._current.expires - datetime.now(UTC) < CERTIFICATE_RENEWAL:
            self._current = RTCCertificate.generateCertificate()
        return self._current


class _DatagramQueue:
    """What `RTCDtlsTransport` takes for an ICE transport: a bounded queue in, a callback out.

    In between, flights of the handshake are sent again.
    """

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.dropped = 0
        self._flights = Flights()
        self._timer: asyncio.TimerHandle | None = None
        self.sends = True

    def put(self, data: bytes) -> None:
        if self._waiting.qsize() >= MAX_WAITING_DATAGRAMS:
            self.dropped += 1
            return
        self._waiting.put_nowait(data)

    def end_handshake(self, *, may_be_missed: bool) -> None:
        """It succeeded, or it never will; whether the peer may still lack our last flight."""
        self._flights.end(may_be_missed=may_be_missed)
        self._arm()

    def close(self) -> None:
        self.end_handshake(may_be_missed=False)
        self._waiting.put_nowait(None)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flights.next_time < float("inf"):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._flights.next_time, self._repeat)

    def _repeat(self) -> None:
        # The loop may call a timer a little early, by the resolution of its clock.
        for datagram in self._flights.poll(self._flights.next_time):
            self._send_datagram(datagram)
        self._arm()

    async def _recv(self) -> bytes:
        data = await self._waiting.get()
        if data is None:
            self._waiting.put_nowait(None)  # closed for every later call too
            raise ConnectionError("the transport is closed")
        for datagram in self._flights.receive(data, asyncio.get_running_loop().time()):
            self._send_datagram(datagram)
        self._arm()
        return data

    async def _send(self, data: bytes) -> None:
        if not self.sends:
            return
        self._send_datagram(self._flights.send(data, asyncio.get_running_loop().time()))
        self._arm()


class DtlsSession:
    """One peer's DTLS: `connect` once, `receive` each datagram, `close` at the end.

    `send` is called with each datagram to send; `on_closed` once when the peer ends the session
    after it was connected.
    """

    def __init__(
        self,
        certificate: RTCCertificate,
        *,
        send: Callable[[bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._queue = _DatagramQueue(send)
        self._on_closed = on_closed
        self._dtls = RTCDtlsTransport(self._queue, [certificate])  # type: ignore[arg-type]  # duck
        self._closing = False
        self.fingerprints = tuple(
            Fingerprint(known.algorithm, known.value)
            for known in self._dtls.getLocalParameters().fingerprints
        )

    @property
    def dropped(self) -> int:
        """Datagrams dropped because too many waited."""
        return self._queue.dropped

    def receive(self, data: bytes) -> None:
        """A DTLS datagram from the consented address."""
        self._queue.put(data)

    async def connect(
        self,
        role: DtlsRole,
        fingerprints: tuple[Fingerprint, ...],
        *,
        timeout_s: float = HANDSHAKE_TIMEOUT_S,
    ) -> SrtpSessions:
        """Shake hands and hold the peer to its fingerprints; raises `TransportFailed`."""
        self._dtls._set_role(role.value)
        remote = RTCDtlsParameters(
            fingerprints=[
                RTCDtlsFingerprint(known.algorithm, known.value) for known in fingerprints
            ],
            role=role.value,
        )
        try:
            await asyncio.wait_for(self._dtls.start(remote), timeout_s)
        except TimeoutError:
            raise TransportFailed(f"no DTLS handshake within {timeout_s:g} s") from None
        finally:
            connected = self._dtls._state is State.CONNECTED
            self._queue.end_handshake(may_be_missed=connected and role is DtlsRole.SERVER)
        if not connected:
            raise TransportFailed(
                "the DTLS handshake failed: the peer's certificate is not the one its SDP names, "
                "or it offers no SRTP profile of ours"
            )
        self._dtls.on("statechange", self._state_changed)
        return SrtpSessions(
            receive=_as_integer(self._dtls._rx_srtp),
            send=_as_integer(self._dtls._tx_srtp),
            sent_rtp=self._sent_rtp_keys(),
        )

    def _sent_rtp_keys(self) -> RtpKeys:
        """As aiortc took them from the handshake (RFC 5764 §4.2)."""
        connection = self._dtls._ssl
        profile = connection and GCM_PROFILES.get(connection.get_selected_srtp_profile())
        if connection is None or profile is None:
            return RtpKeys()
        exported = connection.export_keying_material(
            EXPORTER_LABEL, 2 * (profile.key_length + profile.salt_length)
        )
        master = profile.get_key_and_salt(exported, 1 if self._dtls._role == "server" else 0)
        return derive_rtp_keys(master[: profile.key_length], master[profile.key_length :])

    async def close(self, *, farewell: bool = True) -> None:
        """Tell the peer (close_notify) unless without `farewell`, and stop; twice is fine."""
        if self._closing:
            return
        self._closing = True
        self._queue.sends = farewell
        reader = self._dtls._task
        await self._dtls.stop()
        self._queue.close()
        if reader is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(reader, return_exceptions=True)

    def _state_changed(self) -> None:
        if self._dtls._state is State.CLOSED and not self._closing:
            self._on_closed()


def _as_integer(session: Session) -> int:
    """The `srtp_t` inside a pylibsrtp session, as the pump takes it."""
    return int(ffi.cast("uintptr_t", session._srtp[0]))
