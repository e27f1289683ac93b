"""What the pump shows of itself: how long packets stay in it, what comes at once, what waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixer.pump import CODEC_OPUS, Pump
from tests.unit.pump.rig import Rig
from tests.unit.pump.test_sockets import Client, attach, clients, join, speech, wait_for_stat

__all__ = ["clients"]  # a fixture

# The order of `native/measures.h`.
NAMES = ("added_delay_ns", "round_ns", "batch_datagrams", "flush_datagrams")


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Pump]:
    """A pump that was never started: what is measured is what we say."""
    pump = Pump(plain_path=str(tmp_path / "pump"))
    yield pump
    pump.stop()


@pytest.mark.parametrize("measure", range(len(NAMES)))
def test_a_value_goes_into_the_first_bucket_that_holds_it(idle: Pump, measure: int) -> None:
    bounds, counts, total = idle.pump_measures()[NAMES[measure]]
    assert list(bounds) == sorted(set(bounds))
    assert (sum(counts), total) == (0, 0)
    assert len(counts) == len(bounds) + 1
    for times, bound in enumerate(bounds, start=1):
        idle._measure(measure, bound, times)  # a bound belongs to its bucket
    idle._measure(measure, bounds[-1] + 1, 100)  # above all bounds
    idle._measure(measure, 0, 1000)
    _, counts, total = idle.pump_measures()[NAMES[measure]]
    expected = [*range(1, len(bounds) + 1), 100]
    expected[0] += 1000
    assert list(counts) == expected
    weighted = sum(times * bound for times, bound in enumerate(bounds, start=1))
    assert total == weighted + 100 * (bounds[-1] + 1)


def test_measures_have_their_names(idle: Pump) -> None:
    assert tuple(idle.pump_measures()) == NAMES


def test_every_forwarded_packet_is_measured_once(idle: Pump, clients: list[Client]) -> None:
    clients += [Client("127.0.0.1", idle.port) for _ in range(3)]
    sender, *readers = (attach(idle, client) for client in clients)
    join(idle, sender, *readers)
    began = time.monotonic_ns()
    for sequence in range(50):
        clients[0].send(speech(sequence))
    idle.start()  # all of them wait in the socket: they come as a batch
    wait_for_stat(idle, "forwarded_packets", 100)
    wait_for_stat(idle, "sent_datagrams", 100)
    took_ns = time.monotonic_ns() - began
    measures = idle.pump_measures()
    delays, batches, flushes = (
        measures[name] for name in ("added_delay_ns", "batch_datagrams", "flush_datagrams")
    )
    assert sum(delays[1]) == 100
    assert 0 < delays[2] <= 100 * took_ns
    assert batches[2] == idle.pump_stats()["received_datagrams"] == 50
    assert flushes[2] == idle.pump_stats()["sent_datagrams"] == 100
    wait_for_stat(idle, "wakes", 1)
    rounds = idle.pump_measures()["round_ns"]
    assert sum(rounds[1]) >= 1
    assert rounds[2] <= idle.pump_stats()["busy_ns"]


def test_gauges_go_up_and_down(rig: Rig) -> None:
    def gauges(*names: str) -> list[int]:
        now = rig.pump.pump_gauges()
        return [now[name] for name in names]

    streams = ("transports", "producers", "consumers")
    assert gauges(*streams) == [0, 0, 0]
    sender, reader = rig.pump.add_transport(), rig.pump.add_transport()
    producer = rig.pump.add_producer(sender, codec=CODEC_OPUS, clock_rate=48_000, nack=False)
    rig.pump.add_consumer(producer, reader, ssrc=5, payload_type=100)
    assert gauges(*streams) == [2, 1, 1]
    rig.pump.remove_transport(sender)
    assert gauges(*streams) == [1, 0, 0]


def test_events_that_wait_are_seen(rig: Rig) -> None:
    stun = bytes([0, 1, 0, 0]) + b"\x21\x12\xa4\x42" + bytes(12)
    rig.feed(("192.0.2.9", 4000), stun)
    waiting = rig.pump.pump_gauges()
    assert waiting["events_waiting"] == 1
    assert waiting["event_ring_bytes"] >= len(stun)
    rig.pump.drain()
    after = rig.pump.pump_gauges()
    assert (after["events_waiting"], after["event_ring_bytes"]) == (0, 0)
