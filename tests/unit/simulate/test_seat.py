"""A simulated seat's life against a small server that speaks the real protocol.

The server here is scripted: it greets, answers the media offer with aiortc, breaks lines, refuses,
ends lessons. What the seat does in return is what is tested.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from server.simulate.behaviour import Habits, Talk
from server.simulate.scene import Scene, SceneView
from server.simulate.seat import SimulatedSeat
from server.simulate.sending import SentPicture, SimulatedSending
from server.simulate.settings import Appearance, Receive, SeatSettings
from server.simulate.tracks import SpeechLoop
from server.simulate.voice import speech_loop
from signaling.client.address import ServerAddress
from signaling.client.device import Phase
from signaling.client.errors import SeatRefused
from signaling.client.sentences import Sentence
from signaling.client.token_providers import OneToken, TokenProvider
from signaling.protocol.messages import (
    Done,
    EncodingProfile,
    Hand,
    Join,
    Leave,
    LessonEnded,
    LessonState,
    Mode,
    Ping,
    Pong,
    Publish,
    Published,
    RaiseHand,
    Role,
    SeatChanged,
    SeatState,
    SendProfile,
    Source,
    SourceProfile,
    SourceState,
    Subscribe,
    SubscribeAnswer,
    SubscribeOffer,
    Welcome,
    client_message,
)
from signaling.protocol.refusals import refused

PROFILE = SendProfile(
    name="test",
    sources=[
        SourceProfile(source=Source.ROOM, codec="opus", max_bitrate_bps=40_000),
        SourceProfile(
            source=Source.STUDENTS,
            width=640,
            height=360,
            frame_rate=25,
            codec="VP8",
            encodings=[
                EncodingProfile(
                    rid="q", scale_down_by=2, max_bitrate_bps=150_000, max_frame_rate=15
                ),
                EncodingProfile(
                    rid="f", scale_down_by=1, max_bitrate_bps=500_000, max_frame_rate=25
                ),
            ],
        ),
        SourceProfile(source=Source.SCREEN, width=640, height=360, frame_rate=5),
    ],
)
LESSON = LessonState(lesson_id="l", title="t", mode=Mode.BLENDED, started_at=0)


@dataclass
class FakeServer:
    """Greets every seat; `script` sees each message first and may answer it otherwise."""

    script: Callable[[FakeServer, Any], Any] = lambda server, message: None
    origin: str = ""
    heard: list[Any] = field(default_factory=list)
    lines: list[ServerConnection] = field(default_factory=list)
    peers: list[RTCPeerConnection] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, kind: type) -> int:
        return sum(isinstance(message, kind) for message in self.heard)

    def last(self, kind: type) -> Any:
        return next(message for message in reversed(self.heard) if isinstance(message, kind))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def say(self, message: Any) -> None:
        await self.lines[-1].send(message.model_dump_json())

    async def line(self, connection: ServerConnection) -> None:
        self.lines.append(connection)
        with suppress(ConnectionClosed):
            await self.answer_all(connection)

    async def answer_all(self, connection: ServerConnection) -> None:
        async for text in connection:
            message = client_message.validate_json(text)
            if not isinstance(message, Ping):
                self.heard.append(message)
            answer = self.script(self, message) or await self.usual_answer(message)
            answer = answer.model_copy(update={"request_id": message.request_id})
            await connection.send(answer.model_dump_json())
            self.changed.set()

    async def usual_answer(self, message: Any) -> Any:
        if isinstance(message, Join):
            return Welcome(
                seat_id="room-1",
                role=Role.ROOM,
                device_id=f"d{self.count(Join)}",
                resume=f"key-{self.count(Join)}",
                carries_sound=True,
                profile=PROFILE,
                lesson=LESSON,
                seats=[SeatState(seat_id="room-1", role=Role.ROOM, name="Class 1", school="Hill")],
                chat=[],
                server_time=0,
            )
        if isinstance(message, Publish):
            peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            self.peers.append(peer)
            peer.on("connectionstatechange", self.changed.set)
            await peer.setRemoteDescription(RTCSessionDescription(message.sdp, "offer"))
            await peer.setLocalDescription(await peer.createAnswer())
            producers = {mid: f"p-{mid}" for mid in message.sources}
            return Published(sdp=peer.localDescription.sdp, producers=producers)
        return Pong(server_time=0) if isinstance(message, Ping) else Done()


@asynccontextmanager
async def fake_server(**arguments: Any) -> AsyncIterator[FakeServer]:
    server = FakeServer(**arguments)
    async with serve(server.line, "127.0.0.1", 0, ping_interval=None) as listening:
        host, port = listening.sockets[0].getsockname()[:2]
        server.origin = f"http://{host}:{port}"
        yield server
    for peer in server.peers:
        await peer.close()
    await asyncio.sleep(0.05)  # aioice's loop of checks looks up every 20 ms and sees the close


def new_seat(
    server: FakeServer, token_provider: TokenProvider | None = None, **changes: Any
) -> SimulatedSeat:
    settings = SeatSettings(
        appearance=changes.pop("appearance", Appearance(identity=3, max_height=180)),
        habits=changes.pop("habits", Habits(hands=False, talk=Talk.ALWAYS)),
        receive=changes.pop("receive", Receive.NOTHING),
    )
    said: list[Sentence] = []
    return SimulatedSeat(
        ServerAddress.parse(server.origin),
        token_provider or OneToken("token"),
        settings,
        rng=random.Random(1),
        say=said.append,
    )


@asynccontextmanager
async def running(seat: SimulatedSeat) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(seat.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_seat_joins_sends_and_ends_with_the_lesson() -> None:
    async with fake_server() as server:
        seat = new_seat(server)
        async with running(seat) as task:
            await server.until(lambda: server.peers and connected(server.peers[-1]))
            assert seat.phase is Phase.IN_LESSON
            join, publish = server.last(Join), server.last(Publish)
            assert (join.token, join.device.value, join.resume) == ("token", "simulated", None)
            # The sound and the first camera; a screen is not shared by itself.
            assert list(publish.sources.values()) == [Source.ROOM, Source.STUDENTS]
            assert publish.sdp.index("VP8/90000") < publish.sdp.index("H264/90000")
            await server.say(LessonEnded(reason="by-lead"))
            async with asyncio.timeout(10):
                await task
        assert (seat.phase, seat.joins) == (Phase.GONE, 1)


def connected(peer: RTCPeerConnection) -> bool:
    return peer.connectionState == "connected"


async def test_a_broken_line_is_resumed_with_the_key() -> None:
    async with fake_server() as server:
        seat = new_seat(server)
        async with running(seat):
            await server.until(lambda: server.count(Publish) == 1)
            server.lines[-1].transport.abort()
            await server.until(lambda: server.count(Publish) == 2)
            assert server.last(Join).resume == "key-1"
            assert seat.joins == 2
        assert server.count(Leave) == 1  # cancelled: it leaves in order


async def test_failed_media_is_a_lost_line_too() -> None:
    async with fake_server() as server, running(new_seat(server)):
        await server.until(lambda: server.peers and connected(server.peers[-1]))
        await server.peers[-1].close()
        await server.until(lambda: server.count(Publish) == 2)
        assert server.last(Join).resume == "key-1"


async def test_a_server_that_is_not_there_is_asked_again() -> None:
    async with fake_server() as server:
        origin, server.origin = server.origin, "http://127.0.0.1:9"
        seat = new_seat(server)
        async with running(seat) as task:
            await asyncio.sleep(0)
            seat.device.server = ServerAddress.parse(origin)
            await server.until(lambda: seat.phase is Phase.IN_LESSON)
            assert not task.done()


@pytest.mark.parametrize("code", ["token-expired", "no-such-lesson", "lesson-locked"])
async def test_a_refusal_for_good_ends_the_seat(code: str) -> None:
    async with fake_server(script=lambda _, message: refused(code)) as server:
        seat = new_seat(server)
        async with running(seat) as task, asyncio.timeout(10):
            with pytest.raises(SeatRefused) as caught:
                await task
        assert caught.value.code == code
        assert seat.phase is Phase.GONE


async def test_a_passing_refusal_and_a_stale_key_are_tried_again() -> None:
    def script(server: FakeServer, message: Any) -> Any:
        if isinstance(message, Join):
            if server.count(Join) == 1:
                return refused("lesson-full")
            if message.resume is not None:
                return refused("token-invalid")
        return None

    async with fake_server(script=script) as server:
        seat = new_seat(server)
        async with running(seat):
            await server.until(lambda: server.count(Publish) == 1)
            server.lines[-1].transport.abort()
            await server.until(lambda: server.count(Publish) == 2)
        resumes = [message.resume for message in server.heard if isinstance(message, Join)]
        assert resumes == [None, None, "key-2", None]


async def test_a_seat_whose_other_device_sends_looks_on_and_takes_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signaling.client.attendance._PUBLISH_AGAIN_S", 0.0)

    def script(server: FakeServer, message: Any) -> Any:
        if isinstance(message, Publish) and server.count(Publish) < 3:
            return refused("source-taken")
        return None

    async with fake_server(script=script) as server:
        seat = new_seat(server)
        async with running(seat):
            await server.until(lambda: server.peers and connected(server.peers[-1]))
            assert (seat.joins, server.count(Join), server.count(Publish)) == (1, 1, 3)


async def test_hands_are_raised_over_the_line() -> None:
    habits = Habits(hand_every_s=(0.1, 0.1), hand_held_s=(0.1, 0.1))
    async with fake_server() as server:
        seat = new_seat(server, habits=habits, appearance=Appearance(identity=1, pictures=0))
        async with running(seat):
            await server.until(lambda: server.count(RaiseHand) >= 1)
            raised = SeatState(
                seat_id="room-1",
                role=Role.ROOM,
                name="Class 1",
                hand=Hand(place=1, raised_at=0),
            )
            await server.say(SeatChanged(seat=raised))
            await server.until(lambda: any(m.type == "lower_hand" for m in server.heard))


async def test_a_watching_seat_subscribes_and_reads_the_others() -> None:
    """The server here offers back what another simulated seat would send."""
    other = SeatState(
        seat_id="room-2",
        role=Role.ROOM,
        name="Class 2",
        sources=[
            SourceState(source=Source.STUDENTS, producer_id="p-v", device_id="d", kind="video"),
            SourceState(source=Source.ROOM, producer_id="p-a", device_id="d", kind="audio"),
        ],
    )
    async with fake_server() as server:
        seat = new_seat(server, receive=Receive.ALL)
        async with running(seat):
            await server.until(lambda: server.count(Publish) == 1)
            await server.say(SeatChanged(seat=other))
            await server.until(lambda: server.count(Subscribe) == 1)
            wanted = {want.producer_id: want for want in server.last(Subscribe).wants}
            assert set(wanted) == {"p-v", "p-a"}
            assert (wanted["p-v"].width, wanted["p-a"].width) == (320, 0)
            sender = await offering_peer(server)
            await server.until(lambda: server.count(SubscribeAnswer) == 1)
            answer = RTCSessionDescription(server.last(SubscribeAnswer).sdp, "answer")
            await sender.setRemoteDescription(answer)
            for _ in range(400):  # counts are not announced
                if read(seat, "p-v") and heard(seat, "p-a"):
                    break
                await asyncio.sleep(0.05)
    picture, sound = seat.seen["p-v"], seat.seen["p-a"]
    assert (picture.seat_id, picture.identities, sound.tones) == ("room-2", {9}, {9})
    assert picture.unreadable == 0 and json.dumps(picture.summary())


def read(seat: SimulatedSeat, producer_id: str) -> bool:
    return producer_id in seat.seen and bool(seat.seen[producer_id].identities)


def heard(seat: SimulatedSeat, producer_id: str) -> bool:
    return producer_id in seat.seen and bool(seat.seen[producer_id].tones)


async def offering_peer(server: FakeServer) -> RTCPeerConnection:
    """A connection that sends seat 9's picture and voice, offered to the seat."""
    sending = SimulatedSending()
    sending.add_microphone(SpeechLoop(speech_loop(9)), lambda: True)
    sent = SentPicture(Source.STUDENTS, 320, 180, 15, "VP8", 200_000)
    view = SceneView(
        identity=9, name="n", school="s", source="students", width=320, height=180, frame_rate=15
    )
    sending.add_picture(sent, Scene(view), lambda: False)
    server.peers.append(sending.connection)
    sdp, sources = await sending.offer()
    named = {mid: "p-a" if source is Source.ROOM else "p-v" for mid, source in sources.items()}
    await server.say(SubscribeOffer(sdp=sdp, consumers=named))
    return sending.connection
