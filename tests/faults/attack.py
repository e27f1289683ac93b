"""A lesson to attack, and what an attacker has.

Owns: a MediaNode in the test's own process behind the load client's protocol (`LessonUnderAttack`),
one peer that does as the test says (`HostilePeer`), and the native junk sender (`flood`).

Leaves to the tests: what is sent, and what must hold. Nothing here depends on speed: a slow machine
sends less, and the tests wait for conditions.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.descriptions import Agreed, publish_offer, read
from benchmarks.load_client import LoadClient, LoadPeer
from benchmarks.running import Load, Scene
from mixer.model import NodeLimits, NodeSettings, SourceOffer, Want
from mixer.node import MediaNode
from mixer.node.peer_connection import PeerConnection
from mixer.node.port import Port

NATIVE = Path(__file__).parent / "native"
DEADLINE_S = 15.0  # far beyond anything that works
ON_THE_WAY_S = 0.5  # what was sent at a window's end arrives within this, or goes on arriving
SOURCES = {"0": SourceOffer("room", 64_000), "1": SourceOffer("teacher", 4_000_000)}
PROFILE = "aes-128-gcm"


LOSS = 0.001


class LostPacketsError(AssertionError):
    """The lesson lost packets while it was attacked."""


def in_one_of_three_tries(
    test: Callable[[], Coroutine[None, None, None]],
) -> Callable[[], Coroutine[None, None, None]]:
    """Repeats a test that raised `LostPacketsError`.

    A machine busy with other work loses packets by itself; what an attack costs a lesson it costs
    every time.
    """

    @functools.wraps(test)
    async def tried() -> None:
        for _ in range(2):
            with contextlib.suppress(LostPacketsError):
                return await test()
        return await test()

    return tried


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, f"it did not happen: {what}"
        await asyncio.sleep(0.005)


class InProcessNode:
    """A node of this process, as `benchmarks.running` wants a server."""

    name = "tongke"
    description = "a MediaNode in the test's process"
    decodes = False
    running = True
    pids = (os.getpid(),)

    def __init__(self, limits: NodeLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.node = MediaNode(NodeSettings(host="127.0.0.1", port=0, limits=limits), clock=clock)
        self._producers: dict[tuple[str, str], list[Want]] = {}
        self._lessons = 0

    @property
    def port(self) -> Port:
        """Its one port."""
        (port,) = self.node._ports
        return port

    def stat(self, name: str) -> int:
        """A counter of the pump."""
        return self.port.pump.pump_stats()[name]

    async def start(self) -> None:
        await self.node.start()

    async def stop(self) -> None:
        await self.node.close()

    async def open_session(self) -> str:
        self._lessons += 1
        lesson_id = f"lesson-{self._lessons}"
        await self.node.open_lesson(lesson_id, lambda event: None)
        return lesson_id

    async def publish(self, session: str, seat: str, offer: str) -> str:
        answer = await self.node.publish(session, f"{seat}-up", offer, SOURCES)
        self._producers[session, seat] = [
            Want(info.producer_id, 1280 * (info.kind == "video"), 720 * (info.kind == "video"))
            for info in answer.producers
        ]
        return answer.sdp

    async def subscribe(self, session: str, seat: str, publishers: Sequence[str]) -> str:
        wants = [want for name in publishers for want in self._producers[session, name]]
        offer = await self.node.subscribe(session, f"{seat}-down", wants)
        assert offer is not None
        return offer.sdp

    async def subscribe_answer(self, session: str, seat: str, answer: str) -> None:
        await self.node.subscribe_answer(session, f"{seat}-down", answer)

    def connection(self, session: str, seat: str) -> PeerConnection:
        """A seat's publish connection."""
        return self.node._lessons[session].members.publications[f"{seat}-up"].connection


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived of a lesson in a window."""

    expected: int
    received: int
    delay_ms_p99: float

    @property
    def loss(self) -> float:
        """The share that did not come."""
        return 1 - self.received / self.expected

    def must_be_whole(self) -> None:
        """Raises `LostPacketsError` unless all came, to within what a real line loses unnoticed."""
        if self.loss >= LOSS:
            raise LostPacketsError(f"{self.loss:.2%} of {self.expected:,} packets lost")


async def measured(client: LoadClient, scene: Scene, seconds: float) -> Arrival:
    """Count for so long what every receiver of a lesson gets."""
    load = client.load
    load.begin_window()
    await asyncio.sleep(seconds)
    load.end_window()
    relations = scene._relations()  # (receiving peer, stream)
    expected = sum(load.window_sent(stream) for _, stream in relations)
    assert expected > 0
    received, before = 0, -1
    while before < received < expected:  # the rest is on its way, or lost
        await asyncio.sleep(ON_THE_WAY_S)
        before, received = (
            received,
            sum(load.window_received(peer, stream) for peer, stream in relations),
        )
    return Arrival(expected, received, load.delay_ms(0.99))


@dataclass(frozen=True, slots=True)
class LessonUnderAttack:
    """A running lesson; `measured` tells what arrives of it."""

    server: InProcessNode
    client: LoadClient
    scene: Scene

    async def measured(self, seconds: float) -> Arrival:
        """What arrives of it from now on."""
        return await measured(self.client, self.scene, seconds)


@contextlib.asynccontextmanager
async def lesson_under_attack(
    case: Case, *, limits: NodeLimits | None = None, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[LessonUnderAttack]:
    """A lesson in which everything arrives."""
    server = InProcessNode(limits or NodeLimits(), clock)
    await server.start()
    client = LoadClient(profile=PROFILE)
    try:
        client.start()
        scene = Scene(server, client, case, Load(profile=PROFILE))
        await scene.build()
        await scene.warm_up()
        yield LessonUnderAttack(server, client, scene)
    finally:
        await client.close()
        await server.stop()


class HostilePeer:
    """A publisher with good credentials whose packets the test writes."""

    def __init__(self, server: InProcessNode, client: LoadClient, seat: str, session: str) -> None:
        self.peer: LoadPeer = client.peer(seat)
        self.seat, self.session = seat, session
        self._server, self._client = server, client

    async def negotiate(self, *, ssrc: int = 70_000) -> Agreed:
        """Publish, but do not connect yet."""
        offer = publish_offer(
            self.peer.local, cname=self.seat, audio_ssrc=ssrc, video_ssrc=ssrc + 1
        )
        return read(await self._server.publish(self.session, self.seat, offer))

    async def connect(self, agreed: Agreed) -> None:
        """Check and shake hands; the test alone sends media from now on."""
        await self._client.connect(self.peer, agreed.transport)

    def protect(self, packet: bytes) -> bytes:
        """SRTP on, with the keys of the handshake."""
        # The native thread uses the session for streams alone, and this peer has none.
        return self.peer.dtls._dtls._tx_srtp.protect(packet)

    def send(self, datagram: bytes) -> None:
        """From the consented address."""
        self._client.load.send(self.peer.number, datagram)

    @property
    def counters(self) -> dict[str, int]:
        """The node's counters of its transport."""
        return self._server.connection(self.session, self.seat).counters()


