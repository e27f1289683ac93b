"""One run: a server, a case, a warm-up, a window in which everything is counted."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

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
from benchmarks.processes import cpu_seconds, resident_mb
from benchmarks.servers import Server

MS = 1_000_000
VIDEO_PAYLOAD_BYTES, AUDIO_PAYLOAD_BYTES = 1100, 80
FRAME_NS, PACKETS_PER_FRAME = 33_333_333, 10
AUDIO_FRAME_NS = 20 * MS

# A stream is up when it arrives almost whole; an estimate that begins low needs some seconds.
WARM_UP_SHARE = 0.995
WARM_UP_TIMEOUT_S = 30.0
WARM_UP_STEP_S = 1.0
# What was sent at the end of the window still has to arrive.
DRAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """How the load is made: one of the parameters of a whole benchmark."""

    profile: str = "aes-256-gcm"
    transport_cc: bool = True
    paced: bool = True
    seconds: float = 8.0


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

    @property
    def loss(self) -> float:
        """The share of packets that should have come and did not."""
        return 1 - self.packets_out / self.expected_out if self.expected_out else 0.0


class WarmUpError(Exception):
    """The streams did not come up; nothing was measured."""


async def run_case(server: Server, case: Case, load: Load) -> Figures:
    """Start the server, build the case's connections, measure, and end everything."""
    await server.start()
    client = LoadClient(profile=load.profile)
    try:
        client.start()
        scene = Scene(server, client, case, load)
        await scene.build()
        await scene.warm_up()
        return await scene.measure()
    finally:
        await client.close()
        await server.stop()


class Scene:
    """The connections of one case."""

    def __init__(self, server: Server, client: LoadClient, case: Case, load: Load) -> None:
        self._server, self._client, self._case, self._load = server, client, case, load
        self._rng = random.Random(case.name)
        self._streams: dict[int, list[int]] = {}  # by publishing seat
        self._receivers: dict[int, int] = {}  # load peer by subscribing seat

    async def build(self) -> None:
        """Publishers first, then subscribers, one after the other."""
        session = await self._server.open_session()
        for seat in self._case.publishers:
            await self._publish(session, seat)
        for streams in self._streams.values():
            for stream in streams:
                self._client.load.set_sending(stream, True)
        for seat in self._case.subscribers:
            await self._subscribe(session, seat)

    async def _publish(self, session: str, seat: int) -> None:
        peer = self._client.peer(f"seat-{seat}-up")
        ssrc = 1000 * (seat + 1)
        offer = publish_offer(peer.local, cname=peer.name, audio_ssrc=ssrc, video_ssrc=ssrc + 1)
        agreed = read(await self._server.publish(session, f"seat-{seat}", offer))
        await self._client.connect(peer, agreed.transport)
        add = self._client.load.add_stream
        phase = self._rng.randrange(FRAME_NS)
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
                phase_ns=phase,
                ticks_per_frame=3000,
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
                    phase_ns=self._rng.randrange(AUDIO_FRAME_NS),
                    ticks_per_frame=960,
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

    async def warm_up(self) -> None:
        """Wait until every receiver gets every stream; raises `WarmUpError`."""
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
            if min(shares) >= WARM_UP_SHARE:
                return
            if waited >= WARM_UP_TIMEOUT_S:
                missing = sum(share < WARM_UP_SHARE for share in shares)
                raise WarmUpError(
                    f"{missing} of {len(shares)} streams did not arrive whole within "
                    f"{WARM_UP_TIMEOUT_S:g} s (worst {min(shares):.1%}); {load.totals()}"
                )

    async def measure(self) -> Figures:
        """Count for the load's seconds."""
        load, pids = self._client.load, self._server.pids
        before = load.totals()
        cpu_before = cpu_seconds(pids)
        load.begin_window()
        await asyncio.sleep(self._load.seconds)
        cpu = cpu_seconds(pids) - cpu_before
        seconds = load.end_window()
        rss_mb = resident_mb(pids)
        await asyncio.sleep(DRAIN_S)
        after = load.totals()
        sent = {s: load.window_sent(s) for streams in self._streams.values() for s in streams}
        out = sum(load.window_received(peer, stream) for peer, stream in self._relations())
        trouble = ("broken", "send_failed", "late_ticks", "kernel_drops", "delay_over")
        return Figures(
            packets_in=sum(sent.values()),
            packets_out=out,
            expected_out=sum(sent[stream] for _, stream in self._relations()),
            cpu_us_per_packet=1e6 * cpu / max(1, out),
            delay_ms_p50=load.delay_ms(0.5),
            delay_ms_p99=load.delay_ms(0.99),
            rss_mb=rss_mb,
            seconds=seconds,
            client_trouble={
                name: after[name] - before[name] for name in trouble if after[name] > before[name]
            },
        )

    def _relations(self) -> list[tuple[int, int]]:
        """(receiving peer, stream) of everything that should arrive."""
        return [
            (peer, stream)
            for seat, peer in self._receivers.items()
            for publisher in self._case.wanted_by(seat)
            for stream in self._streams[publisher]
        ]
