"""Junk from strangers at 50,000 packets a second: the lesson goes on, memory stays, rooms join.

The measure is < 0.1 % of the lesson lost and < 50 MB grown. A machine too slow (or too busy) to
receive that much is given half, and half again; what holds does not change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cases import classroom
from benchmarks.descriptions import publish_offer, read
from benchmarks.load_client import LoadClient
from benchmarks.processes import resident_mb
from benchmarks.running import Load, Scene
from benchmarks.servers.tongke import Tongke
from tests.faults.attack import LOSS, PROFILE, build, flooding, measured

pytestmark = pytest.mark.alone  # what a lesson loses meanwhile is counted

RATES = (50_000, 25_000, 12_500, 6_000)  # packets/s
GROWTH_MB = 50.0
# Refusals (400, 401) each source may get: 10 at once, then 5 a second (`mixer.transport.ice`).
REFUSALS_BURST, REFUSALS_PER_S = 10, 5
LONGEST_REFUSAL_BYTES = 64  # the flood's checks are as long


async def newcomer_joins(server: Tongke, client: LoadClient) -> None:
    """A lesson of its own is joined; raises `TimeoutError` when the junk keeps the door shut."""
    session = await server.open_session()
    peer = client.peer("newcomer")
    offer = publish_offer(peer.local, cname="newcomer", audio_ssrc=1, video_ssrc=2)
    agreed = read(await server.publish(session, "newcomer", offer))
    await client.connect(peer, agreed.transport)


@pytest.mark.parametrize("sources", [1, 200])
async def test_junk_costs_the_lesson_nothing(tmp_path: Path, sources: int) -> None:
    flood = build("flood.c", tmp_path)
    server, client = Tongke(), LoadClient(profile=PROFILE)
    await server.start()
    try:
        client.start()
        scene = Scene(server, client, classroom(4), Load(profile=PROFILE))
        await scene.build()
        await scene.warm_up()
        remote = client._peers[0].remote
        assert remote is not None
        before_mb = resident_mb(server.pids)
        for rate in RATES:
            async with flooding(flood, remote.port, rate=rate, sources=sources) as told:
                arrived = await measured(client, scene, 2.0)
                await newcomer_joins(server, client)
            junk, grown_mb = told.result(), resident_mb(server.pids) - before_mb
            print(
                f"{junk.rate:,.0f} junk packets/s from {sources}: lesson lost {arrived.loss:.3%} "
                f"of {arrived.expected:,}, p99 {arrived.delay_ms_p99:.1f} ms, "
                f"{grown_mb:+.1f} MB, {junk.replies} replies"
            )
            assert grown_mb < GROWTH_MB
            assert junk.largest_reply <= LONGEST_REFUSAL_BYTES
            assert junk.replies <= sources * (REFUSALS_BURST + REFUSALS_PER_S * (junk.seconds + 1))
            assert junk.reply_bytes < junk.sent_bytes / 20, "somebody else could be bothered by us"
            if arrived.loss < LOSS:
                break
        else:
            pytest.fail(f"{arrived.loss:.2%} lost at {junk.rate:,.0f} junk packets/s")
    finally:
        await client.close()
        await server.stop()
