"""The relay's line model, in virtual time, and its sockets once."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import cast

import pytest

from tests.network_relay import Line, LinkConditions, NetworkRelay


def lost_share(conditions: LinkConditions, packets: int = 20_000) -> float:
    line = Line(random.Random(1))
    arrivals = [line.carry(conditions, 1200, number * 0.001) for number in range(packets)]
    return arrivals.count(None) / packets


@pytest.mark.parametrize("burst", [1.0, 5.0])
def test_loss_is_what_was_asked(burst: float) -> None:
    assert lost_share(LinkConditions(loss=0.1, burst_packets=burst)) == pytest.approx(0.1, abs=0.02)


def test_burst_loss_comes_in_runs() -> None:
    line = Line(random.Random(1))
    conditions = LinkConditions(loss=0.1, burst_packets=5)
    lost = [line.carry(conditions, 100, 0.0) is None for _ in range(20_000)]
    runs = sum(now and not before for before, now in itertools.pairwise(lost))
    assert sum(lost) / runs == pytest.approx(5, rel=0.2)


def test_bottleneck_delays_then_drops() -> None:
    line = Line(random.Random(1))
    slow = LinkConditions(rate_bps=96_000, queue_s=0.5)
    arrivals = [line.carry(slow, 1200, 0.0) for _ in range(10)]
    assert arrivals[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert arrivals.count(None) == 4


def test_jitter_keeps_the_order_unless_reordering() -> None:
    line = Line(random.Random(1))
    steady = [line.carry(LinkConditions(jitter_s=0.1), 10, 0.001 * n) or 0 for n in range(500)]
    assert steady == sorted(steady)
    mixed = [
        line.carry(LinkConditions(jitter_s=0.1, reorder=0.2), 10, 1 + 0.001 * n) or 0
        for n in range(500)
    ]
    assert mixed != sorted(mixed)


class Echo(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.sources: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        self.sources.append(addr)
        self.transport.sendto(data, addr)


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait(data)


async def test_sockets_both_ways_and_rebinding() -> None:
    loop = asyncio.get_running_loop()
    server, echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    address = server.get_extra_info("sockname")
    async with NetworkRelay(server=address) as relay:
        there, client = await loop.create_datagram_endpoint(
            Client, remote_addr=("127.0.0.1", relay.port)
        )
        for _ in range(2):
            there.sendto(b"hello")
            assert await asyncio.wait_for(client.received.get(), 5) == b"hello"
            await relay.rebind()
        assert len(set(echo.sources)) == 2
        there.close()
    server.close()
    await asyncio.sleep(0)


def test_reroute_leaves_one_candidate() -> None:
    relay = NetworkRelay(server=("127.0.0.1", 1), port=777)
    sdp = (
        "v=0\r\na=candidate:1 1 udp 5 10.0.0.1 7881 typ host\r\n"
        "a=candidate:2 1 udp 4 ::1 7881 typ host\r\na=end-of-candidates\r\n"
    )
    assert relay.reroute(sdp) == (
        "v=0\r\na=candidate:1 1 udp 5 127.0.0.1 777 typ host\r\na=end-of-candidates\r\n"
    )
