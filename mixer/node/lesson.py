"""One lesson's media: its devices' connections, its producers, its speakers, its timing.

Owns: who publishes and subscribes, the limits per lesson and device, telling the one listener
what happened, and what has to be done every so often for all of it.

Leaves to `publication.py`, `subscription.py`, `taps.py`: the single connections; to
`media_node.py`: which lessons there are.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence

from mixer.errors import DeviceUnknown, FeedRefused, NodeFull, ProducerUnknown
from mixer.forward.allocation import Choice
from mixer.forward.layers import Stream
from mixer.forward.speakers import ActiveSpeakers
from mixer.model import (
    ConsumerChanged,
    Direction,
    FeedInfo,
    FeedOffer,
    LinkState,
    MediaEvent,
    NodeLimits,
    PictureFaultsChanged,
    ProducerLive,
    PublishAnswer,
    SourceOffer,
    SpeakersChanged,
    SubscribeOffer,
    TapInfo,
    TileSize,
    TransportChanged,
    Want,
)
from mixer.node.beats import CALM_LOOK_S, LISTEN_S, LOOK_S, next_beat
from mixer.node.demand import Demand
from mixer.node.feeds import Feed, open_feed
from mixer.node.port import Port
from mixer.node.publication import Publication, with_layers_that_serve
from mixer.node.senders import Sender
from mixer.node.streams import Encoding, Producer
from mixer.node.subscription import Subscription
from mixer.node.taps import Tap, open_tap
from mixer.pump import LAYERS
from mixer.rtp.picture_format import read_picture_format
from mixer.transport.dtls import Certificate
from mixer.transport.publish_answer import PublishPlan, read_offer
from mixer.transport.subscribe_offer import read_player_offer

log = logging.getLogger(__name__)

MAX_WANTS = 128  # as the lesson protocol admits
# A bitrate over a shorter time than this is that of one burst.
MEASURE_INTERVAL_S = 0.1
TOTALS_INTERVAL_S = 1.0
LINK_INTERVAL_S = 2 * TOTALS_INTERVAL_S


class Lesson:
    """The media of one lesson on one port."""

    def __init__(
        self,
        lesson_id: str,
        port: Port,
        certificate: Certificate,
        limits: NodeLimits,
        listener: Callable[[MediaEvent], None],
    ) -> None:
        self.lesson_id = lesson_id
        self.port = port
        self.publications: dict[str, Publication] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.taps: dict[str, Tap] = {}
        self.feeds: dict[str, Feed] = {}  # by producer
        self._certificate = certificate
        self._limits = limits
        self._listener = listener
        self._producers: dict[str, Producer] = {}
        self._senders: dict[str, Sender] = {}  # by producer
        self._speakers = ActiveSpeakers()
        self._demand = Demand()
        self._reshaped = False  # the size of a layer's pictures has changed since they were chosen
        self._closed = False
        # Of each producer as last shared out: which layers sent, and whether one only began.
        self._alive: dict[str, tuple[tuple[bool, ...], bool]] = {}
        self.due_at = self._totals_at = self._link_at = next_beat(port.clock(), LOOK_S)

    # Publishing

    async def publish(
        self, device_id: str, offer_sdp: str, sources: Mapping[str, SourceOffer]
    ) -> PublishAnswer:
        """Take a publish offer; refused ones change nothing."""
        if len(sources) > self._limits.producers_per_device:
            raise NodeFull(f"a device may send {self._limits.producers_per_device} sources")
        plan = with_layers_that_serve(
            read_offer(offer_sdp, sources, max_encodings=LAYERS),
            most=self._limits.encodings_per_producer,
        )
        publication = self.publications.get(device_id)
        if publication is None or not publication.continues(plan):
            publication = await self._replace_publication(device_id, plan)
        sdp = publication.apply(plan)
        return PublishAnswer(sdp, tuple(p.info() for p in publication.producers.values()))

    async def _replace_publication(self, device_id: str, plan: PublishPlan) -> Publication:
        self._admit(device_id)
        old = self.publications.pop(device_id, None)
        if old is not None:
            await old.close()
        publication = Publication(
            self.port,
            self._certificate,
            self,
            device_id,
            plan,
            most_layers=self._limits.encodings_per_producer,
        )
        self.publications[device_id] = publication
        return publication

    def _admit(self, device_id: str) -> None:
        devices = self.publications.keys() | self.subscriptions.keys() | {device_id}
        if len(devices) > self._limits.devices_per_lesson:
            raise NodeFull(f"a lesson may have {self._limits.devices_per_lesson} devices")
        if self.port.pending() >= self._limits.pending_handshakes:
            raise NodeFull("too many connections are being set up; try again in a moment")

    def unpublish(self, producer_id: str) -> None:
        """Stop a producer; fine when it is gone already."""
        sender = self._senders.get(producer_id)
        if sender is not None:
            sender.remove(self._producers[producer_id])

    def set_producer_paused(self, producer_id: str, paused: bool) -> None:
        """Stop or resume forwarding at once; raises `ProducerUnknown`."""
        producer = self._known(producer_id)
        if producer.paused != paused:
            producer.paused = paused
            self.port.pump.set_producer_paused(producer.pump_id, paused)
            self._speakers.remove(producer_id)
            self.allocate()

    # Subscribing

    async def subscribe(
        self, device_id: str, wants: Sequence[Want], *, restart: bool
    ) -> SubscribeOffer | None:
        """Take a device's wants; an offer when its m-lines must change."""
        if len(wants) > MAX_WANTS:
            raise NodeFull(f"a device may want {MAX_WANTS} streams")
        subscription = self.subscriptions.get(device_id)
        if subscription is not None and subscription.connection.state is LinkState.CLOSED:
            await self._drop_subscription(device_id)
            subscription = None
        if subscription is None:
            if not wants:
                return None
            self._admit(device_id)
            subscription = Subscription(self.port, self._certificate, self, device_id)
            self.subscriptions[device_id] = subscription
        offer = subscription.offer(wants, restart=restart)
        self.allocate()
        return offer

    def subscribe_answer(self, device_id: str, sdp: str) -> None:
        """The answer to the last offer."""
        subscription = self.subscriptions.get(device_id)
        if subscription is None:
            raise DeviceUnknown(f"device {device_id!r} has no subscribe connection")
        subscription.take_answer(sdp)
        self.allocate()

    async def subscribe_offered(self, device_id: str, offer_sdp: str, wants: Sequence[Want]) -> str:
        """A player's offer; returns our answer."""
        offer = read_player_offer(offer_sdp)
        self._admit(device_id)
        await self._drop_subscription(device_id)
        subscription = Subscription(
            self.port, self._certificate, self, device_id, extensions=offer.extensions
        )
        self.subscriptions[device_id] = subscription
        try:
            answer = subscription.answer_player(offer, wants)
        except Exception:
            await self._drop_subscription(device_id)
            raise
        self.allocate()
        return answer

    async def _drop_subscription(self, device_id: str) -> None:
        subscription = self.subscriptions.pop(device_id, None)
        if subscription is not None:
            await subscription.close()

    # Taps

    def tap(
        self,
        producer_id: str,
        socket_path: str,
        want: TileSize | None = None,
        *,
        from_past: bool = False,
    ) -> TapInfo:
        """Send a producer to a Unix socket, a picture at about this size, or everything."""
        tap = open_tap(
            self.port,
            self._known(producer_id),
            socket_path,
            now=self.port.clock(),
            want=want,
            from_past=from_past,
            ask_keyframe=self.ask_keyframe,
        )
        self.taps[tap.info.tap_id] = tap
        self.hurry()
        return tap.info

    def set_tap_want(self, tap_id: str, want: TileSize | None) -> None:
        """A tap's reader wants another size from now on; fine when the tap is gone already."""
        tap = self.taps.get(tap_id)
        if tap is not None and tap.want != want:
            tap.want = want
            tap.follow(self.port.clock())
            self.hurry()

    def untap(self, tap_id: str) -> None:
        """Stop a tap; fine when it is gone already."""
        tap = self.taps.pop(tap_id, None)
        if tap is not None:
            tap.close()
            self.hurry()

    # Feeds

    def feed(self, device_id: str, socket_path: str, offer: FeedOffer) -> FeedInfo:
        """Publish what comes from a Unix socket of this machine; `unpublish` ends it."""
        if not 1 <= offer.layers <= self._limits.encodings_per_producer:
            raise FeedRefused(f"a feed has 1 to {self._limits.encodings_per_producer} layers")
        if len(self.feeds) >= self._limits.feeds_per_lesson:
            raise NodeFull(f"a lesson may have {self._limits.feeds_per_lesson} feeds")
        feed = open_feed(self.port, self, device_id, socket_path, offer)
        self.feeds[feed.info.producer.producer_id] = feed
        return feed.info

    # Ends

    async def close_device(self, device_id: str) -> None:
        """End both connections of a device; fine when it has none."""
        publication = self.publications.pop(device_id, None)
        closing = [self._drop_subscription(device_id)]
        if publication is not None:
            closing.append(publication.close())
        await asyncio.gather(*closing)
        self.hurry()

    async def close(self) -> None:
        """End everything."""
        self._closed = True
        for tap_id in list(self.taps):
            self.untap(tap_id)
        for producer_id in list(self.feeds):
            self.unpublish(producer_id)
        devices = self.publications.keys() | self.subscriptions.keys()
        await asyncio.gather(*(self.close_device(device_id) for device_id in devices))

    # What connections and producers report

    def producers(self) -> list[Producer]:
        """Everything that comes in, in the order it began."""
        return list(self._producers.values())

    def producer(self, producer_id: str) -> Producer | None:
        """A producer of this lesson."""
        return self._producers.get(producer_id)

    def _known(self, producer_id: str) -> Producer:
        producer = self._producers.get(producer_id)
        if producer is None:
            raise ProducerUnknown(f"no producer {producer_id!r} in lesson {self.lesson_id!r}")
        return producer

    def producer_added(self, producer: Producer, sender: Sender) -> None:
        """A publication has a new producer, or a feed its only one."""
        self._producers[producer.producer_id] = producer
        self._senders[producer.producer_id] = sender
        self.hurry()

    def producer_removed(self, producer: Producer) -> None:
        """Its sender drops a producer: everything that hangs on it goes first."""
        self._producers.pop(producer.producer_id, None)
        self._senders.pop(producer.producer_id, None)
        self.feeds.pop(producer.producer_id, None)
        self._speakers.remove(producer.producer_id)
        for subscription in self.subscriptions.values():
            subscription.producer_removed(producer.producer_id)
        for tap in self.taps.values():
            if tap.info.producer_id == producer.producer_id:
                tap.producer_removed()
        self.hurry()

    def first_packet(self, producer: Producer) -> None:
        """Media of a layer has begun, or begun again."""
        now = self.port.clock()
        self._measure_layers(producer, now)
        if not producer.live:
            producer.live = True
            self.tell(ProducerLive(producer.producer_id, producer.device_id))
        self.allocate()

    def ask_keyframe(self, producer: Producer, slot: int) -> None:
        """Somebody needs a keyframe; the publisher is asked, but not too often."""
        now = self.port.clock()
        self._measure_layers(producer, now)  # a keyframe that came before is no answer
        self.port.keyframes.request((producer.pump_id, slot), now)
        self.port.ask_due_keyframes()

    def look_for_keyframes(self, producer: Producer) -> None:
        """A request is about to be repeated: has its answer come?"""
        self._measure_layers(producer, self.port.clock())

    def send_keyframe_request(self, producer: Producer, slot: int) -> None:
        """It is time to ask."""
        sender = self._senders.get(producer.producer_id)
        if sender is not None and not producer.paused:
            sender.ask_keyframe(producer, slot)

    def choice_changed(self, device_id: str, choice: Choice) -> None:
        """A device gets another layer, or nothing."""
        self.tell(ConsumerChanged(device_id, choice.producer_id, choice.layer, choice.reason))

    def link_changed(self, device_id: str, direction: Direction, state: LinkState) -> None:
        """A device's transport changed."""
        self.tell(TransportChanged(device_id, direction, state))
        if state is LinkState.CONNECTED:
            self.allocate()

    def tell(self, event: MediaEvent) -> None:
        """Tell the listener; what goes wrong in it must not stop the media."""
        if self._closed:
            return
        try:
            self._listener(event)
        except Exception:
            log.exception("the listener of lesson %s failed on %s", self.lesson_id, event)

    # Time

    def hurry(self) -> None:
        """Something has changed: look soon, however calm the lesson was."""
        soon = next_beat(self.port.clock(), LOOK_S)
        if soon < self.due_at:
            self.due_at = soon
            self.port.hurry(soon)

    def listen(self) -> None:
        """Somebody begins to speak: take the levels after a syllable."""
        self.port.hurry(self.port.clock() + LOOK_S)

    def handle_timer(self, now: float) -> None:
        """Estimates, layers, totals and links, once `due_at` has come; earlier calls do nothing."""
        if now < self.due_at:
            return
        self.due_at = next_beat(now, CALM_LOOK_S)
        for subscription in self._subscribers():
            subscription.consumers.handle_timer(now)
        for producer in self._producers.values():
            self._measure_layers(producer, now)
        self._allocate_if_due(now)
        self._tell_demand(now)
        if now >= self._totals_at:
            self._totals_at = next_beat(now, TOTALS_INTERVAL_S)
            self._read_totals(now)
        if now >= self._link_at:
            self._link_at = next_beat(now, LINK_INTERVAL_S)
            self._tell_links(now)
        self.due_at = min(self.due_at, self._next_look(now))

    def _next_look(self, now: float) -> float:
        """Soon while a line moves or a layer begins, or when a layer may have ended."""
        begins = any(begins for _, begins in self._alive.values())
        if begins or not all(one.consumers.calm for one in self._subscribers()):
            return next_beat(now, LOOK_S)
        ends = (e.meter.silent_at for p in self._producers.values() for e in p.every)
        return min((at for at in ends if at > now), default=math.inf)

    def _publishers(self) -> list[Publication]:
        every = self.publications.values()
        return [one for one in every if one.connection.state is LinkState.CONNECTED]

    def _subscribers(self) -> list[Subscription]:
        every = self.subscriptions.values()
        return [one for one in every if one.connection.state is LinkState.CONNECTED]

    def handle_levels(self, levels: Sequence[tuple[Producer, int]], now: float) -> None:
        """Audio levels of this lesson's producers since the last time."""
        if not levels and self._speakers.nobody:
            return
        before = self._speakers.heard
        self._speakers.handle_levels(
            [(producer.producer_id, level) for producer, level in levels if not producer.paused],
            now,
        )
        if not set(self._speakers.heard) <= set(before):
            self.allocate()  # on a line too weak for all sound a new voice is let through at once
        speakers = self._speakers.poll(now)
        if speakers is not None:
            self.tell(SpeakersChanged(speakers.levels))
        if not self._speakers.quiet:
            self.port.hurry(next_beat(now, LISTEN_S))

    def allocate(self) -> None:
        """Choose every subscriber's layers anew, and see soon what came of it."""
        now = self.port.clock()
        self._reshaped = False
        self._alive = self._alive_now(now)
        streams, speakers = self._streams(now), self._speakers.heard
        for subscription in self.subscriptions.values():
            subscription.allocate(now, streams, speakers)
        for tap in self.taps.values():
            tap.follow(now)
        self.hurry()

    def _allocate_if_due(self, now: float) -> None:
        """All anew when a layer began, ended or became another; else those whose line does not
        carry all."""
        if self._reshaped or self._alive_now(now) != self._alive:
            self.allocate()
        elif due := [s for s in self.subscriptions.values() if s.allocation_due(now)]:
            self._reallocate(due, now)

    def _reallocate(self, due: list[Subscription], now: float) -> None:
        """Nothing but bitrates has changed: choose anew only where that changes the choice."""
        bitrates = {name: one.bitrates for name, one in self._producers.items()}
        if scarce := [one for one in due if not one.consumers.reprice(now, bitrates)]:
            streams, speakers = self._streams(now), self._speakers.heard
            for subscription in scarce:
                subscription.allocate(now, streams, speakers)

    def _alive_now(self, now: float) -> dict[str, tuple[tuple[bool, ...], bool]]:
        return {name: (one.alive(now), one.begins(now)) for name, one in self._producers.items()}

    def _streams(self, now: float) -> dict[str, Stream]:
        return {name: one.stream(now) for name, one in self._producers.items()}

    def _measure_layers(self, producer: Producer, now: float) -> None:
        for row in self.port.pump.layer_totals(producer.pump_id):
            encoding = producer.every[row.layer]
            if row.format_changes != encoding.format_changes:
                encoding.format_changes = row.format_changes
                self._read_format(producer, encoding, now)
            grown = row.bytes != encoding.bytes
            encoding.pace.update(now, longest_pause_s=row.longest_pause_ns * 1e-9, grown=grown)
            encoding.bytes = row.bytes
            encoding.steps_back.update(row.steps_back, now)
            if now - encoding.measured_at >= MEASURE_INTERVAL_S:
                encoding.meter.update(row.bytes, now, heard_at=row.last_packet_ns * 1e-9)
                encoding.measured_at = now
            if row.keyframes != encoding.keyframes:
                encoding.keyframes = row.keyframes
                self.port.keyframes.keyframe_arrived((producer.pump_id, row.layer))
        producer.take_pace()
        if (faults := producer.faults_now(now)) != producer.faults:
            producer.faults = faults
            self.tell(PictureFaultsChanged(producer.producer_id, producer.device_id, faults))

    def _read_format(self, producer: Producer, encoding: Encoding, now: float) -> None:
        """The pictures of a layer are of another size: it may be another layer by that."""
        data = self.port.pump.picture_format(producer.pump_id, encoding.slot)
        found = read_picture_format(producer.codec.name, data)
        if found == encoding.format:
            return
        encoding.format = found
        if producer.arrange(now):
            for subscription in self.subscriptions.values():
                subscription.consumers.layers_arranged(producer.producer_id)
        self._reshaped = True
        self.hurry()

    def _read_totals(self, now: float) -> None:
        """Of all lines and streams at once: each call waits for the pump, and it for each call."""
        pump, subscribers = self.port.pump, self._subscribers()
        lines: list[Publication | Subscription] = [*self._publishers(), *subscribers]
        every = pump.totals([line.connection.transport_id for line in lines])
        for line, totals in zip(lines, every, strict=True):
            line.handle_totals(totals, now)
        consumers = [consumer for one in subscribers for consumer in one.consumers]
        sent = pump.consumer_bytes([consumer.pump_id for consumer in consumers])
        for consumer, total_bytes in zip(consumers, sent, strict=True):
            consumer.meter.update(total_bytes, now)
        for publication in self.publications.values():
            publication.connection.handle_timer(now)
        for subscription in self.subscriptions.values():
            subscription.connection.handle_timer(now)

    def _tell_demand(self, now: float) -> None:
        for event in self._demand.poll(
            now, self._producers, self.subscriptions.values(), self.taps.values()
        ):
            self.tell(event)

    def _tell_links(self, now: float) -> None:
        for publication in self._publishers():
            self.tell(publication.measure(now))
        for subscription in self._subscribers():
            self.tell(subscription.consumers.measure(now))
