"""A lesson on a fake pump, in virtual time, as the node's tests share it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mixer.model import (
    LinkState,
    MediaEvent,
    NodeLimits,
    SourceOffer,
    Want,
)
from mixer.node.consumers import Consumers
from mixer.node.lesson_media import LessonMedia
from mixer.node.peer_connection import PeerConnection
from mixer.node.port import Port
from mixer.node.subscription import Subscription
from mixer.rtp.bandwidth import MAX_BPS, START_BPS, BandwidthEstimator
from mixer.transport.dtls import DtlsCertificate
from tests.unit.node.fake_pump import (
    NEW_SSRC,
    Clock,
    FakePump,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
CHROMIUM = (VECTORS / "chromium_156_publish.sdp").read_bytes().decode()
SOURCES = {
    "0": SourceOffer("room", 48_000),
    "1": SourceOffer("teacher", 2_500_000),
    "2": SourceOffer("screen", 1_000_000),
}


class World:
    """A lesson on a fake pump."""

    def __init__(self) -> None:
        self.clock, self.pump = Clock(), FakePump()
        self.port = Port(self.pump, addresses=("192.0.2.1",), clock=self.clock)  # type: ignore[arg-type]  # duck-typed
        self.heard: list[MediaEvent] = []
        self.lesson = LessonMedia(
            "lesson", self.port, DtlsCertificate(), NodeLimits(), self.heard.append
        )

    async def publish(self, offer: str = CHROMIUM) -> dict[str, str]:
        """Chromium's offer as device `lead`; producer ids by label."""
        answer = await self.lesson.members.publish("lead", offer, SOURCES)
        return {info.label: info.producer_id for info in answer.producers}

    def connection(self) -> PeerConnection:
        return self.lesson.members.publications["lead"].connection

    def producer_pump_id(self, producer_id: str) -> int:
        producer = self.lesson.producer(producer_id)
        assert producer is not None
        return producer.pump_id

    def new_ssrc(self, ssrc: int, payload_type: int, mid: str, rid: str, repaired: str) -> None:
        transport = self.connection().transport_id
        self.pump.happen(self.port, (NEW_SSRC, transport, ssrc, payload_type, mid, rid, repaired))

    def connect(self) -> None:
        """As if the publisher's handshake had succeeded."""
        connected(self.connection())

    async def subscribe(self, *wants: Want) -> Subscription:
        """What the device `room` wants, and its answer, which takes everything."""
        offer = await self.lesson.members.subscribe("room", wants, restart=False)
        assert offer is not None
        self.lesson.members.subscribe_answer("room", answer_to(offer.sdp))
        return self.lesson.members.subscriptions["room"]

    async def close(self) -> None:
        await self.lesson.close()
        await self.port.stop()


def connected(connection: PeerConnection) -> None:
    """As if its handshake had succeeded: the one thing here that no real peer does."""
    connection._enter(LinkState.CONNECTED)


def answer_to(offer: str) -> str:
    """An answer made of our own offer: all is taken, by a peer without transport-wide feedback."""
    lines = [line for line in offer.splitlines() if "transport-wide-cc" not in line]
    text = "\r\n".join([*lines, ""]).replace("a=ice-lite\r\n", "")
    return text.replace("a=sendonly", "a=recvonly").replace("setup:actpass", "setup:active")


def begin_estimate(
    consumers: Consumers, now: float, *, start_bps: int = START_BPS, max_bps: int = MAX_BPS
) -> None:
    """What the line carries is estimated anew."""
    consumers.estimator = BandwidthEstimator(now, start_bps=start_bps, max_bps=max_bps)
    consumers.estimator.set_wanted(consumers.wanted_bps)


async def wanted_picture(world: World) -> tuple[str, Subscription]:
    """A picture that one room wants, whose connection is not there yet."""
    picture = (await world.publish())["teacher"]
    return picture, await world.subscribe(Want(picture, 1280, 720))


async def watched_picture(world: World) -> tuple[str, list[float]]:
    """A picture that sends 1 Mb/s, one room that wants it; when its layers were chosen."""
    picture, subscription = await wanted_picture(world)
    chosen: list[float] = []
    allocate = subscription.consumers.allocate

    def noted(now: float, *rest: Any) -> None:
        chosen.append(now)
        allocate(now, *rest)

    subscription.consumers.allocate = noted  # type: ignore[assignment]  # heard, then done
    connected(subscription.connection)
    return picture, chosen


def pass_time(world: World, seconds: float, *, sending: str, bitrate_bps: int) -> None:
    """Ticks of 0.1 s in which the smallest layer of a picture sends (or not)."""
    rows = world.pump.stats[world.producer_pump_id(sending)]
    if not rows:
        rows.append({"layer": 0, "bytes": 0, "keyframes": 1})
    for _ in range(round(10 * seconds)):
        world.clock.now += 0.1
        rows[0]["bytes"] += bitrate_bps // 80
        if bitrate_bps:
            rows[0]["last_packet_ns"] = round(1e9 * world.clock.now)
        world.lesson.control.handle_timer(world.clock.now)
