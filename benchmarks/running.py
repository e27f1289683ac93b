"""One run: a server, a case, a warm-up, a window in which everything is counted."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks import pictures
from benchmarks._load import Load as NativeLoad
from benchmarks.cases import Case
from benchmarks.descriptions import (
    AUDIO_MID,
    AUDIO_PAYLOAD_TYPE,
    VIDEO_MID,
    VIDEO_PAYLOAD_TYPE,
    publish_offer,
    read,
    subscribe_answer,
)
from benchmarks.load_client import LoadClient
from benchmarks.processes import cpu_seconds, machine_busy_seconds, resident_mb
from benchmarks.servers import Server, ServerError
from mixer.errors import TransportFailed

MS = 1_000_000
VIDEO_PAYLOAD_BYTES, AUDIO_PAYLOAD_BYTES = 1100, 80
FRAME_NS, PACKETS_PER_FRAME = 33_333_333, 10
AUDIO_FRAME_NS = 20 * MS

# A stream is up when it arrives almost whole; an estimate that begins low needs some seconds.
WARM_UP_SHARE = 0.995
WARM_UP_TIMEOUT_S = 15.0
WARM_UP_STEP_S = 1.0
WARM_UP_LEAST_S = 3.0  # of whoever measures no cost
# A server's estimates of its lines are in motion in their first seconds, and its memory is touched
# for the first time; a lesson lasts 45 minutes, so its cost is counted after them.
SETTLE_S = 8.0
# Starting (three tries of Janus), 31 connections, the warm-up.
BEFORE_AND_AFTER_S = 75.0
# What was sent at the end of the window still has to arrive.
DRAIN_S = 0.5
# How a run, or adding a lesson, goes wrong: the server's refusals, the load's own, descriptions
# that cannot be used.
FAILURES = (ServerError, TransportFailed, OSError, RuntimeError, TimeoutError, ValueError)
# What the client met with; the first two are the server's doing.
TROUBLE = ("broken", "delay_over", "send_failed", "late_ticks", "kernel_drops")


@dataclass(frozen=True, slots=True)
class Load:
    """How the load is made: one of the parameters of a whole benchmark."""

    profile: str = "aes-256-gcm"
    transport_cc: bool = True
    paced: bool = False
    seconds: float = 8.0
    settle_s: float = SETTLE_S  # before anything is counted


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured; the window's packets only."""

    packets_in: int
    packets_out: int
    expected_out: int
    cpu_us_per_packet: float
    delay_ms_p50: float
    delay_ms_p99: float
    rss_mb: float
    seconds: float
    client_trouble: dict[str, int]
    others_cores: float = 0.0  # used by everything but the server and the client
    client_cores: float = 0.0
    client_threads: int = 1
    server_cores: float = 0.0

    @property
    def loss(self) -> float:
        """The share of packets that should have come and did not."""
        return max(0.0, 1 - self.packets_out / self.expected_out) if self.expected_out else 0.0


class WarmUpError(Exception):
    """The streams did not come up; nothing was measured."""


async def run_case(server: Server, case: Case, load: Load, *, seed: int = 0) -> Figures:
    """Start the server, build the case's connections, measure, and end everything.

    The seed decides how the streams' frames fall together, and so how often the server is woken.
    Raises `WarmUpError`, `ServerError`, `TransportFailed`; `TimeoutError` after `load.seconds` and
    what everything before may take at most.
    """
    client = LoadClient(profile=load.profile)
    try:
        async with asyncio.timeout(load.seconds + BEFORE_AND_AFTER_S):
            return await _run_case(server, client, case, load, seed)
    finally:
        try:
            await client.close()
        finally:
            await server.stop()


async def _run_case(
    server: Server, client: LoadClient, case: Case, load: Load, seed: int
) -> Figures:
    await server.start()
    client.start()
    scene = Scene(server, client, case, load, seed=seed)
    await scene.build()
    await scene.warm_up(least_s=load.settle_s)
    return await measure(server, [scene], load.seconds)


