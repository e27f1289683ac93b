"""Peers by TCP: frames, the same media, and what a slow, silent or greedy one may cost."""

from __future__ import annotations

import random
import resource
import select
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mixer.pump import DATAGRAM, Address, Pump
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import ReceiverReport, serialize_compound
from tests.unit.pump.rig import SrtpPeer
from tests.unit.pump.test_sockets import (
    DEADLINE_S,
    Client,
    join,
    speech,
    wait_for,
    wait_for_rtcp,
    wait_for_stat,
)

PROOF = b"\x01\x01success"  # begins as a STUN Binding success response does
KNOCK = b"\x00\x01knock"


def frame(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


class TcpClient:
    """A peer that connects, and speaks in frames."""

    def __init__(
        self, pump: Pump, host: str = "127.0.0.1", *, receive_bytes: int = 0, source: str = ""
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect((host, pump.tcp_port))
        self.peer: SrtpPeer | None = None

    def write(self, data: bytes) -> None:
        self.socket.sendall(frame(data))

    def read(self) -> bytes:
        (length,) = struct.unpack("!H", self._exactly(2))
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the connection was closed"
            data += more
        return data

    def is_closed(self) -> bool:
        """Waits for the end."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            pass
        return True


@pytest.fixture
def pump() -> Iterator[Pump]:
    pump = Pump(tcp_port=0)
    pump.start()
    yield pump
    pump.stop()


@pytest.fixture
def connect(pump: Pump) -> Iterator[Callable[..., TcpClient]]:
    made: list[TcpClient] = []

    def connect(host: str = "127.0.0.1", **options: Any) -> TcpClient:
        made.append(TcpClient(pump, host, **options))
        return made[-1]

    yield connect
    for client in made:
        client.socket.close()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for client in made:
        client.socket.close()


def knock(pump: Pump, client: TcpClient) -> Address:
    """The client's address as the pump knows it."""
    client.write(KNOCK)
    event = wait_for(pump, DATAGRAM)
    assert event[0] == DATAGRAM
    assert event[3] == KNOCK
    return event[2]


def attach(pump: Pump, client: TcpClient) -> int:
    """Proves the connection and makes it a transport's."""
    address = knock(pump, client)
    assert pump.send_datagram(address, PROOF)
    assert client.read() == PROOF
    client.peer = SrtpPeer(address)
    transport = pump.add_transport()
    client.peer.attach(pump, transport)
    return transport


def test_the_number_is_the_udp_ports(pump: Pump) -> None:
    assert pump.tcp_port == pump.port


def test_a_pump_without_tcp_has_none() -> None:
    pump = Pump()
    pump.start()
    assert pump.tcp_port == 0
    assert not pump.send_datagram(("127.0.0.1", 5000, 1 << 12), PROOF)
    pump.stop()


def test_a_taken_tcp_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(OSError, match=r"TCP port: Address already in use"):
            Pump(host="127.0.0.1", tcp_port=number)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_stun_and_dtls_go_both_ways(
    pump: Pump, connect: Callable[..., TcpClient], host: str
) -> None:
    client = connect(host)
    address = knock(pump, client)
    assert address[:2] == client.socket.getsockname()[:2]
    assert len(address) == 3
    for answer in (PROOF, b"\x16" + bytes(1300)):
        assert pump.send_datagram(address, answer)
        assert client.read() == answer
    assert pump.pump_gauges()["tcp_connections"] == 1


def test_each_connection_is_another_address(pump: Pump, connect: Callable[..., TcpClient]) -> None:
    first, second = connect(), connect()
    addresses = [knock(pump, client) for client in (first, second)]
    assert addresses[0] != addresses[1]
    assert pump.send_datagram(addresses[1], PROOF)
    assert second.read() == PROOF
    third = connect()
    second.socket.close()
    knock(pump, third)
    wait_for_stat_at(pump, "tcp_connections", 2)
    assert pump.send_datagram(addresses[1], b"lost")  # left to the thread, which finds it gone
    wait_for_stat(pump, "drop_tcp_gone", 1)


def wait_for_stat_at(pump: Pump, gauge: str, value: int) -> None:
    for _ in range(2000):
        if pump.pump_gauges()[gauge] == value:
            return
        select.select([], [], [], 0.01)
    raise AssertionError(f"{gauge} is {pump.pump_gauges()[gauge]}")


def test_frames_are_read_however_the_stream_is_cut(
    pump: Pump, connect: Callable[..., TcpClient]
) -> None:
    rng = random.Random(7)
    client = connect()
    sent = [b"\x00" + bytes([i]) * rng.choice((0, 1, 7, 100, 1499)) for i in range(60)]
    stream = b"".join(frame(data) for data in sent)
    while stream:
        size = rng.choice((1, 2, 3, 50, 1600, 9000))
        client.socket.sendall(stream[:size])
        stream = stream[size:]
        if rng.random() < 0.2:
            pump.pump_gauges()
    got: list[object] = []
    while len(got) < len(sent):
        select.select([pump.event_fd], [], [], DEADLINE_S)
        got += [event[3] for event in pump.drain() if event[0] == DATAGRAM]
    assert got == sent


def test_too_long_and_empty_frames_are_counted_and_nothing_after_them_is_lost(
    pump: Pump, connect: Callable[..., TcpClient]
) -> None:
    client = connect()
    client.socket.sendall(frame(bytes(1501)) + frame(b"\x00" * 65_535) + frame(b"") + frame(KNOCK))
    event = wait_for(pump, DATAGRAM)
    assert event[3] == KNOCK
    assert pump.pump_stats()["drop_oversized"] == 2
    assert pump.pump_stats()["drop_unknown_protocol"] == 1


def test_media_goes_between_udp_and_tcp(
    pump: Pump, connect: Callable[..., TcpClient], clients: list[Client]
) -> None:
    clients.append(Client("127.0.0.1", pump.port))
    by_udp = pump.add_transport()
    clients[0].peer.attach(pump, by_udp)
    client = connect()
    by_tcp = attach(pump, client)
    assert client.peer is not None
    join(pump, by_udp, by_tcp)
    for sequence in range(200):
        clients[0].send(speech(sequence, b"%d" % sequence))
    got = [RtpPacket.parse(client.peer.open(client.read())).payload for _ in range(200)]
    assert got == [b"%d" % sequence for sequence in range(200)]
    report = serialize_compound([ReceiverReport(7)])
    assert pump.send_rtcp(by_tcp, report)
    assert client.peer.open(client.read()) == report
    producer = pump.add_producer(by_tcp, codec=3, clock_rate=48_000, nack=False)
    pump.add_encoding(producer, 0, ssrc=77, payload_type=111)
    consumer = pump.add_consumer(producer, by_udp, ssrc=78, payload_type=100)
    pump.set_consumer_layer(consumer, 0)
    for sequence in range(100):
        client.write(client.peer.protect(speech(sequence, ssrc=77)))
    assert {RtpPacket.parse(clients[0].receive()).ssrc for _ in range(100)} == {78}


def test_media_of_an_unknown_connection_is_dropped(
    pump: Pump, connect: Callable[..., TcpClient]
) -> None:
    """A connection from the right host is not the consented one."""
    client = connect()
    attach(pump, client)
    assert client.peer is not None
    other = connect()
    other.write(client.peer.protect(speech(1)))
    wait_for_stat(pump, "drop_unknown_source", 1)


def test_a_slow_peer_loses_whole_datagrams_and_harms_nobody(
    pump: Pump, connect: Callable[..., TcpClient], clients: list[Client]
) -> None:
    clients += [Client("127.0.0.1", pump.port) for _ in range(2)]
    udp = []
    for client in clients:
        udp.append(pump.add_transport())
        client.peer.attach(pump, udp[-1])
    slow = connect(receive_bytes=4096)
    by_tcp = attach(pump, slow)
    assert slow.peer is not None
    join(pump, udp[0], udp[1], by_tcp)
    sequence = 0
    while pump.pump_stats()["drop_tcp_full"] < 50:
        clients[0].send(speech(sequence, struct.pack("!I", sequence) + bytes(1000)))
        assert RtpPacket.parse(clients[1].receive()).sequence_number is not None
        sequence += 1
        assert sequence < 20_000
    assert pump.pump_stats()["drop_socket_full"] == 0
    got: list[int] = []
    while len(got) < sequence - pump.pump_stats()["drop_tcp_full"]:
        packet = RtpPacket.parse(slow.peer.open(slow.read()))
        got.append(struct.unpack("!I", packet.payload[:4])[0])
    assert got == sorted(got)  # and now it goes on
    clients[0].send(speech(sequence, struct.pack("!I", sequence)))
    assert RtpPacket.parse(slow.peer.open(slow.read())).payload[:4] == struct.pack("!I", sequence)


def test_a_burst_beyond_the_socket_arrives_whole(
    pump: Pump, connect: Callable[..., TcpClient], clients: list[Client]
) -> None:
    """A keyframe is sent at once and read over time."""
    clients.append(Client("127.0.0.1", pump.port))
    by_udp = pump.add_transport()
    clients[0].peer.attach(pump, by_udp)
    client = connect(receive_bytes=2048)
    by_tcp = attach(pump, client)
    assert client.peer is not None
    join(pump, by_udp, by_tcp)
    for sequence in range(60):
        clients[0].send(speech(sequence, bytes([sequence]) * 1100))
    wait_for_stat(pump, "forwarded_packets", 60)
    got = [RtpPacket.parse(client.peer.open(client.read())).payload[0] for _ in range(60)]
    assert got == list(range(60))


def test_a_closed_pump_closes_its_connections(connect: Callable[..., TcpClient]) -> None:
    pump = Pump(tcp_port=0)
    pump.start()
    client = TcpClient(pump)
    knock(pump, client)
    pump.stop()
    assert client.is_closed()
    client.socket.close()
    again = Pump(port=pump.port, tcp_port=0)  # with connections of the last one still lingering
    again.stop()


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """So few that the pump admits this many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (80 * 4, hard))
    yield 80
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_proves_nothing_makes_room(few_descriptors: int) -> None:
    pump = Pump(tcp_port=0)
    pump.start()
    clients = []
    try:
        proved = TcpClient(pump)
        clients.append(proved)
        by_tcp = attach(pump, proved)
        clients += [TcpClient(pump) for _ in range(few_descriptors - 1)]
        wait_for_stat_at(pump, "tcp_connections", few_descriptors)
        late = TcpClient(pump)
        clients.append(late)
        assert clients[1].is_closed()  # the oldest that has proved nothing
        knock(pump, late)
        assert pump.pump_stats()["tcp_refused"] == 1
        assert pump.send_rtcp(by_tcp, serialize_compound([ReceiverReport(7)]))
        assert proved.read()
        assert pump.pump_gauges()["tcp_connections"] == few_descriptors
    finally:
        for client in clients:
            client.socket.close()
        pump.stop()


def test_one_host_has_so_many_connections() -> None:
    """Loopback has many hosts: another one still gets in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * 600:
        pytest.skip(f"needs 2400 open files, and may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * 600), hard))
    pump = Pump(host="127.0.0.1", tcp_port=0)
    pump.start()
    clients = []
    try:
        for number in range(513):
            clients.append(TcpClient(pump))
            if number % 100 == 99:  # the pump takes some at a time; its queue holds 256
                wait_for_stat(pump, "tcp_accepted", number + 1)
        wait_for_stat(pump, "tcp_refused", 1)
        assert pump.pump_gauges()["tcp_connections"] == 512
        other = TcpClient(pump, source="127.0.0.9")
        clients.append(other)
        assert knock(pump, other)[0] == "127.0.0.9"
    finally:
        for client in clients:
            client.socket.close()
        pump.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_garbage_ends_nothing_but_is_bounded(pump: Pump, connect: Callable[..., TcpClient]) -> None:
    rng = random.Random(3)
    good = connect()
    attach(pump, good)
    for _ in range(20):
        bad = connect()
        bad.socket.sendall(rng.randbytes(50_000))
        if rng.random() < 0.5:
            bad.socket.close()
    knock_again = b"\x00again"
    good.write(knock_again)
    while wait_for(pump, DATAGRAM)[3] != knock_again:
        pass


def test_what_comes_by_udp_is_read_once_and_whole_beside_tcp(
    pump: Pump, connect: Callable[..., TcpClient], clients: list[Client]
) -> None:
    """Our address, too: an answer that left from another one is thrown away by the peer."""
    by_tcp = connect()
    knock(pump, by_tcp)
    udp = Client("127.0.0.1", pump.port)
    clients.append(udp)
    pump_id = pump.add_transport()
    udp.peer.attach(pump, pump_id)
    report = serialize_compound([ReceiverReport(7)])
    came: list[tuple[bytes, str]] = []
    for number in range(200):
        check = KNOCK + number.to_bytes(2)
        udp.send(report)  # comes to the socket that is read beside TCP's
        by_tcp.write(KNOCK)
        udp.socket.sendto(check, udp.target)
        while not came or came[-1][0] != check:
            select.select([pump.event_fd], [], [], DEADLINE_S)
            events = [event for event in pump.drain() if event[0] == DATAGRAM]
            came += [(event[3], event[5]) for event in events if len(event[2]) == 2]
    assert came == [(KNOCK + number.to_bytes(2), "127.0.0.1") for number in range(200)]
    wait_for_rtcp(pump, pump_id, 200)
    assert pump.transport_stats(pump_id)["rtcp_received"] == 200
