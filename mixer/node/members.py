"""Who sends into one lesson and who receives from it, and how many may.

Owns: publications, subscriptions, taps and feeds, bringing them in within the limits and letting
them go; every producer with its sender.

Leaves to `publication.py`, `subscription.py`, `taps.py`, `feeds.py`: the single connections; to
`lesson_media.py`: what their coming and going means for all the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from mixer.errors import DeviceUnknown, FeedRefused, NodeFull, ProducerUnknown
from mixer.model import (
    FeedInfo,
    FeedOffer,
    LinkState,
    NodeLimits,
    PublishAnswer,
    SourceOffer,
    SubscribeOffer,
    TapInfo,
    TapWant,
    Want,
)
from mixer.node.feeds import Feed, open_feed
from mixer.node.port import Port
from mixer.node.publication import Publication, PublicationOwner, with_layers_that_serve
from mixer.node.senders import Sender
from mixer.node.streams import Producer
from mixer.node.subscription import Subscription, SubscriptionOwner
from mixer.node.taps import Tap, open_tap
from mixer.pump import LAYERS
from mixer.transport.dtls import DtlsCertificate
from mixer.transport.publish_answer import PublishPlan, read_offer
from mixer.transport.subscribe_offer import read_player_offer

MAX_WANTS = 128  # as the lesson protocol admits


class MembersOwner(PublicationOwner, SubscriptionOwner, Protocol):
    """The lesson, as its members see it."""

    def allocate(self) -> None: ...


class Members:
    """All of one lesson. Connections report to `owner`, which tells back who has come and gone."""

    def __init__(
        self, owner: MembersOwner, port: Port, certificate: DtlsCertificate, limits: NodeLimits
    ) -> None:
        self.publications: dict[str, Publication] = {}  # by device
        self.subscriptions: dict[str, Subscription] = {}  # by device
        self.taps: dict[str, Tap] = {}
        self.feeds: dict[str, Feed] = {}  # by producer
        self.producers: dict[str, Producer] = {}  # in the order they began
        self._senders: dict[str, Sender] = {}  # by producer
        self._owner = owner
        self._port = port
        self._certificate = certificate
        self._limits = limits

    # Looking

    def known(self, producer_id: str) -> Producer:
        """A producer; raises `ProducerUnknown`."""
        producer = self.producers.get(producer_id)
        if producer is None:
            raise ProducerUnknown(f"no producer {producer_id!r} in this lesson")
        return producer

    def sender_of(self, producer: Producer) -> Sender | None:
        """Who sends a producer; None when it is gone."""
        return self._senders.get(producer.producer_id)

    def publishers(self) -> list[Publication]:
        """The publications that are connected."""
        every = self.publications.values()
        return [one for one in every if one.connection.state is LinkState.CONNECTED]

    def subscribers(self) -> list[Subscription]:
        """The subscriptions that are connected."""
        every = self.subscriptions.values()
        return [one for one in every if one.connection.state is LinkState.CONNECTED]

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
            self._port,
            self._certificate,
            self._owner,
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
        if self._port.pending() >= self._limits.pending_handshakes:
            raise NodeFull("too many connections are being set up; try again in a moment")

    def feed(self, device_id: str, socket_path: str, offer: FeedOffer) -> FeedInfo:
        """Publish what comes from a Unix socket of this machine; `unpublish` ends it."""
        if not 1 <= offer.layers <= self._limits.layers_per_feed:
            raise FeedRefused(f"a feed has 1 to {self._limits.layers_per_feed} layers")
        if len(self.feeds) >= self._limits.feeds_per_lesson:
            raise NodeFull(f"a lesson may have {self._limits.feeds_per_lesson} feeds")
        if offer.fallback_for:
            self._admit_fallback(offer)
        feed = open_feed(self._port, self._owner, device_id, socket_path, offer)
        self.feeds[feed.info.producer.producer_id] = feed
        return feed.info

    def _admit_fallback(self, offer: FeedOffer) -> None:
        producer = self.known(offer.fallback_for)
        if offer.codec != producer.fallback_codec or producer.fallback is not None:
            raise FeedRefused(
                f"producer {producer.producer_id!r} has no use for another feed in {offer.codec}"
            )

    def unpublish(self, producer_id: str) -> None:
        """Stop a producer; fine when it is gone already."""
        sender = self._senders.get(producer_id)
        if sender is not None:
            sender.remove(self.producers[producer_id])

    def add_producer(self, producer: Producer, sender: Sender) -> None:
        """A sender has begun another one."""
        self.producers[producer.producer_id] = producer
        self._senders[producer.producer_id] = sender
        if producer.fallback_for:
            self.known(producer.fallback_for).fallback = producer
            for subscription in self.subscriptions.values():
                subscription.send_lines()

    def remove_producer(self, producer: Producer) -> None:
        """Its sender drops a producer: everything that hangs on it goes first."""
        self.producers.pop(producer.producer_id, None)
        self._senders.pop(producer.producer_id, None)
        self.feeds.pop(producer.producer_id, None)
        stood_for = self.producers.get(producer.fallback_for)
        if stood_for is not None:
            stood_for.fallback = None
        for subscription in self.subscriptions.values():
            if producer.fallback_for:
                subscription.fallback_removed(producer.fallback_for)
            else:
                subscription.producer_removed(producer.producer_id)
        for tap in self.taps.values():
            if tap.info.producer_id == producer.producer_id:
                tap.producer_removed()

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
            subscription = Subscription(self._port, self._certificate, self._owner, device_id)
            self.subscriptions[device_id] = subscription
        offer = subscription.offer(wants, restart=restart)
        self._owner.allocate()
        return offer

    def subscribe_answer(self, device_id: str, sdp: str) -> None:
        """The answer to the last offer."""
        subscription = self.subscriptions.get(device_id)
        if subscription is None:
            raise DeviceUnknown(f"device {device_id!r} has no subscribe connection")
        subscription.take_answer(sdp)
        self._owner.allocate()

    async def subscribe_offered(self, device_id: str, offer_sdp: str, wants: Sequence[Want]) -> str:
        """A player's offer; returns our answer."""
        offer = read_player_offer(offer_sdp)
        self._admit(device_id)
        await self._drop_subscription(device_id)
        subscription = Subscription(
            self._port, self._certificate, self._owner, device_id, extensions=offer.extensions
        )
        self.subscriptions[device_id] = subscription
        try:
            answer = subscription.answer_player(offer, wants)
        except Exception:  # whoever asked is told; nothing half made stays
            await self._drop_subscription(device_id)
            raise
        self._owner.allocate()
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
        want: TapWant = None,
        *,
        from_past: bool = False,
    ) -> TapInfo:
        """Send a producer to a Unix socket, a picture at about this size, or everything."""
        tap = open_tap(
            self._port,
            self.known(producer_id),
            socket_path,
            now=self._port.clock(),
            want=want,
            from_past=from_past,
            ask_keyframe=self._owner.ask_keyframe,
        )
        self.taps[tap.info.tap_id] = tap
        self._owner.hurry()
        return tap.info

    def set_tap_want(self, tap_id: str, want: TapWant) -> None:
        """A tap's reader wants another size from now on; fine when the tap is gone already."""
        tap = self.taps.get(tap_id)
        if tap is not None and tap.want != want:
            tap.want = want
            tap.follow(self._port.clock())
            self._owner.hurry()

    def untap(self, tap_id: str) -> None:
        """Stop a tap; fine when it is gone already."""
        tap = self.taps.pop(tap_id, None)
        if tap is not None:
            tap.close()
            self._owner.hurry()

    # Ends

    async def close_device(self, device_id: str) -> None:
        """End both connections of a device, and its feeds; fine when it has none."""
        for producer_id, feed in list(self.feeds.items()):
            if feed.info.producer.device_id == device_id:
                self.unpublish(producer_id)
        publication = self.publications.pop(device_id, None)
        closing = [self._drop_subscription(device_id)]
        if publication is not None:
            closing.append(publication.close())
        await asyncio.gather(*closing)
        self._owner.hurry()

    async def close(self) -> None:
        """End everything."""
        for tap_id in list(self.taps):
            self.untap(tap_id)
        for producer_id in list(self.feeds):
            self.unpublish(producer_id)
        devices = self.publications.keys() | self.subscriptions.keys()
        await asyncio.gather(*(self.close_device(device_id) for device_id in devices))
