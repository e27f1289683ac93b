"""The subscribe connection of one device: its m-lines, its offers, and what goes over it.

Owns: turning wants into m-lines, one outstanding offer at a time, reading answers; a player's
connection (WHEP), where the player offers and we answer.

Leaves to `consumers.py`: what is sent; to `mixer.transport.m_lines` and `subscribe_offer`:
lines and SDP; to `peer_connection.py`: the transport.

One offer is out at a time. Callers wait for its answer before they ask again (signaling does); a
call meanwhile that needs an offer replaces the one that is out, for it was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mixer.errors import AnswerUnexpected, SdpRefused
from mixer.forward import layers
from mixer.forward.allocation import Choice
from mixer.model import ConsumerInfo, Direction, Kind, LinkState, SubscribeOffer, Want
from mixer.node.consumers import Consumers
from mixer.node.peer_connection import PeerConnection
from mixer.node.port import Port
from mixer.node.streams import Producer
from mixer.pump import TransportTotals
from mixer.transport.dtls import DtlsCertificate
from mixer.transport.header_extensions import OFFERED_IDS, ExtensionIds
from mixer.transport.m_lines import MLine, MLines, SentStream
from mixer.transport.subscribe_offer import (
    PlayerOffer,
    player_codec,
    read_answer,
    write_offer,
    write_player_answer,
)

OFFERED_EXTENSIONS = ExtensionIds.of_uris(OFFERED_IDS)


class SubscriptionOwner(Protocol):
    """The lesson, as a subscription sees it."""

    def producer(self, producer_id: str) -> Producer | None: ...
    def ask_keyframe(self, producer: Producer, slot: int) -> None: ...
    def choice_changed(self, device_id: str, choice: Choice) -> None: ...
    def link_changed(self, device_id: str, direction: Direction, state: LinkState) -> None: ...
    def hurry(self) -> None: ...


class Subscription:
    """A device's subscribe connection."""

    def __init__(
        self,
        port: Port,
        certificate: DtlsCertificate,
        owner: SubscriptionOwner,
        device_id: str,
        *,
        extensions: ExtensionIds = OFFERED_EXTENSIONS,
    ) -> None:
        self.device_id = device_id
        self.wants: tuple[Want, ...] = ()
        self.connection = PeerConnection(port, certificate, self, extensions=extensions)
        self.consumers = Consumers(self.connection, owner, device_id)
        self._port = port
        self._owner = owner
        self._m_lines = MLines()
        self._outstanding: list[MLine] | None = None  # those of the offer that is out
        self._player: PlayerOffer | None = None

    # Our offers

    def offer(self, wants: Sequence[Want], *, restart: bool) -> SubscribeOffer | None:
        """Take the wants; an offer when m-lines must change, or when `restart` asks for one."""
        self.wants = tuple(wants)
        if self._player is not None:
            self._give_player_streams()
            return None
        streams = self._wanted_streams()
        changed = self._m_lines.arrange(
            streams, self._port.ssrcs, reuse=self.consumers.transport_cc
        )
        if restart:
            self.connection.restart_ice()
        elif not changed:
            return None
        return self._write_offer(streams)

    def _wanted_streams(self) -> list[SentStream]:
        streams = []
        for want in self.wants:
            producer = self._owner.producer(want.producer_id)
            if producer is not None:
                streams.append(stream_of(producer))
        return streams

    def _write_offer(self, streams: Sequence[SentStream]) -> SubscribeOffer | None:
        if not self._m_lines.all:
            return None
        self._outstanding = list(self._m_lines.all)
        wanted = {stream.producer_id for stream in streams}
        sdp = write_offer(self._outstanding, self.connection.local_parameters("actpass"))
        return SubscribeOffer(
            sdp=sdp,
            consumers=tuple(
                ConsumerInfo(m_line.stream.producer_id, m_line.mid)
                for m_line in self._outstanding
                if m_line.stream is not None and m_line.stream.producer_id in wanted
            ),
        )

    def take_answer(self, text: str) -> None:
        """The answer to the offer that is out; raises `AnswerUnexpected`, `SdpRefused`."""
        m_lines = self._outstanding
        if m_lines is None:
            raise AnswerUnexpected("no offer is waiting for an answer")
        answer = read_answer(text, m_lines)
        self._outstanding = None
        self.consumers.transport_cc = answer.transport_cc
        self._port.pump.set_extensions(self.connection.transport_id, **answer.extensions.for_pump())
        for m_line in m_lines:
            if m_line.stream is not None:
                m_line.codec, m_line.offered = answer.codecs[m_line.mid], True
        self.connection.set_peer(answer.peer)
        self.send_lines()

    def send_lines(self) -> None:
        """A consumer for every line that has a stream and the peer's consent to it."""
        for m_line in self._m_lines.all:
            if m_line.stream is None or m_line.codec is None:
                continue
            producer = self._owner.producer(m_line.stream.producer_id)
            if producer is not None and m_line.takes_fallback:
                producer = producer.fallback
            if producer is not None and not self.consumers.has(producer.wanted_as):
                self.consumers.add(producer, m_line, m_line.codec)

    def takes_fallback(self, producer_id: str) -> bool:
        """Whether the peer can show this picture in its other codec alone."""
        m_line = self._m_lines.of(producer_id)
        return m_line is not None and m_line.takes_fallback

    # A player's offer

    def answer_player(self, offer: PlayerOffer, wants: Sequence[Want]) -> str:
        """Give the player what it wants, each stream on the next m-line of its kind."""
        self.wants = tuple(wants)
        self._player = offer
        self.consumers.transport_cc = offer.extensions.transport_cc > 0
        self._m_lines.all = [MLine(mid, kind, 0, 0) for mid, kind in offer.receiving.items()]
        self._give_player_streams()
        if not any(m_line.codec for m_line in self._m_lines.all):
            raise SdpRefused("the player's offer has no codec of the streams it asks for")
        self.connection.set_peer(offer.peer)
        return write_player_answer(offer, self._m_lines.all, self.connection.local_parameters())

    def _give_player_streams(self) -> None:
        """Put wanted streams on free lines. Later ones come unannounced, found by their MID."""
        offer = self._player
        if offer is None:
            return
        for stream in self._wanted_streams():
            if self._m_lines.of(stream.producer_id) is not None:
                continue
            m_line = next(
                (
                    known
                    for known in self._m_lines.all
                    if known.stream is None and known.kind is stream.kind
                ),
                None,
            )
            codec = player_codec(offer, m_line.mid, stream) if m_line is not None else None
            if m_line is not None and codec is not None:
                m_line.ssrc, m_line.rtx_ssrc = self._port.ssrcs.next(), self._port.ssrcs.next()
                m_line.stream, m_line.codec, m_line.offered = stream, codec, True
        self.send_lines()

    # The lesson's events

    def producer_removed(self, producer_id: str) -> None:
        """The producer is gone: its line is free for another."""
        self.consumers.remove(producer_id)
        self._m_lines.release([producer_id])

    def fallback_removed(self, producer_id: str) -> None:
        """This producer is not sent in its other codec any more; its line stays its own."""
        m_line = self._m_lines.of(producer_id)
        if m_line is not None and m_line.takes_fallback:
            self.consumers.remove(producer_id)
            self._m_lines.renew(m_line, self._port.ssrcs)

    def allocate(
        self, now: float, streams: Mapping[str, layers.Stream], speakers: Sequence[str] = ()
    ) -> None:
        """Choose layers anew; before the handshake a keyframe would be sent to nobody."""
        if self.connection.state is not LinkState.NEW:
            self.consumers.allocate(now, self.wants, streams, speakers)

    def allocation_due(self, now: float) -> bool:
        """Whether time alone may change the choice of layers."""
        return self.consumers.allocation_due(now)

    def handle_totals(self, totals: TransportTotals, now: float) -> None:
        """What the pump has counted of the line; once a second."""
        self.consumers.handle_totals(totals, now)

    # The connection's events

    def link_changed(self, state: LinkState) -> None:
        """The transport connected, fell silent or closed."""
        if state is LinkState.CLOSED:
            self.consumers.remove_all()
            self._outstanding = None
        elif state is LinkState.CONNECTED:
            self.consumers.ask_keyframes()
        self._owner.link_changed(self.device_id, Direction.SUBSCRIBE, state)

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """The peer's reports and requests."""
        self.consumers.handle_rtcp(data, arrival_ns)

    def handle_line(self) -> None:
        """The pump has sensed something of the line."""
        self.consumers.handle_line()

    def handle_new_ssrc(
        self, ssrc: int, payload_type: int, mid: str, rid: str, repaired_rid: str
    ) -> None:
        """Media on a connection that only sends: not wanted, the pump drops it."""

    async def close(self) -> None:
        """End all consumers and the connection."""
        self.consumers.remove_all()
        self._outstanding = None
        await self.connection.close()


def stream_of(producer: Producer) -> SentStream:
    """A producer as m-lines see it."""
    return SentStream(
        producer.producer_id,
        producer.device_id,
        Kind(producer.kind),
        producer.codec,
        producer.fallback_codec,
    )
