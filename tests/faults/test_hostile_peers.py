"""Peers with good credentials and bad intentions, and strangers who know where a peer is.

A real node, real sockets, real DTLS and SRTP; a lesson of four classrooms goes on meanwhile and is
measured. What must hold: caps hold, what is refused is counted, the lesson loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time

import pytest
from aioice import stun

from benchmarks.cases import classroom, one_to
from benchmarks.descriptions import AUDIO_PAYLOAD_TYPE, RemoteTransport, publish_offer, read
from benchmarks.load_client import LoadClient
from benchmarks.processes import resident_mb
from benchmarks.running import Load, Scene
from mixer.errors import NodeFull, TransportFailed
from mixer.model import LinkState, NodeLimits
from mixer.node.peer_connection import SETUP_TIMEOUT_S
from mixer.node.publication import NAMED_SSRCS_BURST, NAMED_SSRCS_PER_S
from mixer.rtp.feedback import Pli
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import serialize_compound
from mixer.transport.dtls import DtlsCertificate, DtlsRole, DtlsSession
from tests.faults.attack import (
    PROFILE,
    SOURCES,
    HostilePeer,
    InProcessNode,
    in_one_of_three_tries,
    lesson_under_attack,
    measured,
    received,
    stranger,
    until,
)

pytestmark = pytest.mark.alone  # what a lesson loses meanwhile is counted

GROWTH_MB = 50.0
UNKNOWN_SSRCS_MAX = 32  # mixer/pump/native/streams.h


def speech(sequence: int, *, ssrc: int = 70_000) -> bytes:
    return RtpPacket(
        AUDIO_PAYLOAD_TYPE, sequence & 0xFFFF, sequence * 960 & 0xFFFF_FFFF, ssrc, b"x" * 60
    ).serialize()


async def client_hello() -> bytes:
    """The first datagram of somebody's own handshake."""
    sent: list[bytes] = []
    session = DtlsSession(DtlsCertificate().current(), send=sent.append, on_closed=lambda: None)
    with contextlib.suppress(TransportFailed):
        await session.connect(DtlsRole.CLIENT, session.fingerprints, timeout_s=0.05)
    await session.close()
    assert sent[0][0] == 22  # a handshake record
    return sent[0]


def check(remote: RemoteTransport, *, password: str | None = None) -> bytes:
    """A connectivity check as a browser sends it (RFC 8445 §7.2.5)."""
    request = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        attributes={
            "USERNAME": f"{remote.ufrag}:peer",
            "PRIORITY": 1,
            "ICE-CONTROLLING": 1,
            "USE-CANDIDATE": None,
        },
    )
    request.add_message_integrity((password or remote.password).encode())
    return bytes(request)


@in_one_of_three_tries
async def test_a_client_hello_from_a_second_port_changes_nothing() -> None:
    """Whoever is first with a ClientHello does not win: only the consented address is heard."""
    server, client = InProcessNode(NodeLimits()), LoadClient(profile=PROFILE)
    await server.start()
    hello = await client_hello()
    racer = stranger()

    async def race() -> None:
        while True:
            racer.sendto(hello, ("127.0.0.1", server.port.pump.port))
            await asyncio.sleep(0.002)

    racing = asyncio.create_task(race())
    try:
        client.start()
        await until(lambda: server.port.counters.dtls_from_strangers > 20, "the racer is first")
        scene = Scene(server, client, classroom(2), Load(profile=PROFILE))
        await scene.build()  # four handshakes, each of them raced
        await scene.warm_up()
        arrived = await measured(client, scene, 1.0)
        assert server.port.counters.dtls_from_strangers > 100
    finally:
        racing.cancel()
        await asyncio.gather(racing, return_exceptions=True)
        await client.close()
        await server.stop()
        answers = received(racer)
        racer.close()
    arrived.must_be_whole()
    assert answers == [], "DTLS was spoken with a stranger"


