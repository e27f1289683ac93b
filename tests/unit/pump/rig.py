"""A pump on a bench: never started, fed packet by packet in virtual time, no sockets on the way.

`Rig` gives the pump plain and SRTP peers and sorts what the pump would send by its receiver.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi

from mixer.pump import CODEC_OPUS, Address, Pump, PumpEvent
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import RtcpPacket, SenderReport, parse_compound, serialize_compound
from mixer.transport.srtp_keys import SALT_BYTES, RtpKeys, derive_rtp_keys

MS = 1_000_000
PROFILES = {
    "AES-GCM-256": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    "AES-GCM-128": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AES-CM-128": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}
AES_GCM = PROFILES["AES-GCM-128"]
GCM_KEY_BYTES = {PROFILES["AES-GCM-256"]: 32, PROFILES["AES-GCM-128"]: 16}


def srtp_session(key: bytes, kind: int, profile: int) -> Session:
    """As aiortc makes them: repeated sequence numbers allowed, a window of 1024."""
    policy = Policy(key=key, ssrc_type=kind, srtp_profile=profile)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


def session_address(session: Session) -> int:
    return int(ffi.cast("uintptr_t", session._srtp[0]))


def is_rtcp(data: bytes) -> bool:
    return 192 <= data[1] <= 223


@dataclass(slots=True)
class SrtpPeer:
    """The far end of an SRTP transport: protects what it sends, opens what it gets."""

    address: Address
    profile: int = AES_GCM
    to_pump_key: bytes = bytes(range(60))
    from_pump_key: bytes = bytes(range(100, 160))
    tx: Session = field(init=False)
    rx: Session = field(init=False)
    pump_sessions: tuple[Session, Session] = field(init=False)

    def __post_init__(self) -> None:
        outbound, inbound = Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND
        self.tx = srtp_session(self.to_pump_key, outbound, self.profile)
        self.rx = srtp_session(self.from_pump_key, inbound, self.profile)
        self.pump_sessions = (
            srtp_session(self.to_pump_key, inbound, self.profile),
            srtp_session(self.from_pump_key, outbound, self.profile),
        )

    def attach(self, pump: Pump, transport_id: int) -> None:
        rx, tx = self.pump_sessions
        pump.set_remote(transport_id, self.address)
        sent = self.sent_rtp_keys()
        pump.set_srtp(
            transport_id,
            session_address(rx),
            session_address(tx),
            send_key=sent.key,
            send_salt=sent.salt,
        )

    def sent_rtp_keys(self) -> RtpKeys:
        """What the pump protects RTP with, as after a handshake."""
        length = GCM_KEY_BYTES.get(self.profile)
        if length is None:
            return RtpKeys()
        key, salt = self.from_pump_key[:length], self.from_pump_key[length : length + SALT_BYTES]
        return derive_rtp_keys(key, salt)

    def protect(self, data: bytes) -> bytes:
        return self.tx.protect_rtcp(data) if is_rtcp(data) else self.tx.protect(data)

    def open(self, data: bytes) -> bytes:
        return self.rx.unprotect_rtcp(data) if is_rtcp(data) else self.rx.unprotect(data)


class Rig:
    """One pump in virtual time; `now` is nanoseconds and moves only by `wait`."""

    def __init__(self) -> None:
        self.pump = Pump(host="127.0.0.1")
        self.now = 1_000 * MS
        self.events: list[PumpEvent] = []
        self._peers: dict[int, SrtpPeer | str] = {}
        self._numbers = itertools.count(1)
        self.received: dict[int, list[bytes]] = defaultdict(list)
        self.pump._tick(self.now)

    def close(self) -> None:
        self.pump.stop()

    def plain(self) -> int:
        path = f"/nowhere/peer-{next(self._numbers)}"
        transport = self.pump.add_plain_transport(path)
        self._peers[transport] = path
        return transport

    def srtp(self, *, profile: int = AES_GCM, ipv6: bool = False, **extensions: Any) -> int:
        number = next(self._numbers)
        host = f"2001:db8::{number}" if ipv6 else f"192.0.2.{number}"
        transport = self.pump.add_transport(**extensions)
        peer = SrtpPeer((host, 40_000 + number), profile)
        peer.attach(self.pump, transport)
        self._peers[transport] = peer
        return transport

    def peer(self, transport: int) -> SrtpPeer:
        peer = self._peers[transport]
        assert isinstance(peer, SrtpPeer)
        return peer

    def audio(self, transport: int, *, ssrc: int = 1000, payload_type: int = 111) -> int:
        producer = self.pump.add_producer(
            transport, codec=CODEC_OPUS, clock_rate=48_000, nack=False
        )
        self.pump.add_encoding(producer, 0, ssrc=ssrc, payload_type=payload_type)
        return producer

    def send(self, transport: int, data: bytes | RtpPacket) -> dict[int, list[bytes]]:
        """Sends from a peer; returns what each peer gets because of it, opened."""
        if isinstance(data, RtpPacket):
            data = data.serialize()
        peer = self._peers[transport]
        if isinstance(peer, SrtpPeer):
            return self.send_raw(peer.address, peer.protect(data))
        return self.send_raw(peer, data)

    def send_rtcp(self, transport: int, *packets: RtcpPacket) -> dict[int, list[bytes]]:
        return self.send(transport, serialize_compound(packets))

    def send_raw(self, source: Address | str, data: bytes) -> dict[int, list[bytes]]:
        return self._sort(self.feed(source, data))

    def feed(self, source: Address | str, data: bytes) -> list[tuple[Address | str, bytes]]:
        """What the pump would send for this datagram: (receiver, datagram), as it leaves."""
        return self.pump._feed(source, data, self.now)

    def wait(self, ms: float) -> dict[int, list[bytes]]:
        """Lets time pass and the pump do what has become due."""
        self.now += int(ms * MS)
        return self._sort(self.pump._tick(self.now))

    def _sort(self, sent: list[tuple[Address | str, bytes]]) -> dict[int, list[bytes]]:
        at: dict[Address | str, list[int]] = defaultdict(list)
        for transport, peer in self._peers.items() if sent else ():
            at[peer.address if isinstance(peer, SrtpPeer) else peer].append(transport)
        sorted_: dict[int, list[bytes]] = defaultdict(list)
        for to, data in sent:
            for transport in at.get(to, ()):
                peer = self._peers[transport]
                opened = peer.open(data) if isinstance(peer, SrtpPeer) else data
                sorted_[transport].append(opened)
        for transport, datagrams in sorted_.items():
            self.received[transport] += datagrams
        self.events += self.pump.drain()
        return sorted_

    def take_events(self, kind: int) -> list[Any]:
        self.events += self.pump.drain()
        taken: list[Any] = [event for event in self.events if event[0] == kind]
        self.events = [event for event in self.events if event[0] != kind]
        return taken

    def stat(self, name: str) -> int:
        return self.pump.pump_stats()[name]


def media_of(datagrams: list[bytes]) -> list[RtpPacket]:
    return [RtpPacket.parse(data) for data in datagrams if not is_rtcp(data)]


def last_sr_of(report: SenderReport) -> int:
    """What a report block calls this report: the middle of its NTP time (RFC 3550 §6.4.1)."""
    return report.ntp >> 16 & 0xFFFF_FFFF


def control_of(datagrams: list[bytes]) -> list[RtcpPacket]:
    return [part for data in datagrams if is_rtcp(data) for part in parse_compound(data)]