async def measure(server: Server, scenes: Sequence[Scene], seconds: float) -> Figures:
    """Count for so many seconds; of several clients' delays the worst stand."""
    loads = list(dict.fromkeys(scene.load for scene in scenes))
    for load in loads:
        load.begin_window()
    before = [load.totals() for load in loads]
    busy_before, ours_before = machine_busy_seconds(), time.process_time()
    cpu_before = cpu_seconds(server.pids)
    await asyncio.sleep(seconds)
    cpu = cpu_seconds(server.pids) - cpu_before
    ours = time.process_time() - ours_before
    others = machine_busy_seconds() - busy_before - ours - cpu
    measured_s = max(load.end_window() for load in loads)
    rss_mb = resident_mb(server.pids)
    await asyncio.sleep(DRAIN_S)
    trouble: Counter[str] = Counter()
    for load, earlier in zip(loads, before, strict=True):
        totals = load.totals()
        trouble.update({name: totals[name] - earlier[name] for name in TROUBLE})
    packets_out = sum(scene.packets_out() for scene in scenes)
    # Of a server that encodes anew, whole pictures count; its cost is still by packets.
    packets = sum(load.totals()["window_packets"] for load in loads) if server.decodes else 0
    return Figures(
        packets_in=sum(scene.packets_in() for scene in scenes),
        packets_out=packets_out,
        expected_out=sum(scene.expected_out() for scene in scenes),
        cpu_us_per_packet=1e6 * cpu / max(1, packets or packets_out),
        delay_ms_p50=max(load.delay_ms(0.5) for load in loads),
        delay_ms_p99=max(load.delay_ms(0.99) for load in loads),
        rss_mb=rss_mb,
        seconds=measured_s,
        client_trouble={name: count for name, count in trouble.items() if count},
        others_cores=max(0.0, others / measured_s),
        client_cores=ours / measured_s,
        client_threads=len(loads),
        server_cores=cpu / measured_s,
    )