@in_one_of_three_tries
async def test_a_thousand_half_open_handshakes() -> None:
    """Those who begin and never end are capped, counted out in time, and cost nobody else."""
    ahead_s = 0.0
    limits = NodeLimits()
    attempts, refused = 1000, 0
    hello = await client_hello()
    async with lesson_under_attack(
        classroom(4), limits=limits, clock=lambda: time.monotonic() + ahead_s
    ) as lesson:
        server = lesson.server
        local = lesson.client.peer("half").local
        offer = publish_offer(local, cname="half", audio_ssrc=1, video_ssrc=2)
        before_mb = resident_mb(server.pids)
        measuring = asyncio.create_task(lesson.measured(4.0))
        opened, sockets = [], []
        for number in range(attempts):
            if number % limits.devices_per_lesson == 0:
                opened.append(await server.open_session())
            try:
                answer = await server.node.publish(opened[-1], f"d{number}", offer, SOURCES)
            except NodeFull:
                refused += 1
                continue
            remote = read(answer.sdp).transport
            sockets.append(stranger())
            sockets[-1].sendto(check(remote), (remote.host, remote.port))
            sockets[-1].sendto(hello, (remote.host, remote.port))
            await asyncio.sleep(0)
        answered: set[int] = set()

        def all_begun() -> bool:
            answered.update(
                n for n, s in enumerate(sockets) if any(d[0] == 22 for d in received(s))
            )
            return len(answered) > len(sockets) // 2

        await until(all_begun, "their ClientHellos are answered")
        assert server.port.pending() == limits.pending_handshakes
        assert refused == attempts - limits.pending_handshakes
        arrived = await measuring
        grown_mb = resident_mb(server.pids) - before_mb
        print(
            f"{refused} of {attempts} refused, lesson lost {arrived.loss:.3%}, {grown_mb:+.1f} MB"
        )
        arrived.must_be_whole()
        assert grown_mb < GROWTH_MB
        for each in sockets:
            each.close()
        ahead_s = SETUP_TIMEOUT_S + 1
        await until(lambda: server.port.pending() == 0, "the half-open ones are closed")
        newcomer = HostilePeer(server, lesson.client, "newcomer", opened[-1])
        await newcomer.connect(await newcomer.negotiate())


@in_one_of_three_tries
async def test_ten_thousand_new_ssrcs_a_second() -> None:
    """Authentic packets, made-up SSRCs: a few are looked up, the rest is dropped unread."""
    async with lesson_under_attack(classroom(4)) as lesson:
        peer = HostilePeer(lesson.server, lesson.client, "hostile", "lesson-1")
        await peer.connect(await peer.negotiate())
        await until(lambda: bool(peer.counters), "the hostile peer is connected")
        packets = [peer.protect(speech(1, ssrc=1_000_000 + number)) for number in range(20_000)]
        before_mb = resident_mb(lesson.server.pids)
        began = time.monotonic()
        measuring = asyncio.create_task(lesson.measured(2.0))
        for at in range(0, len(packets), 100):  # 10,000 a second
            for packet in packets[at : at + 100]:
                peer.send(packet)
            # Late on a slow machine: what was missed is not made up for in one burst, which would
            # overflow the socket before the pump had a chance.
            await asyncio.sleep(max(0.005, began + (at + 100) / 10_000 - time.monotonic()))
        seconds = time.monotonic() - began
        arrived = await measuring
        grown_mb = resident_mb(lesson.server.pids) - before_mb
        dropped = lesson.server.stat("drop_ssrc_cap")
        print(
            f"{len(packets) / seconds:,.0f} new SSRCs/s, {dropped:,} dropped, "
            f"lesson lost {arrived.loss:.3%}, {grown_mb:+.1f} MB"
        )
        admitted = NAMED_SSRCS_BURST + UNKNOWN_SSRCS_MAX + NAMED_SSRCS_PER_S * (seconds + 1)
        assert peer.counters["packets_received"] <= admitted
        assert dropped > len(packets) // 2
        arrived.must_be_whole()
        assert grown_mb < GROWTH_MB


