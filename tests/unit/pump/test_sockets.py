"""The running pump on real sockets: both address families, local readers, beginning and end."""

from __future__ import annotations

import ctypes
import gc
import platform
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixer.pump import CODEC_OPUS, DATAGRAM, NEW_SSRC, Pump, monotonic_ns
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import ReceiverReport, SenderReport, parse_compound, serialize_compound
from tests.unit.pump.rig import AES_GCM, PROFILES, SrtpPeer, is_rtcp

DEADLINE_S = 20  # far beyond anything that works


class Client:
    """An SRTP peer with a real socket."""

    def __init__(self, host: str, port: int, *, profile: int = AES_GCM) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(DEADLINE_S)
        self.target = (host, port)
        self.peer = SrtpPeer((host, self.socket.getsockname()[1]), profile)

    def send(self, data: bytes) -> None:
        self.socket.sendto(self.peer.protect(data), self.target)

    def receive(self) -> bytes:
        return self.peer.open(self.socket.recv(2048))


@pytest.fixture
def pump(tmp_path: Path) -> Iterator[Pump]:
    pump = Pump(plain_path=str(tmp_path / "pump"))
    pump.start()
    yield pump
    pump.stop()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for client in made:
        client.socket.close()


def wait_for(pump: Pump, kind: int) -> Any:
    """The next event of a kind; others are let go."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        select.select([pump.event_fd], [], [], 1)
        for event in pump.drain():
            if event[0] == kind:
                return event
    raise AssertionError("the event did not come")


def wait_for_stat(pump: Pump, name: str, at_least: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while pump.pump_stats()[name] < at_least:
        assert time.monotonic() < deadline, f"{name} stays at {pump.pump_stats()[name]}"
        time.sleep(0.005)


def attach(pump: Pump, client: Client) -> int:
    transport = pump.add_transport()
    client.peer.attach(pump, transport)
    return transport


def speech(sequence: int, payload: bytes = b"speech", ssrc: int = 1000) -> bytes:
    return RtpPacket(111, sequence & 0xFFFF, sequence * 960, ssrc, payload).serialize()


def join(pump: Pump, publisher: int, *readers: int) -> tuple[int, list[int]]:
    producer = pump.add_producer(publisher, codec=CODEC_OPUS, clock_rate=48_000, nack=False)
    pump.add_encoding(producer, 0, ssrc=1000, payload_type=111)
    consumers = []
    for number, reader in enumerate(readers):
        consumer = pump.add_consumer(producer, reader, ssrc=50 + number, payload_type=100)
        pump.set_consumer_layer(consumer, 0)
        consumers.append(consumer)
    return producer, consumers


@pytest.mark.parametrize("profile", PROFILES)
def test_media_goes_from_ipv4_to_ipv6_and_back(
    pump: Pump, clients: list[Client], profile: str
) -> None:
    for host in ("127.0.0.1", "::1"):
        clients.append(Client(host, pump.port, profile=PROFILES[profile]))
    four, six = (attach(pump, client) for client in clients)
    join(pump, four, six)
    for sequence in range(100):
        clients[0].send(speech(sequence, b"%d" % sequence))
    got = [RtpPacket.parse(clients[1].receive()) for _ in range(100)]
    assert [int(packet.payload) for packet in got] == list(range(100))
    assert {packet.ssrc for packet in got} == {50}


def test_addresses_are_shown_as_people_write_them(pump: Pump, clients: list[Client]) -> None:
    for host in ("127.0.0.1", "::1"):
        clients.append(Client(host, pump.port))
        clients[-1].socket.sendto(b"\x00\x01knock", clients[-1].target)
        before = monotonic_ns()
        kind, transport, address, data, arrival_ns, local = wait_for(pump, DATAGRAM)
        assert (kind, transport, data) == (DATAGRAM, 0, b"\x00\x01knock")
        assert address == (host, clients[-1].socket.getsockname()[1])
        assert local == host
        assert abs(arrival_ns - before) < DEADLINE_S * 1_000_000_000
        assert pump.send_datagram(address, b"\x01\x01answer")
        assert clients[-1].socket.recv(100) == b"\x01\x01answer"


def test_rtcp_from_python_arrives_protected(pump: Pump, clients: list[Client]) -> None:
    clients.append(Client("127.0.0.1", pump.port))
    transport = attach(pump, clients[0])
    report = serialize_compound([ReceiverReport(7)])
    assert pump.send_rtcp(transport, report)
    assert clients[0].receive() == report


def test_bursts_to_one_address_are_segmented_by_the_kernel(
    pump: Pump, clients: list[Client]
) -> None:
    clients += [Client("127.0.0.1", pump.port) for _ in range(2)]
    publisher, subscriber = (attach(pump, client) for client in clients)
    join(pump, publisher, subscriber)
    sizes = [100] * 40 + [99, 101, 101, 20, 1200, 1200, 3, 50, 50, 30, 50, 20, 20, 50, 50]
    for round_ in range(20):
        for place, size in enumerate(sizes):
            clients[0].send(speech(round_ * len(sizes) + place, bytes(size)))
        got = [len(RtpPacket.parse(clients[1].receive()).payload) for _ in sizes]
        assert got == sizes
    assert pump.pump_stats()["gso_messages"] > 0


def test_the_socket_is_the_hosts_when_it_is_ipv4(clients: list[Client]) -> None:
    pump = Pump(host="127.0.0.1")
    try:
        pump.start()
        clients.append(Client("127.0.0.1", pump.port))
        clients[0].socket.sendto(b"\x00knock", clients[0].target)
        assert wait_for(pump, DATAGRAM)[2][0] == "127.0.0.1"
        assert not pump.send_datagram(("::1", 5000), b"\x00")
    finally:
        pump.stop()


def local_reader(path: Path) -> socket.socket:
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    reader.bind(str(path))
    reader.settimeout(DEADLINE_S)
    return reader


def test_a_local_peer_speaks_and_listens(pump: Pump, tmp_path: Path) -> None:
    with local_reader(tmp_path / "mixer") as mixer, local_reader(tmp_path / "recorder") as recorder:
        speaker = pump.add_plain_transport(str(tmp_path / "mixer"))
        listener = pump.add_plain_transport(str(tmp_path / "recorder"))
        join(pump, speaker, listener)
        mixer.sendto(speech(1), str(tmp_path / "pump"))
        got = RtpPacket.parse(recorder.recv(2048))
        assert (got.ssrc, got.payload) == (50, b"speech")
        report = serialize_compound([SenderReport(1000, 3_900_000_000 << 32, 960, 1, 6)])
        mixer.sendto(report, str(tmp_path / "pump"))
        data = recorder.recv(2048)
        assert is_rtcp(data)
        (told,) = parse_compound(data)
        assert isinstance(told, SenderReport)
        assert (told.ssrc, told.packets) == (50, 1)
        assert pump.send_rtcp(speaker, serialize_compound([ReceiverReport(3)]))
        assert parse_compound(mixer.recv(2048)) == [ReceiverReport(3)]


def test_a_burst_larger_than_the_kernels_queue_reaches_a_local_reader_whole(
    pump: Pump, clients: list[Client], tmp_path: Path
) -> None:
    """The kernel holds ten datagrams for a reader by default; one picture may have fifty."""
    clients.append(Client("127.0.0.1", pump.port))
    publisher = attach(pump, clients[0])
    with local_reader(tmp_path / "recorder") as recorder:
        join(pump, publisher, pump.add_plain_transport(str(tmp_path / "recorder")))
        for sequence in range(200):
            clients[0].send(speech(sequence, b"%d" % sequence))
        wait_for_stat(pump, "received_datagrams", 200)
        got = [int(RtpPacket.parse(recorder.recv(2048)).payload) for _ in range(200)]
    assert got == list(range(200))
    assert pump.pump_stats()["drop_plain_full"] == 0


def test_a_slow_reader_gets_everything_in_order(
    pump: Pump, clients: list[Client], tmp_path: Path
) -> None:
    clients.append(Client("127.0.0.1", pump.port))
    publisher = attach(pump, clients[0])
    got: list[int] = []
    with local_reader(tmp_path / "recorder") as recorder:
        join(pump, publisher, pump.add_plain_transport(str(tmp_path / "recorder")))
        for sequence in range(1000):
            clients[0].send(speech(sequence, b"%d" % sequence))
            if sequence % 20 == 19:  # fifteen read for twenty sent
                got += [int(RtpPacket.parse(recorder.recv(2048)).payload) for _ in range(15)]
        got += [int(RtpPacket.parse(recorder.recv(2048)).payload) for _ in range(1000 - len(got))]
    assert got == list(range(1000))


def test_a_reader_that_does_not_read_costs_only_itself(
    pump: Pump, clients: list[Client], tmp_path: Path
) -> None:
    clients += [Client("127.0.0.1", pump.port) for _ in range(2)]
    publisher, subscriber = (attach(pump, client) for client in clients)
    with local_reader(tmp_path / "stuck"):
        join(pump, publisher, pump.add_plain_transport(str(tmp_path / "stuck")), subscriber)
        for sequence in range(1300):
            clients[0].send(speech(sequence, bytes(1000)))
            packet = RtpPacket.parse(clients[1].receive())
            assert packet.timestamp == sequence * 960
        assert pump.pump_stats()["drop_plain_full"] > 100


def test_a_reader_may_come_late_and_come_back(
    pump: Pump, clients: list[Client], tmp_path: Path
) -> None:
    clients.append(Client("127.0.0.1", pump.port))
    publisher = attach(pump, clients[0])
    reader = pump.add_plain_transport(str(tmp_path / "recorder"))
    join(pump, publisher, reader)
    clients[0].send(speech(0))
    wait_for_stat(pump, "drop_plain_error", 1)
    sequence = 1
    for _ in range(2):
        with local_reader(tmp_path / "recorder") as recorder:
            recorder.settimeout(0.05)
            deadline = time.monotonic() + DEADLINE_S
            while True:
                clients[0].send(speech(sequence))
                sequence += 1
                try:
                    assert RtpPacket.parse(recorder.recv(2048)).ssrc == 50
                    break
                except TimeoutError:
                    assert time.monotonic() < deadline
        (tmp_path / "recorder").unlink()


def test_a_taken_port_and_a_bad_host_are_os_errors(pump: Pump, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot open the pump on"):
        Pump(port=pump.port)
    with pytest.raises(OSError, match="cannot open the pump on"):
        Pump(host="no.such.host")
    with pytest.raises(OSError, match="nowhere"):
        Pump(plain_path=str(tmp_path / "nowhere" / "socket"))
    with pytest.raises(ValueError, match="port"):
        Pump(port=70_000)


def test_a_leftover_socket_file_does_not_stop_the_next_pump(tmp_path: Path) -> None:
    path = tmp_path / "pump"
    with local_reader(path):
        pass
    assert path.exists()
    pump = Pump(plain_path=str(path))
    pump.stop()
    assert not path.exists()


def test_stopping_gives_everything_back(tmp_path: Path, clients: list[Client]) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def pump_threads() -> int:
        names = [task / "comm" for task in Path("/proc/self/task").iterdir()]
        return sum(name.read_text().startswith("tongke-pump") for name in names)

    gc.collect()  # what earlier tests left for it must not count
    before = open_files()
    pump = Pump(plain_path=str(tmp_path / "pump"))
    clients.append(Client("127.0.0.1", pump.port))
    with local_reader(tmp_path / "recorder") as recorder:
        publisher = attach(pump, clients[0])
        join(pump, publisher, pump.add_plain_transport(str(tmp_path / "recorder")))
        pump.start()
        assert pump_threads() == 1
        clients[0].send(speech(1))
        recorder.recv(2048)
        pump.stop()
    assert pump_threads() == 0
    pump.stop()
    pump.remove_transport(publisher)
    with pytest.raises(RuntimeError, match="make a new one"):
        pump.start()
    assert not pump.send_datagram(("127.0.0.1", 5000), b"\x00")
    clients.pop().socket.close()
    again = Pump(port=pump.port)
    again.stop()
    del pump, again
    gc.collect()
    assert open_files() == before


def test_a_forgotten_pump_stops_itself() -> None:
    pump = Pump()
    pump.start()
    port = pump.port
    del pump
    gc.collect()
    Pump(port=port).stop()


def test_two_pumps_share_a_process(clients: list[Client]) -> None:
    pumps = [Pump(), Pump()]
    try:
        for pump in pumps:
            pump.start()
            pair = [Client("127.0.0.1", pump.port) for _ in range(2)]
            clients += pair
            publisher, subscriber = (attach(pump, client) for client in pair)
            join(pump, publisher, subscriber)
        for sequence in range(50):
            for place in (0, 2):
                clients[place].send(speech(sequence, b"%d" % place))
        for place in (0, 2):
            payloads = {RtpPacket.parse(clients[place + 1].receive()).payload for _ in range(50)}
            assert payloads == {b"%d" % place}
    finally:
        for pump in pumps:
            pump.stop()


def test_calls_from_many_threads_while_media_flows(pump: Pump, clients: list[Client]) -> None:
    """Joins, layer changes and departures from four threads leave the flowing stream alone."""
    clients += [Client("127.0.0.1", pump.port) for _ in range(2)]
    publisher, subscriber = (attach(pump, client) for client in clients)
    producer, _ = join(pump, publisher, subscriber)
    failures: list[BaseException] = []

    def churn(number: int) -> None:
        try:
            for round_ in range(150):
                ssrc = 10_000 + number * 1000 + round_
                transport = pump.add_transport(transport_cc=3)
                pump.set_remote(transport, ("127.0.0.1", 50_000 + number))
                consumer = pump.add_consumer(producer, transport, ssrc=ssrc, payload_type=1)
                pump.set_consumer_layer(consumer, 0)
                pump.consumer_stats(consumer)
                pump.line(transport)
                if round_ % 2:
                    pump.remove_consumer(consumer)
                pump.remove_transport(transport)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    sequence = 0
    while any(thread.is_alive() for thread in threads) or sequence < 200:
        clients[0].send(speech(sequence))
        assert RtpPacket.parse(clients[1].receive()).timestamp == sequence * 960
        sequence += 1
    for thread in threads:
        thread.join()
    assert failures == []


def test_unknown_streams_are_told_over_the_event_fd(pump: Pump, clients: list[Client]) -> None:
    clients.append(Client("127.0.0.1", pump.port))
    transport = attach(pump, clients[0])
    clients[0].send(speech(1, ssrc=77))
    assert wait_for(pump, NEW_SSRC) == (NEW_SSRC, transport, 77, 111, "", "", "")
    assert select.select([pump.event_fd], [], [], 0)[0] == []


def wait_for_rtcp(pump: Pump, transport: int, at_least: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while pump.transport_stats(transport)["rtcp_received"] < at_least:
        assert time.monotonic() < deadline, "RTCP is not read"
        time.sleep(0.005)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_reports_are_read_alone_and_among_media(
    pump: Pump, clients: list[Client], host: str
) -> None:
    """They come to a socket of their own, which wakes nobody while there is media."""
    clients.append(Client(host, pump.port))
    transport = attach(pump, clients[0])
    report = serialize_compound([ReceiverReport(7)])
    for _ in range(3):
        clients[0].send(report)
    wait_for_rtcp(pump, transport, 3)
    for sequence in range(20):
        clients[0].send(speech(sequence))
        clients[0].send(report)
    wait_for_rtcp(pump, transport, 23)
    assert pump.transport_stats(transport)["packets_received"] == 20


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_its_port_is_the_pumps_alone(clients: list[Client], host: str) -> None:
    """It has two sockets on it. Another is refused; one that shares it on purpose gets nothing."""
    pump = Pump(host=host)
    pump.start()
    with pytest.raises(OSError, match="UDP port"):
        Pump(host=host, port=pump.port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as plain,
        socket.socket(family, socket.SOCK_DGRAM) as sharing,
    ):
        with pytest.raises(OSError, match="in use"):
            plain.bind((host, pump.port))
        sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sharing.bind((host, pump.port))
        sharing.setblocking(False)
        for _ in range(20):
            clients.append(Client(host, pump.port))
            transport = attach(pump, clients[-1])
            clients[-1].send(speech(0))
            clients[-1].send(serialize_compound([ReceiverReport(7)]))
            wait_for_rtcp(pump, transport, 1)
        wait_for_stat(pump, "received_datagrams", 40)
        with pytest.raises(BlockingIOError):
            sharing.recv(2048)
    pump.stop()


SCHED_SETATTR, SCHED_GETATTR = {"x86_64": (314, 315), "aarch64": (274, 275)}.get(
    platform.machine(), (-1, -1)
)
ATTRIBUTES = struct.Struct("IIQiIQQQ")  # struct sched_attr; the sixth is the length of a turn
TURN_NS = 100_000


def attributes_of(thread: int) -> list[int]:
    """Its scheduling (sched_getattr(2)); nothing but 0 where the kernel does not tell."""
    room = ctypes.create_string_buffer(ATTRIBUTES.size)
    ctypes.CDLL(None).syscall(SCHED_GETATTR, thread, room, len(room), 0)
    return list(ATTRIBUTES.unpack_from(room))


def turn_ns(thread: int) -> int:
    return attributes_of(thread)[5]


def may_choose_its_turn() -> bool:
    """Whether a thread that asks for short turns has them: Linux 6.12 and later, unless refused."""

    def ask() -> None:
        kind, policy, flags, nice, priority, _, *rest = attributes_of(0)
        wanted = ATTRIBUTES.pack(kind, policy, flags, nice, priority, TURN_NS, *rest)
        ctypes.CDLL(None).syscall(SCHED_SETATTR, 0, wanted, 0)
        got.append(turn_ns(0))

    got: list[int] = []
    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    return got == [TURN_NS]


def test_its_turns_are_short_so_that_they_come_soon(pump: Pump) -> None:
    if not may_choose_its_turn():
        pytest.skip("this kernel lets nobody choose: Linux 6.12 and later do")
    (thread,) = (int(task.name) for task in Path("/proc/self/task").iterdir() if is_pump(task))
    deadline = time.monotonic() + DEADLINE_S
    while turn_ns(thread) != TURN_NS:  # it asks for them when it begins
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert turn_ns(0) > TURN_NS, "others go on as they were"


def is_pump(task: Path) -> bool:
    return (task / "comm").read_text() == "tongke-pump\n"
