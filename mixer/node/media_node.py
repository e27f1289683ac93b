"""MediaNode: the one face of the media core.

Owns: starting and ending the node, its ports and its clock, which lessons are open and on which
port each lives, the limit on lessons.

Leaves to `lesson_media.py` and `members.py`: everything inside a lesson. All methods are called
from the event loop in which `start` was called; listeners are called there too and must not block.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mixer.errors import LessonOpen, LessonUnknown, NodeFull, NodeUnavailable
from mixer.model import (
    FeedInfo,
    FeedOffer,
    LineProbe,
    MediaEvent,
    NodeSettings,
    PublishAnswer,
    SourceOffer,
    SubscribeOffer,
    TapInfo,
    TapWant,
    Want,
)
from mixer.node.addresses import (
    LOOK_EVERY_S,
    ReadAddresses,
    advertised_addresses,
    follows_the_machine,
    for_this_machine_alone,
    interface_addresses,
)
from mixer.node.beats import LOOK_S, next_beat
from mixer.node.lesson_media import LessonMedia
from mixer.node.members import Members
from mixer.node.port import Port, ProducerOwner, open_pump
from mixer.node.runtime_folder import RuntimeFolder
from mixer.node.stats import LessonStats, NodeStats, lesson_stats, node_stats
from mixer.node.streams import Producer
from mixer.node.ticks import Ticks
from mixer.pump import Pump
from mixer.transport.dtls import DtlsCertificate

log = logging.getLogger(__name__)

ICE_TIMER_S = 1.0

PumpFactory = Callable[[NodeSettings, int, str], Pump]


def _open_pump(settings: NodeSettings, index: int, plain_path: str) -> Pump:
    """The node's pump number `index`, on the ports that are its own."""
    return open_pump(
        host=settings.host,
        port=settings.port + index if settings.port else 0,
        tcp_port=settings.tcp_port + index if settings.tcp_port else settings.tcp_port,
        plain_path=plain_path,
    )