def stranger(host: str = "127.0.0.1") -> socket.socket:
    """A socket that nobody consented to."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    return made


def received(sock: socket.socket) -> list[bytes]:
    """All that has come to a socket."""
    datagrams = []
    with contextlib.suppress(BlockingIOError):
        while True:
            datagrams.append(sock.recv(4096))
    return datagrams


# Junk from nobody


def build(source: str, folder: Path, *options: str) -> Path:
    """Compile a program of `native/`."""
    compiler = shutil.which("gcc")
    assert compiler, "gcc is needed to build the pump, and to attack it"
    made = folder / source.removesuffix(".c")
    command = [compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Werror", *options]
    subprocess.run([*command, "-o", str(made), str(NATIVE / source)], check=True)
    return made


@dataclass(frozen=True, slots=True)
class Flood:
    """What was sent, and what came back."""

    sent: int
    sent_bytes: int
    refused_by_kernel: int
    replies: int
    reply_bytes: int
    largest_reply: int
    seconds: float

    @property
    def rate(self) -> float:
        """Packets a second."""
        return self.sent / self.seconds


@contextlib.asynccontextmanager
async def flooding(
    program: Path, port: int, *, rate: int, sources: int, longest_s: float = 20.0
) -> AsyncIterator[asyncio.Future[Flood]]:
    """Junk for the time of the block; the future holds what happened, after it."""
    process = await asyncio.create_subprocess_exec(
        program, str(port), str(rate), str(longest_s), str(sources),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told: asyncio.Future[Flood] = asyncio.get_running_loop().create_future()
    try:
        yield told
    finally:
        assert process.stdin is not None
        process.stdin.close()  # its input ends, and it with it
        out, _ = await process.communicate()
    *counts, seconds = out.split()
    sent, sent_bytes, refused, replies, reply_bytes, largest = map(int, counts)
    told.set_result(Flood(sent, sent_bytes, refused, replies, reply_bytes, largest, float(seconds)))
