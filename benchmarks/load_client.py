"""The load client: peers that negotiate like browsers and send and receive like a machine.

Owns: each peer's ICE (one candidate pair, RFC 8445; controlled where a full agent made the offer,
else controlling), DTLS through `mixer.transport.dtls`, and a browser's reports every second. Media
and transport-wide feedback are the native thread's (`native/load.h`).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from aioice import stun
from aiortc.rtcdtlstransport import SRTP_PROFILES

from benchmarks._load import Load
from benchmarks.descriptions import LocalTransport, RemoteTransport
from mixer.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    serialize_compound,
)
from mixer.rtp.sequence import ntp_from_unix_ns
from mixer.transport.dtls import DtlsCertificate, DtlsSession

# What the DTLS handshake may settle on, by the names of the command line.
PROFILES = {
    "aes-256-gcm": b"SRTP_AEAD_AES_256_GCM",
    "aes-128-gcm": b"SRTP_AEAD_AES_128_GCM",
    "aes-cm": b"SRTP_AES128_CM_SHA1_80",
}
SHORT_PROFILES = {"gcm": "aes-256-gcm", "cm": "aes-cm"}

CHECK_INTERVAL_S = 0.1
CHECK_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 5.0
# RFC 7675 §5.1: consent is asked for about every 5 s; a browser asks every 2.5 s.
CONSENT_INTERVAL_S = 2.5
POLL_S = 0.002
REPORT_INTERVAL_S = 1.0
BLOCKS_PER_REPORT = 31


@dataclass(slots=True)
class LoadPeer:
    """One connection of the load client."""

    name: str
    local: LocalTransport
    dtls: DtlsSession
    number: int = -1
    remote: RemoteTransport | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    outgoing: list[int] = field(default_factory=list)  # streams it sends
    ssrc: int = field(default_factory=lambda: secrets.randbits(31) | 1)
    last_reports: dict[int, tuple[int, int]] = field(default_factory=dict)


class LoadClient:
    """All peers of one run. `start` it, make peers, `connect` them; `close` ends everything."""

    def __init__(self, *, profile: str) -> None:
        self.load = Load()
        self.real_time = False
        self._profiles = [p for p in SRTP_PROFILES if p.openssl_profile == PROFILES[profile]]
        if not self._profiles:
            raise ValueError(f"this machine's OpenSSL or libsrtp has no {profile}")
        self._certificate = DtlsCertificate()
        self._peers: list[LoadPeer] = []
        self._by_number: dict[int, LoadPeer] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, real_time: bool = False) -> None:
        """Run the native thread and the control tasks.

        With `real_time` the thread comes before all ordinary ones where this user may have that
        (root, or RLIMIT_RTPRIO); `real_time` says afterwards whether it does.
        """
        self.real_time = self.load.start(real_time=real_time)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._poll()),
            loop.create_task(self._keep_consent()),
            loop.create_task(self._send_reports()),
        ]

    async def close(self) -> None:
        """Say goodbye to every peer and stop the thread."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self._peers:
            if peer.number >= 0:
                self.load.set_srtp(peer.number, 0, 0)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.gather(*(peer.dtls.close() for peer in self._peers))
        except TimeoutError:
            pass  # the server is gone, and with it whoever would hear the goodbye
        finally:
            self.load.stop()

    def peer(self, name: str) -> LoadPeer:
        """A new peer with credentials of its own."""

        def send(data: bytes) -> None:
            if made.number >= 0:
                self.load.send(made.number, data)

        session = DtlsSession(self._certificate.current(), send=send, on_closed=lambda: None)
        session._dtls._srtp_profiles = self._profiles  # all servers are held to the same profile
        fingerprint = next(f for f in session.fingerprints if f.algorithm == "sha-256")
        made = LoadPeer(
            name, LocalTransport(secrets.token_hex(4), secrets.token_hex(12), fingerprint), session
        )
        self._peers.append(made)
        return made

    async def connect(
        self,
        peer: LoadPeer,
        remote: RemoteTransport,
        *,
        payload_types: Iterable[int] = (),
        transport_cc: int = 0,
    ) -> None:
        """Check the server's candidate, shake hands, hand SRTP to the thread.

        `payload_types` are those whose packets count as media; with `transport_cc` (an extension
        id) the peer answers with transport-wide feedback. Raises `TimeoutError`, `TransportFailed`.
        """
        peer.remote = remote
        peer.number = self.load.add_peer(remote.host, remote.port)
        self._by_number[peer.number] = peer
        await self._check(peer)
        self.load.accept(peer.number, list(payload_types), transport_cc, peer.ssrc)
        sessions = await peer.dtls.connect(remote.our_role, remote.fingerprints)
        self.load.set_srtp(peer.number, sessions.receive, sessions.send)

    async def _check(self, peer: LoadPeer) -> None:
        give_up = time.monotonic() + CHECK_TIMEOUT_S
        while not peer.answered.is_set():
            if time.monotonic() > give_up:
                raise TimeoutError(f"no answer to connectivity checks within {CHECK_TIMEOUT_S:g} s")
            self._send_check(peer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    await peer.answered.wait()

    def _send_check(self, peer: LoadPeer) -> None:
        assert peer.remote is not None
        role: dict[str, int | None] = {"ICE-CONTROLLING": 1, "USE-CANDIDATE": None}
        if peer.remote.controls:
            role = {"ICE-CONTROLLED": 1}
        request = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            attributes={
                "USERNAME": f"{peer.remote.ufrag}:{peer.local.ufrag}",
                "PRIORITY": 126 << 24 | 65_535 << 8 | 255,
                **role,
            },
        )
        request.add_message_integrity(peer.remote.password.encode())
        self.load.send(peer.number, bytes(request))

    # What comes

    async def _poll(self) -> None:
        while True:
            for number, data in self.load.drain():
                peer = self._by_number[number]
                if data[0] >= 20:
                    peer.dtls.receive(data)
                else:
                    self._take_stun(peer, data)
            await asyncio.sleep(POLL_S)

    def _take_stun(self, peer: LoadPeer, data: bytes) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class is stun.Class.RESPONSE:
            peer.answered.set()
        elif message.message_class is stun.Class.REQUEST and peer.remote is not None:
            # A server that is not ICE-lite checks us too (RFC 8445 §7.3).
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
                attributes={"XOR-MAPPED-ADDRESS": (peer.remote.host, peer.remote.port)},
            )
            response.add_message_integrity(peer.local.password.encode())
            self.load.send(peer.number, bytes(response))

    # What goes beside media

    async def _keep_consent(self) -> None:
        while True:
            await asyncio.sleep(CONSENT_INTERVAL_S)
            for peer in self._by_number.values():
                self._send_check(peer)

    async def _send_reports(self) -> None:
        while True:
            await asyncio.sleep(REPORT_INTERVAL_S)
            for peer in self._by_number.values():
                packets = self._sender_reports(peer) or [self._receiver_report(peer)]
                packets.append(SourceDescription.of_cname(peer.ssrc, peer.name))
                self.load.send_rtcp(peer.number, serialize_compound(packets))

    def _sender_reports(self, peer: LoadPeer) -> list[RtcpPacket]:
        reports: list[RtcpPacket] = []
        for stream in peer.outgoing:
            _, ssrc, packets, octets, timestamp, unix_ns = self.load.stream_state(stream)
            ntp = ntp_from_unix_ns(unix_ns or time.time_ns())
            reports.append(SenderReport(ssrc, ntp, timestamp, packets, octets))
        return reports

    def _receiver_report(self, peer: LoadPeer) -> RtcpPacket:
        blocks = []
        for ssrc, received, base, highest, last_sr, since_ns in self.load.receptions(peer.number):
            expected = highest - base + 1
            before = peer.last_reports.get(ssrc, (0, 0))
            peer.last_reports[ssrc] = (expected, received)
            lately, arrived = expected - before[0], received - before[1]
            lost = max(0, lately - arrived)
            fraction = min(255, lost * 256 // lately) if lately > 0 else 0
            delay = round(since_ns * 65_536 / 1e9) & 0xFFFF_FFFF if last_sr else 0
            blocks.append(
                ReportBlock(ssrc, fraction, expected - received, highest, 0, last_sr, delay)
            )
        return ReceiverReport(peer.ssrc, tuple(blocks[:BLOCKS_PER_REPORT]))
