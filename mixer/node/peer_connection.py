"""One peer's transport, from its first connectivity check to its end.

Owns: the ICE session, the DTLS session and the pump transport of one peer connection, in step with
each other, and the one state that callers see:

    NEW ──handshake done──► CONNECTED ◄──packets──┐
     │                          │ silence         │
     │ failed, or too slow      ▼                 │
     └────────► CLOSED ◄─────  LOST ──────────────┘
                        too long

Leaves to its owner (a `Publication` or `Subscription`): what is sent and received over it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Protocol

from mixer.errors import TransportFailed
from mixer.model import LinkState
from mixer.node.port import Port
from mixer.transport.dtls import DtlsCertificate, DtlsRole, DtlsSession
from mixer.transport.header_extensions import ExtensionIds
from mixer.transport.ice import Address, IceState
from mixer.transport.peer import SETUP_OF_ROLE, LocalParameters, PeerParameters

log = logging.getLogger(__name__)

# From the description to the end of the handshake; a browser on a bad line takes up to 15 s.
SETUP_TIMEOUT_S = 60.0
# A room that is away longer has its seat, but joins anew: signaling waits 60 s for it.
LOST_TIMEOUT_S = 120.0


class PeerConnectionOwner(Protocol):
    """Who uses a connection."""

    def link_changed(self, state: LinkState) -> None: ...
    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None: ...
    def handle_line(self) -> None: ...
    def handle_new_ssrc(
        self, ssrc: int, payload_type: int, mid: str, rid: str, repaired_rid: str
    ) -> None: ...


class PeerConnection:
    """A peer's transport on a port. `set_peer` once it is described, `close` at the end."""

    def __init__(
        self,
        port: Port,
        certificate: DtlsCertificate,
        owner: PeerConnectionOwner,
        *,
        extensions: ExtensionIds,
    ) -> None:
        now = port.clock()
        self.port = port
        self.state = LinkState.NEW
        self.transport_id = port.pump.add_transport(**extensions.for_pump())
        self.local_ssrc = port.ssrcs.next()  # under which our reports go out
        self.failure = ""
        self._owner = owner
        self._certificate = certificate.current()  # one for life: our descriptions name it
        self._ice, self._credentials = port.ice.open(now)
        self._state_since = now
        self._session_id = secrets.randbits(62)
        self._session_version = 0
        self._peer: PeerParameters | None = None
        self._role: DtlsRole | None = None
        self._dtls = self._new_dtls()
        # libsrtp's sessions live in these; the pump uses the last one's.
        self._key_owners: list[DtlsSession] = []
        self._handshake: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        port.attach(self, ice=self._ice, pump_id=self.transport_id)

    # Descriptions

    def local_parameters(self, setup: str | None = None) -> LocalParameters:
        """Our side for the next description; `setup` unless the role is settled."""
        self._session_version += 1
        role = self._role
        return LocalParameters(
            credentials=self._credentials,
            fingerprint=self._dtls.fingerprints[0],
            candidates=self.port.candidates,
            tcp_candidates=self.port.tcp_candidates,
            setup=setup or SETUP_OF_ROLE[role or DtlsRole.SERVER],
            session_id=self._session_id,
            session_version=self._session_version,
        )

    def restart_ice(self) -> None:
        """Fresh credentials for the next description."""
        self._credentials = self.port.ice.restart(self._ice)

    def is_peer(self, peer: PeerParameters) -> bool:
        """Whether the description is of the peer we already have (same certificate)."""
        return self._peer is not None and self._peer.fingerprints == peer.fingerprints

    @property
    def peer(self) -> PeerParameters | None:
        """The peer as its last description has it."""
        return self._peer

    def set_peer(self, peer: PeerParameters) -> None:
        """The peer's description has come. Another certificate begins DTLS anew."""
        renewed = self._peer is not None and not self.is_peer(peer)
        self._peer = peer
        if renewed:
            self._drop_dtls()
        if self._role is None or renewed:
            self._role = peer.our_role
        self._shake_hands_if_ready()

    # The port's events

    @property
    def connecting(self) -> bool:
        """Whether the handshake is still to come."""
        return self.state is LinkState.NEW

    def last_heard(self) -> float:
        """When the pump last received media from the peer."""
        try:
            return self.port.pump.totals([self.transport_id])[0].last_received_ns * 1e-9
        except KeyError:
            return 0.0  # it is freed

    def counters(self) -> dict[str, int]:
        """The transport's counters; empty once it is freed."""
        try:
            return self.port.pump.transport_stats(self.transport_id)
        except KeyError:
            return {}

    @property
    def remote(self) -> Address | None:
        """Where the peer is reached now."""
        return None if self.state is LinkState.CLOSED else self.port.ice.remote_of(self._ice)

    def remote_changed(self, address: Address | None, local: str) -> None:
        """The ICE agent chose (or withdrew) the peer's address, and which of ours it speaks to."""
        self.port.pump.set_remote(self.transport_id, address, local)

    def ice_changed(self, state: IceState) -> None:
        """The ICE agent heard from the peer, or no more."""
        if state is IceState.CONNECTED:
            if self.state is LinkState.LOST:
                self._enter(LinkState.CONNECTED)
            self._shake_hands_if_ready()
        elif self.state is LinkState.CONNECTED:
            self._enter(LinkState.LOST)

    def handle_dtls(self, data: bytes) -> None:
        """A DTLS datagram from an address of the peer."""
        self._dtls.receive(data)

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """A decrypted compound packet."""
        self._owner.handle_rtcp(data, arrival_ns)

    def handle_line(self) -> None:
        """The pump has sensed something of the line to the peer."""
        self._owner.handle_line()

    def handle_new_ssrc(
        self, ssrc: int, payload_type: int, mid: str, rid: str, repaired_rid: str
    ) -> None:
        """Media under an SSRC that nobody named yet."""
        self._owner.handle_new_ssrc(ssrc, payload_type, mid, rid, repaired_rid)

    def handle_timer(self, now: float) -> None:
        """About once a second: a peer that never came or is gone too long is closed."""
        waited_s = now - self._state_since
        if self.state is LinkState.NEW and waited_s >= SETUP_TIMEOUT_S:
            self._fail(f"the peer did not connect within {SETUP_TIMEOUT_S:g} s")
        elif self.state is LinkState.LOST and waited_s >= LOST_TIMEOUT_S:
            self._fail(f"nothing was heard of the peer for {LOST_TIMEOUT_S:g} s")

    # Sending

    def send_rtcp(self, data: bytes) -> None:
        """A compound packet to the peer, once it is connected."""
        if self.state is LinkState.CONNECTED:
            self.port.pump.send_rtcp(self.transport_id, data)

    def _send_dtls(self, data: bytes) -> None:
        remote = self.port.ice.remote_of(self._ice)
        if remote is not None:
            self.port.pump.send_datagram(remote, data, self.port.ice.local_of(self._ice))

    # The handshake

    def _new_dtls(self) -> DtlsSession:
        return DtlsSession(self._certificate, send=self._send_dtls, on_closed=self._peer_closed)

    def _shake_hands_if_ready(self) -> None:
        connected = self.port.ice.state_of(self._ice) is IceState.CONNECTED
        if connected and self._peer is not None and self._handshake is None:
            self._handshake = self.port.spawn(self._shake_hands(self._dtls, self._peer))

    async def _shake_hands(self, dtls: DtlsSession, peer: PeerParameters) -> None:
        try:
            keys = await dtls.connect(self._role or peer.our_role, peer.fingerprints)
        except TransportFailed as error:
            if dtls is self._dtls:
                self._fail(str(error))
            return
        self.port.pump.set_srtp(
            self.transport_id,
            keys.receive,
            keys.send,
            send_key=keys.sent_rtp.key,
            send_salt=keys.sent_rtp.salt,
        )
        # The one before is kept too: a peer that reloads its page again and again costs no memory,
        # and nothing is freed in the same breath in which the pump let go of it.
        self._key_owners = [*self._key_owners[-1:], dtls]
        if self.state is LinkState.NEW:
            self._enter(LinkState.CONNECTED)

    def _drop_dtls(self) -> None:
        """The peer is another one now (a reloaded page): its handshake begins from nothing."""
        old, task = self._dtls, self._handshake
        self._dtls, self._handshake = self._new_dtls(), None
        if task is not None:
            task.cancel()
        self.port.spawn(old.close())

    def _peer_closed(self) -> None:
        self._fail("the peer closed the connection")

    def _fail(self, why: str) -> None:
        if self._closing is None:
            self.failure = why
            log.info("transport %d: %s", self.transport_id, why)
            self._enter(LinkState.CLOSED)
            self._closing = self.port.spawn(self._close())

    # The end

    async def close(self) -> None:
        """Say goodbye and free everything; closing twice is fine. No event is raised."""
        self.state = LinkState.CLOSED
        if self._closing is None:
            self._closing = self.port.spawn(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            await asyncio.gather(self._handshake, return_exceptions=True)
        await self._dtls.close(farewell=self._peer is None or self._peer.hears_farewell)
        self.port.detach(ice=self._ice, pump_id=self.transport_id)
        self.port.ice.close(self._ice)
        self.port.pump.remove_transport(self.transport_id)
        self._key_owners.clear()

    def _enter(self, state: LinkState) -> None:
        if state is not self.state:
            self.state = state
            self._state_since = self.port.clock()
            self._owner.link_changed(state)