class MediaNode:
    """Receives and forwards the media of many lessons. `start` it, `close` it."""

    def __init__(
        self,
        settings: NodeSettings,
        *,
        pump_factory: PumpFactory = _open_pump,
        clock: Callable[[], float] = time.monotonic,
        own_addresses: ReadAddresses = interface_addresses,
    ) -> None:
        self.settings = settings
        self._own_addresses = own_addresses
        self._following: asyncio.Task[None] | None = None
        self._pump_factory = pump_factory
        self._clock = clock
        self._certificate = DtlsCertificate()
        self._ports: list[Port] = []
        self._lessons: dict[str, LessonMedia] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = math.inf
        self._own_folder: RuntimeFolder | None = None
        self._ice_at = 0.0
        self._ticks = Ticks()

    # Life

    async def start(self) -> None:
        """Listen on every port; raises `NodeUnavailable` saying what to do."""
        if self._ports:
            raise NodeUnavailable("the node is started already")
        try:
            addresses = advertised_addresses(self.settings, self._own_addresses())
        except ValueError as error:
            raise NodeUnavailable(f"a media address in the settings is wrong: {error}") from error
        folder = self._runtime_folder()
        opened: list[Port] = []
        try:
            for index in range(self.settings.pumps):
                plain_path = str(folder / f"pump-{index}.sock")
                pump = self._pump_factory(self.settings, index, plain_path)
                port = Port(
                    pump,
                    addresses=addresses,
                    clock=self._clock,
                    plain_path=plain_path,
                    transports_per_source=self.settings.limits.transports_per_source,
                    on_due=self._hurry,
                )
                opened.append(port)
                port.start()
        except Exception:  # whichever port it was: those that are open hold sockets
            for port in opened:
                await port.stop()
            self._remove_folder()
            raise
        self._ports = opened
        self._hurry(self._clock())
        self._tell_addresses()
        if follows_the_machine(self.settings):
            self._following = asyncio.create_task(self._follow(), name="media-addresses")

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look_at_addresses()
            except OSError as error:  # the machine's interfaces could not be read just now
                log.warning("the machine's addresses cannot be read: %s", error)

    async def look_at_addresses(self) -> None:
        """Tell peers from now on what this machine has now, if that is something else."""
        own = await asyncio.to_thread(self._own_addresses)
        addresses = advertised_addresses(self.settings, own)
        # Without any (an interface between two states) the last known are the best guess.
        if not addresses or not self._ports or addresses == self._ports[0].addresses:
            return
        for port in self._ports:
            port.take_addresses(addresses)
        self._tell_addresses()

    def _tell_addresses(self) -> None:
        log.info("media on UDP %s", ", ".join(f"{h} port {p}" for h, p in self.candidates))
        if self.tcp_candidates:
            tcp = ", ".join(f"{h} port {p}" for h, p in self.tcp_candidates)
            log.info("where UDP is blocked on TCP %s", tcp)
        if follows_the_machine(self.settings) and for_this_machine_alone(
            host for host, _ in self.candidates
        ):
            log.warning(
                "this machine has no address on a network: no room elsewhere can send or receive. "
                "As soon as it has one, rooms are told"
            )

    async def close(self) -> None:
        """End every lesson, every connection and every pump; closing twice is fine."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        for lesson_id in list(self._lessons):
            await self.close_lesson(lesson_id)
        ports, self._ports = self._ports, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for port in ports:
            await port.stop()
        self._remove_folder()

    @property
    def candidates(self) -> tuple[tuple[str, int], ...]:
        """(address, UDP port) of everything peers are told."""
        return tuple(candidate for port in self._ports for candidate in port.candidates)

    @property
    def tcp_candidates(self) -> tuple[tuple[str, int], ...]:
        """(address, TCP port) of what peers are told for networks that block UDP."""
        return tuple(candidate for port in self._ports for candidate in port.tcp_candidates)

    def line_probe(self) -> LineProbe:
        """By which somebody learns whether media would reach this node: its first port stands for
        all. Raises `NodeUnavailable` before the node is started."""
        if not self._ports:
            raise NodeUnavailable("the node is not started")
        port = self._ports[0]
        credentials = port.ice.probes.credentials
        return LineProbe(
            ufrag=credentials.ufrag,
            password=credentials.password,
            udp=port.candidates,
            tcp=port.tcp_candidates,
        )

    @property
    def ready(self) -> bool:
        """Whether the node takes lessons."""
        return bool(self._ports)

    @property
    def full(self) -> bool:
        """Whether another lesson would be refused."""
        return len(self._lessons) >= self.settings.limits.lessons

    def _runtime_folder(self) -> Path:
        if self.settings.runtime_folder:
            folder = Path(self.settings.runtime_folder)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise NodeUnavailable(f"cannot use the folder {folder}: {error}") from error
            return folder
        try:
            self._own_folder = RuntimeFolder()
        except OSError as error:
            raise NodeUnavailable(f"cannot make a temporary folder: {error}") from error
        return self._own_folder.path

    def _remove_folder(self) -> None:
        if self._own_folder is not None:
            self._own_folder.close()
            self._own_folder = None

    # Lessons

    async def open_lesson(self, lesson_id: str, listener: Callable[[MediaEvent], None]) -> None:
        """Make room for a lesson; `listener` hears its events. Raises `LessonOpen`, `NodeFull`."""
        if not self._ports:
            raise NodeUnavailable("the node is not started")
        if lesson_id in self._lessons:
            raise LessonOpen(f"lesson {lesson_id!r} is open already")
        if self.full:
            raise NodeFull(f"this node takes {self.settings.limits.lessons} lessons")
        port = min(self._ports, key=lambda known: known.lessons)
        port.lessons += 1
        lesson = LessonMedia(lesson_id, port, self._certificate, self.settings.limits, listener)
        self._lessons[lesson_id] = lesson
        self._hurry(lesson.control.due_at)

    async def close_lesson(self, lesson_id: str) -> None:
        """End a lesson's media; fine when it is not open."""
        lesson = self._lessons.pop(lesson_id, None)
        if lesson is not None:
            await lesson.close()
            lesson.port.lessons -= 1

    def _lesson(self, lesson_id: str) -> LessonMedia:
        lesson = self._lessons.get(lesson_id)
        if lesson is None:
            raise LessonUnknown(f"lesson {lesson_id!r} is not open on this node")
        return lesson

    def _members(self, lesson_id: str) -> Members:
        return self._lesson(lesson_id).members

    # Devices

    async def publish(
        self,
        lesson_id: str,
        device_id: str,
        offer_sdp: str,
        sources: Mapping[str, SourceOffer],
    ) -> PublishAnswer:
        """Answer a device's publish offer; `sources` names its sending m-lines by mid.

        The same call renegotiates, restarts ICE, and takes over from a device's earlier
        connection. Raises `LessonUnknown`, `NodeFull`, `SdpRefused`; then nothing has changed.
        """
        return await self._members(lesson_id).publish(device_id, offer_sdp, sources)

    async def unpublish(self, lesson_id: str, producer_id: str) -> None:
        """Stop one producer; fine when it is gone already."""
        self._members(lesson_id).unpublish(producer_id)

    async def subscribe(
        self, lesson_id: str, device_id: str, wants: Sequence[Want], *, restart: bool = False
    ) -> SubscribeOffer | None:
        """Take all that a device wants now; what is not named is stopped.

        Returns an offer when its m-lines must change, None when only layers do; wait for its
        answer before the next call (an offer replaces the one that is out). Wants for producers
        that are gone are passed over. `restart` offers with fresh ICE credentials, whatever the
        wants.
        """
        return await self._members(lesson_id).subscribe(device_id, wants, restart=restart)

    async def subscribe_answer(self, lesson_id: str, device_id: str, sdp: str) -> None:
        """Take the answer to the last offer.

        Raises `AnswerUnexpected`, `DeviceUnknown`, `SdpRefused`; after the last one the offer
        still waits for a better answer.
        """
        self._members(lesson_id).subscribe_answer(device_id, sdp)

    async def subscribe_offered(
        self, lesson_id: str, device_id: str, offer_sdp: str, wants: Sequence[Want]
    ) -> str:
        """Answer a player's offer (WHEP) with the wanted streams on its m-lines, in order."""
        return await self._members(lesson_id).subscribe_offered(device_id, offer_sdp, wants)

    async def close_device(self, lesson_id: str, device_id: str) -> None:
        """End both connections of a device, and its feeds; fine when it has none."""
        await self._members(lesson_id).close_device(device_id)

    def set_producer_paused(self, lesson_id: str, producer_id: str, paused: bool) -> None:
        """Stop or resume forwarding a producer, at once. Raises `ProducerUnknown`."""
        self._lesson(lesson_id).set_producer_paused(producer_id, paused)

    async def tap(
        self,
        lesson_id: str,
        producer_id: str,
        socket_path: str,
        want: TapWant = None,
        *,
        from_past: bool = False,
    ) -> TapInfo:
        """Send a producer as plain RTP to a Unix datagram socket that is already bound.

        A picture comes in the layer for the size of `want`, and its sender is told that so many
        layers are needed; for None it comes at its best, and all of them are; `LayerBeside` needs
        none. With `from_past` it begins with the last keyframe that came, if what followed is kept:
        for who records, a source that answers no request would begin much later.
        Raises `ProducerUnknown`, `TapRefused`.
        """
        return self._members(lesson_id).tap(producer_id, socket_path, want, from_past=from_past)

    def set_tap_want(self, lesson_id: str, tap_id: str, want: TapWant) -> None:
        """A tap's picture is shown in another size from now on; fine when the tap is gone."""
        self._members(lesson_id).set_tap_want(tap_id, want)

    async def feed(
        self, lesson_id: str, device_id: str, socket_path: str, offer: FeedOffer
    ) -> FeedInfo:
        """Publish what a process of this machine sends from its socket at `socket_path`.

        It is a producer like any other, of a `device_id` that the caller makes up; `unpublish`
        ends it. Raises `FeedRefused`, `NodeFull`.
        """
        return self._members(lesson_id).feed(device_id, socket_path, offer)

    async def untap(self, lesson_id: str, tap_id: str) -> None:
        """Stop a tap; fine when it is gone already."""
        self._members(lesson_id).untap(tap_id)

    # What can be seen

    @property
    def lesson_ids(self) -> tuple[str, ...]:
        """The lessons that are open."""
        return tuple(self._lessons)

    def lesson_stats(self, lesson_id: str) -> LessonStats:
        """Everything measured in a lesson, as JSON takes it. Raises `LessonUnknown`."""
        return lesson_stats(self._lesson(lesson_id), self._clock())

    def node_stats(self) -> NodeStats:
        """The node's counters, as JSON takes them."""
        return node_stats(
            self._ports,
            lessons=len(self._lessons),
            lessons_admitted=self.settings.limits.lessons,
            ticks=self._ticks,
        )

    # Time

    def _hurry(self, at: float) -> None:
        """Something is due at this time, be it sooner than what was known."""
        if not self._ports or (self._timer is not None and at >= self._due_at):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._due_at = at
        self._timer = loop.call_at(loop.time() + max(0.0, at - self._clock()), self._tick)

    def _tick(self) -> None:
        due_at, began_at = self._due_at, self._clock()
        self._timer = None
        try:
            self.handle_timer(began_at)
        finally:
            self._ticks.add(due_at=due_at, began_at=began_at, ended_at=self._clock())
            due_at = min([self._ice_at, *(one.control.due_at for one in self._lessons.values())])
            self._hurry(max(due_at, next_beat(began_at, LOOK_S)))

    def handle_timer(self, now: float) -> None:
        """What is due of all ports and lessons; a fault in one lesson stays in it."""
        levels: dict[ProducerOwner, list[tuple[Producer, int]]] = {}
        for port in self._ports:
            port.ask_due_keyframes()
            levels |= port.take_levels()
        for lesson in list(self._lessons.values()):
            try:
                lesson.control.handle_levels(levels.get(lesson, ()), now)
                lesson.control.handle_timer(now)
            except Exception:  # the other lessons have their tick
                log.exception("the tick of lesson %s failed", lesson.lesson_id)
        if now >= self._ice_at:
            self._ice_at = next_beat(now, ICE_TIMER_S)
            for port in self._ports:
                port.handle_timer(now)
