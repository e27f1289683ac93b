"""One UDP port: its pump, its ICE agent, and the way of every event to whom it concerns.

Owns: starting and stopping the pump, draining its events into connections, producers and
consumers, carrying out what the ICE agent decides.

Leaves to others: the transports themselves (`peer_connection.py`), lessons, and time: `on_due`
hears when the port or one of its lessons wants to be looked at.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol

from mixer import pump as pumps
from mixer.errors import NodeUnavailable
from mixer.forward.keyframes import KeyframeRequests
from mixer.node.streams import Consumer, Producer
from mixer.pump import Pump
from mixer.transport.crowd import Crowd
from mixer.transport.ice import (
    SESSIONS_PER_SOURCE,
    Address,
    Answer,
    IceAgent,
    IceOutput,
    IceState,
    RemoteChanged,
)
from mixer.transport.m_lines import SsrcSource

log = logging.getLogger(__name__)

# Events handled in one turn of the loop; the rest waits so that other work gets its turn too.
EVENTS_PER_TURN = 256
FIRST_DTLS_BYTE, LAST_DTLS_BYTE = 20, 63  # RFC 7983 §7
LAST_STUN_BYTE = 3
# A browser opens a connection to each at once, whether it comes to need them or not.
MAX_TCP_ADDRESSES = 4


class Transport(Protocol):
    """What a port needs of a connection."""

    @property
    def connecting(self) -> bool:
        """Whether its handshake is still to come."""
        ...

    def last_heard(self) -> float:
        """When the pump last received media of the peer (the port's clock)."""
        ...

    def ice_changed(self, state: IceState) -> None: ...
    def remote_changed(self, address: Address | None, local: str) -> None: ...
    def handle_dtls(self, data: bytes) -> None: ...
    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None: ...
    def handle_line(self) -> None: ...
    def handle_new_ssrc(
        self, ssrc: int, payload_type: int, mid: str, rid: str, repaired_rid: str
    ) -> None: ...


class RtcpReader(Protocol):
    """A local peer, as far as a port needs it."""

    def handle_rtcp(self, data: bytes, arrival_ns: int) -> None: ...


class ProducerOwner(Protocol):
    """Who is told about a producer of the pump."""

    def first_packet(self, producer: Producer) -> None: ...
    def ask_keyframe(self, producer: Producer, slot: int) -> None: ...
    def look_for_keyframes(self, producer: Producer) -> None: ...
    def send_keyframe_request(self, producer: Producer, slot: int) -> None: ...
    def listen(self) -> None: ...


@dataclass(slots=True)
class PortCounters:
    """What was dropped above the pump."""

    dtls_from_strangers: int = 0
    unknown_datagrams: int = 0
    orphan_events: int = 0
    ssrcs_not_named: int = 0  # a sender changes them oftener than anything honest


class Port:
    """One pump and everything addressed to it. Use from one event loop only."""

    def __init__(
        self,
        pump: Pump,
        *,
        addresses: tuple[str, ...],
        clock: Callable[[], float] = time.monotonic,
        plain_path: str = "",
        transports_per_source: int = SESSIONS_PER_SOURCE,
        on_due: Callable[[float], None] = lambda at: None,
    ) -> None:
        self.pump = pump
        self.hurry = on_due
        self.plain_path = plain_path
        self.clock = clock
        self._crowd = Crowd(most=transports_per_source, unbounded=addresses)
        self.ice = IceAgent(crowd=self._crowd)
        self.addresses = addresses
        self.ssrcs = SsrcSource(random.getrandbits(32))
        self.keyframes: KeyframeRequests[tuple[int, int]] = KeyframeRequests()
        self.counters = PortCounters()
        self.lessons = 0
        self._by_ice: dict[int, Transport] = {}
        self._by_transport: dict[int, Transport] = {}
        self._local: dict[int, RtcpReader] = {}
        self._producers: dict[int, tuple[Producer, ProducerOwner]] = {}
        self._consumers: dict[int, Consumer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def take_addresses(self, addresses: tuple[str, ...]) -> None:
        """Peers are told these from now on; who is connected stays so."""
        self.addresses = addresses
        self._crowd.unbound(addresses)

    @property
    def candidates(self) -> tuple[tuple[str, int], ...]:
        """(host, port) for every address peers are told."""
        return tuple((host, self.pump.port) for host in self.addresses)

    @property
    def tcp_candidates(self) -> tuple[tuple[str, int], ...]:
        """(host, port) for the addresses peers may try by TCP; none without a TCP port."""
        if not self.pump.tcp_port:
            return ()
        return tuple((host, self.pump.tcp_port) for host in self.addresses[:MAX_TCP_ADDRESSES])

    def start(self) -> None:
        """Start the pump's thread and listen to its events."""
        self._loop = asyncio.get_running_loop()
        self.pump.start()
        self._loop.add_reader(self.pump.event_fd, self.drain)

    async def stop(self) -> None:
        """Wait for what still closes, then end the pump's thread and give the port back."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._loop is not None:
            self._loop.remove_reader(self.pump.event_fd)
            self._loop = None
            self.pump.stop()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something that the port waits for before it stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a transport's task failed", exc_info=error)

    # Who is where

    def attach(self, transport: Transport, *, ice: int, pump_id: int) -> None:
        """Events of this ICE session and pump transport go to `transport`."""
        self._by_ice[ice] = transport
        self._by_transport[pump_id] = transport

    def detach(self, *, ice: int, pump_id: int) -> None:
        """They go nowhere from now on."""
        self._by_ice.pop(ice, None)
        self._by_transport.pop(pump_id, None)

    def attach_local(self, pump_id: int, reader: RtcpReader) -> None:
        """A local peer (a tap) may send RTCP."""
        self._local[pump_id] = reader

    def detach_local(self, pump_id: int) -> None:
        """The local peer is gone."""
        self._local.pop(pump_id, None)

    def add_producer(self, producer: Producer, owner: ProducerOwner) -> None:
        self._producers[producer.pump_id] = (producer, owner)

    def remove_producer(self, producer: Producer) -> None:
        """Out of the pump too."""
        if self._producers.pop(producer.pump_id, None) is not None:
            for encoding in producer.every:
                self.keyframes.remove((producer.pump_id, encoding.slot))
            self.pump.remove_producer(producer.pump_id)

    def add_consumer(self, consumer: Consumer) -> None:
        self._consumers[consumer.pump_id] = consumer

    def remove_consumer(self, consumer: Consumer) -> None:
        """Out of the pump too."""
        if self._consumers.pop(consumer.pump_id, None) is not None:
            self.pump.remove_consumer(consumer.pump_id)

    def pending(self) -> int:
        """How many transports have not finished their handshake."""
        return sum(transport.connecting for transport in self._by_ice.values())

    def take_levels(self) -> dict[ProducerOwner, list[tuple[Producer, int]]]:
        """The loudest level of each producer since the last call, by lesson (−dBov, RFC 6464)."""
        levels: dict[ProducerOwner, list[tuple[Producer, int]]] = {}
        for pump_id, level in self.pump.audio_levels():
            producer, owner = self._producers.get(pump_id, (None, None))
            if producer is not None and owner is not None:
                levels.setdefault(owner, []).append((producer, level))
        return levels

    def ask_due_keyframes(self) -> None:
        """Pass on the keyframe requests whose time has come, but for those that were answered."""
        if self.keyframes.next_time() is None:
            return
        now = self.clock()
        for pump_id in {pump_id for pump_id, _ in self.keyframes.due(now)}:
            producer, owner = self._producers.get(pump_id, (None, None))
            if producer is not None and owner is not None:
                owner.look_for_keyframes(producer)
        for pump_id, slot in self.keyframes.poll(now):
            producer, owner = self._producers.get(pump_id, (None, None))
            if producer is not None and owner is not None:
                owner.send_keyframe_request(producer, slot)
        if (again_at := self.keyframes.next_time()) is not None:
            self.hurry(again_at)

    # Events

    def drain(self) -> None:
        """Handle what the pump has to say, up to `EVENTS_PER_TURN`."""
        for event in self.pump.drain(EVENTS_PER_TURN):
            if event[0] == pumps.DATAGRAM:
                self._datagram(event[2], event[3], event[5])
            elif event[0] == pumps.RTCP:
                reader = self._by_transport.get(event[1]) or self._local.get(event[1])
                if reader is not None:
                    reader.handle_rtcp(event[2], event[3])
            elif event[0] == pumps.NEW_SSRC:
                transport = self._by_transport.get(event[1])
                if transport is not None:
                    transport.handle_new_ssrc(*event[2:])
            elif event[0] == pumps.LINE:
                transport = self._by_transport.get(event[1])
                if transport is not None:
                    transport.handle_line()
            elif event[0] == pumps.LAYER_SWITCHED:
                self._layer_switched(event[1], event[2])
            elif event[0] == pumps.VOICE:
                _, owner = self._producers.get(event[1], (None, None))
                if owner is not None:
                    owner.listen()
            else:
                self._producer_event(event[0], event[1], event[2])

    def _producer_event(self, kind: int, pump_id: int, slot: int) -> None:
        producer, owner = self._producers.get(pump_id, (None, None))
        if producer is None or owner is None:
            self.counters.orphan_events += 1
        elif kind == pumps.KEYFRAME_NEEDED:
            owner.ask_keyframe(producer, slot)
        else:
            owner.first_packet(producer)

    def _layer_switched(self, pump_id: int, slot: int) -> None:
        consumer = self._consumers.get(pump_id)
        if consumer is None:
            self.counters.orphan_events += 1
        else:
            self.keyframes.keyframe_arrived((consumer.producer.pump_id, slot))

    def _datagram(self, address: Address, data: bytes, local: str) -> None:
        first = data[0] if data else LAST_DTLS_BYTE + 1
        if first <= LAST_STUN_BYTE:
            self.carry_out(self.ice.handle_datagram(address, data, self.clock(), local))
        elif FIRST_DTLS_BYTE <= first <= LAST_DTLS_BYTE:
            session = self.ice.session_of(address)
            if session is None:
                self.counters.dtls_from_strangers += 1
            else:
                self._by_ice[session].handle_dtls(data)
        else:
            self.counters.unknown_datagrams += 1

    def carry_out(self, outputs: list[IceOutput]) -> None:
        """Do what the ICE agent decided."""
        for output in outputs:
            if isinstance(output, Answer):
                self.pump.send_datagram(output.address, output.data, output.local)
            elif isinstance(output, RemoteChanged):
                self._by_ice[output.session].remote_changed(output.address, output.local)
            else:
                self._by_ice[output.session].ice_changed(output.state)

    def handle_timer(self, now: float) -> None:
        """About once a second: silence and consent of every transport."""
        for session in self.ice.unheard(now):
            heard_at = self._by_ice[session].last_heard()
            self.carry_out(self.ice.handle_activity(session, heard_at, now))
        self.carry_out(self.ice.handle_timer(now))


def open_pump(*, host: str, port: int, tcp_port: int | None, plain_path: str) -> Pump:
    """A pump on these ports; raises `NodeUnavailable` saying what to do."""
    try:
        return Pump(host=host, port=port, tcp_port=tcp_port, plain_path=plain_path)
    except OSError as error:
        tcp = "" if tcp_port is None else f" and TCP port {tcp_port or port}"
        raise NodeUnavailable(
            f"cannot listen on {host} UDP port {port}{tcp}: {error.strerror or error}. "
            "Is another server running? Choose other media ports in the settings."
        ) from error