@in_one_of_three_tries
async def test_what_comes_from_a_peers_address_without_its_keys() -> None:
    """Somebody who can write a peer's address: replays, forgeries, handshakes, checks, junk.

    They leave the peer's own socket here, which is what a spoofed datagram looks like on arrival.
    """
    async with lesson_under_attack(classroom(4)) as lesson:
        server = lesson.server
        victim = HostilePeer(server, lesson.client, "victim", "lesson-1")
        agreed = await victim.negotiate()
        await victim.connect(agreed)
        genuine = [victim.protect(speech(number)) for number in range(50)]
        for packet in genuine:
            victim.send(packet)
        await until(lambda: victim.counters["packets_received"] == 50, "the genuine packets")
        unsent = [victim.protect(speech(number)) for number in range(50, 100)]
        forged = [packet[:-1] + bytes([packet[-1] ^ 1]) for packet in unsent]
        hello = await client_hello()
        wrong_check = check(agreed.transport, password="not the password of this session")
        measuring = asyncio.create_task(lesson.measured(1.5))
        for packet, forgery in zip(genuine, forged, strict=True):
            for datagram in (packet, forgery, forgery[:20], hello, wrong_check):
                victim.send(datagram)
            victim.send(b"\x16\xfe\xfd" + secrets.token_bytes(200))
            await asyncio.sleep(0.005)
        await until(lambda: server.stat("drop_replay") >= 50, "replays are counted")
        await until(lambda: server.stat("drop_unprotect") >= 100, "forgeries are counted")
        arrived = await measuring
        arrived.must_be_whole()
        assert server.connection("lesson-1", "victim").state is LinkState.CONNECTED
        victim.send(victim.protect(speech(100)))
        await until(lambda: victim.counters["packets_received"] == 51, "the victim is heard still")


async def test_what_a_stranger_replays_of_a_peer() -> None:
    """A captured packet, check or ClientHello from another port moves and adds nothing."""
    async with lesson_under_attack(classroom(2)) as lesson:
        server = lesson.server
        victim = HostilePeer(server, lesson.client, "victim", "lesson-1")
        agreed = await victim.negotiate()
        await victim.connect(agreed)
        connection = server.connection("lesson-1", "victim")
        home, there = connection.remote, (agreed.transport.host, agreed.transport.port)
        captured_check, captured = check(agreed.transport), victim.protect(speech(1))
        victim.send(captured_check)
        victim.send(captured)
        await until(lambda: victim.counters["packets_received"] == 1, "the genuine packet")
        thief = stranger()
        try:
            thief.sendto(captured_check, there)
            thief.sendto(captured, there)
            thief.sendto(await client_hello(), there)
            ice = server.port.ice
            await until(lambda: ice.counters.replays == 1, "the replayed check is noticed")
            await until(lambda: server.stat("drop_unknown_source") == 1, "the replayed packet")
            await until(lambda: server.port.counters.dtls_from_strangers == 1, "the ClientHello")
            assert connection.remote == home
            assert all(len(answer) <= len(captured_check) for answer in received(thief))
        finally:
            thief.close()
        assert victim.counters["packets_received"] == 1


async def test_keyframes_asked_for_by_everybody_all_the_time() -> None:
    """However many ask, the publisher is asked at most once in half a second."""
    async with lesson_under_attack(one_to(3)) as lesson:
        load, client = lesson.client.load, lesson.client
        viewers = [peer for peer in client._peers if peer.name.endswith("-down")]
        (publication,) = lesson.server.node._lessons["lesson-1"].members.publications.values()
        (picture,) = [p for p in publication.producers.values() if p.kind == "video"]
        asked_before = load.totals()["keyframe_requests"]
        began = time.monotonic()
        for _ in range(300):
            for viewer in viewers:
                for consumer_ssrc in lesson_ssrcs(lesson.server, viewer.name):
                    request = serialize_compound([Pli(viewer.ssrc, consumer_ssrc)])
                    load.send_rtcp(viewer.number, request)
            await asyncio.sleep(0.005)
        seconds = time.monotonic() - began
        asked = load.totals()["keyframe_requests"] - asked_before
        print(f"900 requests in {seconds:.1f} s, the publisher got {asked}")
        assert picture.encodings[0].keyframe_requests >= asked
        assert 1 <= asked <= seconds / 0.5 + 1


def lesson_ssrcs(server: InProcessNode, name: str) -> list[int]:
    """The SSRCs of the pictures a seat receives."""
    subscription = server.node._lessons["lesson-1"].members.subscriptions[name]
    return [c.ssrc for c in subscription.consumers if c.producer.kind == "video"]
