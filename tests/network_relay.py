"""A bad network on one machine: a seeded UDP relay that stands as the advertised candidate.

Clients send to the relay's port, the relay sends on to the server from a socket of its own per
client, and back. On the way each direction loses, delays, reorders and throttles as its
`LinkConditions` say; `cut` drops everything for a while; `rebind` makes every client appear to the
server under a new port, as a NAT does that has forgotten it.

    async with NetworkRelay(server=("127.0.0.1", node_port), seed=1) as relay:
        answer = relay.reroute(answer)          # candidates now name the relay
        relay.down = LinkConditions(loss=0.05, delay_s=0.05)
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class LinkConditions:
    """One direction of a line.

    `loss` is a fraction; with `burst_packets` > 1 losses come in runs of that mean length
    (Gilbert's model), the fraction being the same. `jitter_s` is added uniformly and keeps the
    order unless `reorder` (a fraction of packets) lets some pass. `rate_bps` is a bottleneck whose
    queue holds `queue_s` seconds.
    """

    loss: float = 0.0
    burst_packets: float = 1.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    reorder: float = 0.0
    rate_bps: int = 0
    queue_s: float = 0.3


@dataclass(slots=True)
class Line:
    """One direction's state; sans-IO. `carry` says when a packet arrives, or that it never does."""

    rng: random.Random
    losing: bool = False
    free_at: float = 0.0
    last_arrival: float = 0.0
    carried: int = 0
    lost: int = 0

    def carry(self, conditions: LinkConditions, size_bytes: int, now: float) -> float | None:
        """The time of arrival of a packet sent now, None when it is lost."""
        if self._is_lost(conditions):
            self.lost += 1
            return None
        leaves = now
        if conditions.rate_bps:
            start = max(now, self.free_at)
            if start - now > conditions.queue_s:
                self.lost += 1
                return None
            self.free_at = leaves = start + 8 * size_bytes / conditions.rate_bps
        arrival = leaves + conditions.delay_s + self.rng.uniform(0, conditions.jitter_s)
        if self.rng.random() >= conditions.reorder:
            arrival = max(arrival, self.last_arrival)
            self.last_arrival = arrival
        self.carried += 1
        return arrival

    def _is_lost(self, conditions: LinkConditions) -> bool:
        if conditions.burst_packets <= 1 or not 0 < conditions.loss < 1:
            return self.rng.random() < conditions.loss
        # Two states; the stationary share of the losing one is `loss`.
        leave = 1 / conditions.burst_packets
        enter = leave * conditions.loss / (1 - conditions.loss)
        self.losing = self.rng.random() < (1 - leave if self.losing else enter)
        return self.losing


@dataclass(slots=True)
class _Client:
    address: Address
    back: asyncio.DatagramTransport
    up: Line
    down: Line


@dataclass(slots=True)
class _Socket(asyncio.DatagramProtocol):
    received: Callable[[bytes, Address], None]

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self.received(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """The other side is gone for now: as on a real network, nobody is told."""


@dataclass(slots=True)
class NetworkRelay:
    """Stands between clients and `server`; both directions may be changed at any time."""

    server: Address
    seed: int = 0
    host: str = "127.0.0.1"
    up: LinkConditions = field(default_factory=LinkConditions)
    down: LinkConditions = field(default_factory=LinkConditions)
    cut: bool = False
    port: int = 0
    _front: asyncio.DatagramTransport | None = None
    _clients: dict[Address, _Client] = field(default_factory=dict)
    _opening: set[Address] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _timers: set[asyncio.TimerHandle] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(
            lambda: _Socket(self._from_client), local_addr=(self.host, self.port)
        )
        self.port = self._front.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        for client in self._clients.values():
            client.back.close()
        if self._front is not None:
            self._front.close()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn

    def reroute(self, sdp: str) -> str:
        """A server's description with the candidates of each section replaced by this relay."""
        kept: list[str] = []
        for line in sdp.split("\r\n"):
            if not line.startswith("a=candidate:"):
                kept.append(line)
            elif not kept[-1].startswith("a=candidate:"):
                here = f" {self.host} {self.port} typ host"
                kept.append(re.sub(r" \S+ \d+ typ host.*", here, line))
        return "\r\n".join(kept)

    @property
    def lost(self) -> tuple[int, int]:
        """Packets lost so far, up and down."""
        clients = self._clients.values()
        return sum(c.up.lost for c in clients), sum(c.down.lost for c in clients)

    @property
    def carried(self) -> tuple[int, int]:
        """Packets carried so far, up and down."""
        clients = self._clients.values()
        return sum(c.up.carried for c in clients), sum(c.down.carried for c in clients)

    async def rebind(self) -> None:
        """Give every client a new port towards the server."""
        for client in self._clients.values():
            old, client.back = client.back, await self._open_back(client.address)
            old.close()

    async def _open_back(self, client: Address) -> asyncio.DatagramTransport:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Socket(lambda data, _: self._from_server(client, data)),
            remote_addr=self.server,
        )
        return transport

    async def _add_client(self, address: Address, first: bytes) -> None:
        back = await self._open_back(address)
        number = len(self._clients)
        self._clients[address] = _Client(
            address,
            back,
            Line(random.Random(f"{self.seed}/{number}/up")),
            Line(random.Random(f"{self.seed}/{number}/down")),
        )
        self._opening.discard(address)
        self._from_client(first, address)

    def _from_client(self, data: bytes, address: Address) -> None:
        client = self._clients.get(address)
        if client is not None:
            self._carry(client.up, self.up, len(data), lambda: client.back.sendto(data))
        elif address not in self._opening:
            self._opening.add(address)
            task = asyncio.get_running_loop().create_task(self._add_client(address, data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _from_server(self, address: Address, data: bytes) -> None:
        client, front = self._clients.get(address), self._front
        if client is not None and front is not None:
            self._carry(
                client.down, self.down, len(data), lambda: front.sendto(data, client.address)
            )

    def _carry(
        self, line: Line, conditions: LinkConditions, size: int, deliver: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        arrival = None if self.cut else line.carry(conditions, size, now)
        if arrival is None:
            return
        if arrival <= now:
            deliver()
            return
        handle: asyncio.TimerHandle

        def due() -> None:
            self._timers.discard(handle)
            deliver()

        handle = loop.call_at(arrival, due)
        self._timers.add(handle)