async def together(works: Iterable[Awaitable[None]]) -> None:
    """Do all of it at once and wait until all has ended; raises what went wrong first in line."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if outcome is not None:
            raise outcome


class Scene:
    """The connections of one case."""

    def __init__(
        self, server: Server, client: LoadClient, case: Case, load: Load, *, seed: int = 0
    ) -> None:
        self._server, self._client, self._case, self._load = server, client, case, load
        self._rng = random.Random(f"{case.name} {seed}")
        self._streams: dict[int, list[int]] = {}  # by publishing seat
        self._receivers: dict[int, int] = {}  # load peer by subscribing seat

    async def build(self, *, silent: bool = False) -> None:
        """Publishers first, then subscribers, each of both all at once, as a class comes in.

        Some servers want a second for a handshake and little CPU: one after the other that would
        be half a minute for a case. With `silent` nobody sends yet.
        """
        session = await self._server.open_session()
        await together(self._publish(session, seat) for seat in self._case.publishers)
        self.set_sending(not silent)
        await together(self._subscribe(session, seat) for seat in self._case.subscribers)

    async def _publish(self, session: str, seat: int) -> None:
        peer = self._client.peer(f"seat-{seat}-up")
        phases_ns = self._rng.randrange(FRAME_NS), self._rng.randrange(AUDIO_FRAME_NS)
        ssrc = 1000 * (seat + 1)
        offer = publish_offer(peer.local, cname=peer.name, audio_ssrc=ssrc, video_ssrc=ssrc + 1)
        agreed = read(await self._server.publish(session, f"seat-{seat}", offer))
        await self._client.connect(peer, agreed.transport)
        add = self._client.load.add_stream
        decodes = self._server.decodes
        streams = [
            add(
                peer.number,
                ssrc=ssrc + 1,
                payload_type=VIDEO_PAYLOAD_TYPE,
                video=True,
                mid=VIDEO_MID,
                extensions=agreed.extensions,
                payload_bytes=VIDEO_PAYLOAD_BYTES,
                packets_per_frame=PACKETS_PER_FRAME,
                frame_ns=FRAME_NS,
                packet_gap_ns=MS if self._load.paced else 0,
                phase_ns=phases_ns[0],
                ticks_per_frame=3000,
                frames=pictures.vp8_frames() if decodes else None,
            )
        ]
        if self._case.with_audio:
            streams.append(
                add(
                    peer.number,
                    ssrc=ssrc,
                    payload_type=AUDIO_PAYLOAD_TYPE,
                    video=False,
                    mid=AUDIO_MID,
                    extensions=agreed.extensions,
                    payload_bytes=AUDIO_PAYLOAD_BYTES,
                    packets_per_frame=1,
                    frame_ns=AUDIO_FRAME_NS,
                    packet_gap_ns=0,
                    phase_ns=phases_ns[1],
                    ticks_per_frame=960,
                    frames=pictures.opus_frames() if decodes else None,
                )
            )
        peer.outgoing = streams
        self._streams[seat] = streams

    async def _subscribe(self, session: str, seat: int) -> None:
        peer = self._client.peer(f"seat-{seat}-down")
        wanted = [f"seat-{publisher}" for publisher in self._case.wanted_by(seat)]
        offer = await self._server.subscribe(session, f"seat-{seat}", wanted)
        answer, agreed = subscribe_answer(offer, peer.local, transport_cc=self._load.transport_cc)
        await self._server.subscribe_answer(session, f"seat-{seat}", answer)
        await self._client.connect(
            peer,
            agreed.transport,
            payload_types={n for numbers in agreed.payload_types.values() for n in numbers},
            transport_cc=agreed.extensions.get("transport_cc", 0),
        )
        self._receivers[seat] = peer.number

    async def warm_up(self, *, least_s: float = WARM_UP_LEAST_S) -> None:
        """Wait until every receiver gets every stream, and so long at least.

        Raises `WarmUpError`.
        """
        load, waited = self._client.load, 0.0
        while True:
            load.begin_window()
            await asyncio.sleep(WARM_UP_STEP_S)
            load.end_window()
            await asyncio.sleep(0.2)
            waited += WARM_UP_STEP_S
            shares = [
                load.window_received(peer, stream) / max(1, load.window_sent(stream))
                for peer, stream in self._relations()
            ]
            if min(shares) >= WARM_UP_SHARE and waited >= least_s:
                return
            if waited >= WARM_UP_TIMEOUT_S:
                missing = sum(share < WARM_UP_SHARE for share in shares)
                raise WarmUpError(
                    f"{missing} of {len(shares)} streams did not arrive whole within "
                    f"{WARM_UP_TIMEOUT_S:g} s (worst {min(shares):.1%})"
                )

    @property
    def load(self) -> NativeLoad:
        """The native thread that sends and receives for this scene."""
        return self._client.load

    def set_sending(self, sending: bool) -> None:
        """Let every publisher begin, or fall silent."""
        for streams in self._streams.values():
            for stream in streams:
                self.load.set_sending(stream, sending)

    def packets_in(self) -> int:
        """Sent in the window."""
        return sum(self.load.window_sent(s) for streams in self._streams.values() for s in streams)

    def packets_out(self) -> int:
        """Received of what was sent in the window."""
        return sum(self.load.window_received(peer, stream) for peer, stream in self._relations())

    def expected_out(self) -> int:
        """What should have been received of it."""
        return sum(self.load.window_sent(stream) for _, stream in self._relations())

    def _relations(self) -> list[tuple[int, int]]:
        """(receiving peer, stream) of everything that should arrive."""
        return [
            (peer, stream)
            for seat, peer in self._receivers.items()
            for publisher in self._case.wanted_by(seat)
            for stream in self._streams[publisher]
        ]
