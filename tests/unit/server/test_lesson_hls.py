"""A lesson's HLS in the server: begun when asked for, the next part waited for, ended by itself.

The media core is played: its taps are real sockets, and what comes by them is a program.
"""

from __future__ import annotations

import asyncio
import io
import re
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest
import structlog

from mixer.model import Kind, TapInfo, TapWant
from server.broadcasts.hls import HlsUnknown, LessonHls
from server.broadcasts.service import BroadcastService
from server.broadcasts.targets import push_target
from server.broadcasts.watch_keys import WatchKeys
from server.errors import Refusal
from tests.played_program import PICTURE, Arrival, arrivals, tap_of
from tests.recorded_media import SOUND, brightness, encode_sound, encode_video, read_counter
from tests.unit.signaling.sample_lesson import LESSON, plan

PATIENCE_S = 30.0
SECONDS = 6
KEYFRAMES_AT_S = 4


@dataclass
class PlayedCore:
    """The media core's taps: where each is."""

    taps: dict[str, str] = field(default_factory=dict)  # path by producer
    untapped: list[str] = field(default_factory=list)

    async def tap(
        self,
        lesson_id: str,
        producer_id: str,
        socket_path: str,
        want: TapWant = None,
        *,
        from_past: bool = False,
    ) -> TapInfo:
        assert want is None, "at its best"
        self.taps[producer_id] = socket_path
        is_picture = producer_id == "picture"
        return tap_of(PICTURE if is_picture else SOUND, Kind.VIDEO if is_picture else Kind.AUDIO)

    async def untap(self, lesson_id: str, tap_id: str) -> None:
        self.untapped.append(tap_id)

    def set_tap_want(self, lesson_id: str, tap_id: str, want: TapWant) -> None:
        raise AssertionError("it stays at its best")

    def send(self, one: Arrival) -> None:
        path = self.taps["picture" if one.stream is PICTURE else "mix"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as core:
            core.sendto(one.data, path)


@dataclass
class Programs:
    """`server.programs`: who holds which lesson's."""

    held: list[str] = field(default_factory=list)
    most_bitrate_bps: int = 1_500_000
    height: int = 0

    def hold(self, lesson_id: str, holder: object) -> None:
        self.held.append(lesson_id)

    def release(self, lesson_id: str, holder: object) -> None:
        self.held.remove(lesson_id)


@dataclass
class World:
    core: PlayedCore
    programs: Programs
    service: BroadcastService

    async def opened(self) -> LessonHls:
        """The lesson is open, its program made, and a player has asked."""
        await self.service.lesson_opened(plan())
        await self.service.producer_added(LESSON, "lead", "teacher", "p9")
        await self.service.producer_added(LESSON, "", "mix", "mix")
        hls = self.service.hls_of(LESSON)
        assert hls is not None
        await self.service.producer_added(LESSON, "", "program", "picture")
        await until(lambda: len(self.core.taps) == 2)
        return hls

    async def play(self, since: float = 0.0, until_s: float = SECONDS) -> None:
        """The program as it comes, as fast as it is taken."""
        for one in FILM:
            if since <= one.at < until_s:
                self.core.send(one)
                await asyncio.sleep(0)


def film() -> list[Arrival]:
    picture = encode_video("H264", SECONDS, keyframe_every=KEYFRAMES_AT_S * 25)
    sound = encode_sound(SECONDS, beeps=(1.0,))
    both = arrivals(PICTURE, picture) + arrivals(SOUND, sound)
    return sorted(both, key=lambda one: one.at)


FILM = film()


@asynccontextmanager
async def world(
    tmp_path: Path, *, lingers_s: float = 30.0, window_s: float = 60.0
) -> AsyncIterator[World]:
    core, programs = PlayedCore(), Programs()
    service = BroadcastService(
        core,
        programs,
        keys=WatchKeys(b"k" * 32),
        window_s=window_s,
        lingers_s=lingers_s,
        runtime_folder=tmp_path,
    )
    await service.start()
    try:
        yield World(core, programs, service)
    finally:
        await service.close()
    assert not list(tmp_path.iterdir()), "no socket is left"  # noqa: ASYNC240 - a test's folder


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for is said by nobody
            await asyncio.sleep(0.01)


async def test_a_player_has_all_that_the_playlists_name(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        hls = await here.opened()
        assert here.programs.held == [LESSON]
        asking = asyncio.create_task(hls.index())
        await here.play()
        index = await asking
        assert 'CODECS="avc1.42' in index and "RESOLUTION=320x240" in index
        told = await hls.playlist()
        header = (await hls.piece("header0.mp4")).data
        names = re.findall(r"^\d+\.m4s$", told, re.MULTILINE)
        parts = re.findall(r'PART:.*URI="([^"]+)"', told)
        assert names == ["0.m4s"] and len(parts) >= 25
        pieces = [(await hls.piece(name)).data for name in [*names, *parts]]
        in_parts = b"".join(
            data for name, data in zip(parts, pieces[1:], strict=True) if name.startswith("0.")
        )
        assert pieces[0] == in_parts, "a segment is its parts"
        with av.open(io.BytesIO(header + pieces[0]), "r") as container:
            counters = [read_counter(brightness(one)) for one in container.decode(video=0)]
        assert counters == list(range(KEYFRAMES_AT_S * 25))


async def test_the_first_playlist_waits_a_little_for_a_whole_segment(tmp_path: Path) -> None:
    """And no longer: here the keyframe that ends it comes after four seconds."""
    async with world(tmp_path) as here:
        hls = await here.opened()
        asking = asyncio.create_task(hls.playlist())
        await here.play(until_s=1.9)
        await until(lambda: hls.segmenter.newest >= (0, 7))
        await asyncio.sleep(0)
        assert not asking.done(), "a player that knows no parts would find nothing to play"
        await here.play(since=1.9, until_s=3.0)
        assert "#EXT-X-PART:" in await asking


async def test_the_next_part_and_the_playlist_that_names_it_are_waited_for(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        hls = await here.opened()
        await here.play(until_s=3.0)
        await until(lambda: hls.segmenter.newest >= (0, 12))
        number, part = hls.segmenter.next_part
        piece = asyncio.create_task(hls.piece(f"{number}.{part}.m4s"))
        playlist = asyncio.create_task(hls.playlist(number, part))
        await asyncio.sleep(0.1)
        assert not piece.done() and not playlist.done()
        await here.play(since=3.0)
        assert (await piece).data
        assert f'PART:DURATION=0.20000,URI="{number}.{part}.m4s"' in await playlist
        # Beyond its segment's last part the first one of the next is meant.
        assert 'URI="1.0.m4s"' in await hls.playlist(0, 50)
        for unknown in ("9.m4s", "0.99.m4s", "header7.mp4", "1.m4s", "x", "../0.m4s", "index"):
            with pytest.raises(HlsUnknown):
                await hls.piece(unknown)
        with pytest.raises(HlsUnknown):
            await hls.playlist(99, 0)


async def test_it_ends_when_nobody_asks_and_begins_when_somebody_does(tmp_path: Path) -> None:
    async with world(tmp_path, lingers_s=0.2) as here:
        hls = await here.opened()
        for _ in range(5):
            await asyncio.sleep(0.1)
            assert here.service.hls_of(LESSON) is hls, "it is asked for"
        await until(lambda: not here.programs.held)
        assert here.service.hls_lessons == 0
        assert here.service.hls_of(LESSON) is not hls
        assert here.programs.held == [LESSON]


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """No file of this process can grow any more, whatever disk it is on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="large"):
            file.write_bytes(b"x")
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
        file.unlink()


async def test_a_full_disk_is_felt_by_no_player(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        hls = await here.opened()
        with full_disk(tmp_path / "anything"):
            await here.play()
            await until(lambda: hls.segmenter.newest >= (1, 5))
            header = (await hls.piece("header0.mp4")).data
            film = header + (await hls.piece("0.m4s")).data
        with av.open(io.BytesIO(film), "r") as container:
            counters = [read_counter(brightness(one)) for one in container.decode(video=0)]
        assert counters == list(range(KEYFRAMES_AT_S * 25))


async def test_where_no_socket_can_be_bound_it_is_tried_until_one_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there stands for a file system that is full for a while."""
    monkeypatch.setattr("server.children.tapping.RETRY_S", 0.05)
    folder = tmp_path / "full"
    async with world(tmp_path) as here:
        here.service._runtime_folder = folder
        with structlog.testing.capture_logs() as logged:
            opening = asyncio.create_task(here.opened())
            await until(lambda: len(logged) >= 5)
        assert not opening.done() and not here.core.taps
        folder.mkdir()
        hls = await opening
        await here.play()
        await until(lambda: hls.segmenter.newest >= (1, 5))
        await here.service.lesson_closed(LESSON)
        await until(lambda: len(here.core.untapped) == 2)
        folder.rmdir()  # no socket is left


async def test_a_lesson_that_is_over_or_not_begun_has_none(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert here.service.hls_of(LESSON) is None
        await here.opened()
        await here.service.lesson_closed(LESSON)
        assert here.service.hls_of(LESSON) is None
        assert not here.programs.held
    async with world(tmp_path, window_s=0) as here:
        await here.service.lesson_opened(plan())
        assert here.service.hls_of(LESSON) is None, "it is switched off"


async def test_a_fault_of_ours_costs_this_lesson_what_it_has(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        hls = await here.opened()

        def broken(*_: object) -> bool:
            raise ZeroDivisionError

        hls.segmenter.poll = broken  # type: ignore[method-assign, assignment]  # it is to fail
        await until(lambda: here.service.hls_lessons == 0)
        assert here.service.hls_of(LESSON) is not hls


async def test_what_is_pushed_is_the_film_and_holds_the_program(tmp_path: Path) -> None:
    """With no HLS at all, and nobody who asks."""
    async with world(tmp_path, window_s=0, lingers_s=0.1) as here:
        await here.service.lesson_opened(plan())
        await here.service.producer_added(LESSON, "", "program", "picture")
        await here.service.producer_added(LESSON, "", "mix", "mix")
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            address = f"rtmp://127.0.0.1:{deaf.getsockname()[1]}/live/KEY"
            target = push_target(address, ["127.0.0.1"])
            push = await here.service.add_push(LESSON, target)
            await until(lambda: here.programs.held == [LESSON])
            with pytest.raises(Refusal) as refused:
                await here.service.add_push(LESSON, target)
            assert refused.value.code == "pushed-already"
            assert here.service.pushes_of(LESSON) == [push]
            await asyncio.sleep(0.3)
            assert here.programs.held, "whoever is pushed to asks for nothing"
            await here.service.end_push(LESSON, push.push_id)
        await until(lambda: not here.programs.held)
        with pytest.raises(Refusal):
            await here.service.end_push(LESSON, push.push_id)
        with pytest.raises(Refusal):
            await here.service.add_push("another", target)
