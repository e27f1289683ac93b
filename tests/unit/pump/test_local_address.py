"""A host with several addresses: what answers a peer leaves from the address the peer spoke to."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mixer.pump import DATAGRAM, Pump
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import ReceiverReport, serialize_compound
from tests.unit.pump.test_sockets import DEADLINE_S, Client, join, speech, wait_for

# Loopback is all of 127.0.0.0/8; to a peer at 127.0.0.1 the kernel by itself answers from there.
FAR = "127.0.0.2"
WILDCARDS = ("::", "0.0.0.0")


@pytest.fixture(params=WILDCARDS)
def pump(request: pytest.FixtureRequest) -> Iterator[Pump]:
    pump = Pump(host=request.param)
    pump.start()
    yield pump
    pump.stop()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for client in made:
        client.socket.close()


def caller(pump: Pump, clients: list[Client], host: str, target: str) -> Client:
    """A peer at `host` that speaks to `target`, and hears only what comes from there."""
    client = Client(host, pump.port)
    client.target = (target, pump.port)
    client.socket.connect(client.target)
    clients.append(client)
    return client


def knock(pump: Pump, client: Client) -> tuple[tuple[str, int], str]:
    client.socket.send(b"\x00\x01knock")
    event = wait_for(pump, DATAGRAM)
    assert event[0] == DATAGRAM
    return event[2], event[5]


@pytest.mark.parametrize("target", ["127.0.0.1", FAR])
def test_an_answer_leaves_from_the_address_it_was_asked_at(
    pump: Pump, clients: list[Client], target: str
) -> None:
    client = caller(pump, clients, "127.0.0.1", target)
    address, local = knock(pump, client)
    assert local == target
    assert pump.send_datagram(address, b"\x01\x01answer", local)
    assert client.socket.recv(100) == b"\x01\x01answer"


def test_an_answer_over_ipv6(clients: list[Client]) -> None:
    pump = Pump()
    pump.start()
    try:
        client = caller(pump, clients, "::1", "::1")
        address, local = knock(pump, client)
        assert (address[0], local) == ("::1", "::1")
        assert pump.send_datagram(address, b"\x01\x01answer", local)
        assert client.socket.recv(100) == b"\x01\x01answer"
    finally:
        pump.stop()


def test_left_to_the_kernel_the_answer_comes_from_elsewhere(
    pump: Pump, clients: list[Client]
) -> None:
    """Why all this is needed: the peer never sees it."""
    client = caller(pump, clients, "127.0.0.1", FAR)
    address, local = knock(pump, client)
    assert pump.send_datagram(address, b"lost")
    assert pump.send_datagram(address, b"found", local)
    assert client.socket.recv(100) == b"found"


def test_media_and_rtcp_follow_the_peer_to_another_of_our_addresses(
    pump: Pump, clients: list[Client]
) -> None:
    publisher, reader = (caller(pump, clients, "127.0.0.1", "127.0.0.1") for _ in range(2))
    ids = []
    for client in (publisher, reader):
        ids.append(pump.add_transport())
        client.peer.attach(pump, ids[-1])
    join(pump, *ids)
    for sequence, target in enumerate((FAR, "127.0.0.1", FAR)):
        reader.socket.connect((target, pump.port))
        address, local = knock(pump, reader)
        pump.set_remote(ids[1], address, local)
        publisher.socket.send(publisher.peer.protect(speech(sequence)))
        assert RtpPacket.parse(reader.receive()).payload == b"speech"
        report = serialize_compound([ReceiverReport(7)])
        assert pump.send_rtcp(ids[1], report)
        assert reader.receive() == report


@pytest.mark.parametrize("sizes", [[200] * 40, list(range(20, 60))], ids=["segmented", "single"])
def test_bursts_leave_from_there_too(pump: Pump, clients: list[Client], sizes: list[int]) -> None:
    publisher, reader = (caller(pump, clients, "127.0.0.1", FAR) for _ in range(2))
    ids = []
    for client in (publisher, reader):
        ids.append(pump.add_transport())
        client.peer.attach(pump, ids[-1])
        address, local = knock(pump, client)
        pump.set_remote(ids[-1], address, local)
    join(pump, *ids)
    for round_ in range(20):
        for place, size in enumerate(sizes):
            data = speech(round_ * len(sizes) + place, bytes(size))
            publisher.socket.send(publisher.peer.protect(data))
        got = [len(RtpPacket.parse(reader.receive()).payload) for _ in sizes]
        assert got == sizes
    assert (pump.pump_stats()["gso_messages"] > 0) == (sizes[0] == sizes[-1])


def test_an_address_that_is_not_ours_sends_nothing(pump: Pump, clients: list[Client]) -> None:
    client = caller(pump, clients, "127.0.0.1", "127.0.0.1")
    address, _ = knock(pump, client)
    assert not pump.send_datagram(address, b"never", "192.0.2.1")
    with pytest.raises(ValueError, match="example"):
        pump.send_datagram(address, b"never", "example.org")


def test_a_pump_at_one_address_has_nothing_to_say() -> None:
    pump = Pump(host=FAR)
    pump.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect((FAR, pump.port))
            peer.send(b"\x00knock")
            event = wait_for(pump, DATAGRAM)
            assert event[0] == DATAGRAM
            assert event[5] == ""
            assert pump.send_datagram(event[2], b"answer", event[5])
            assert peer.recv(10) == b"answer"
    finally:
        pump.stop()
