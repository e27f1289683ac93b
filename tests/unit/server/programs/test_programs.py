"""A lesson's program, with a real child that makes nothing: begun, fed, told, killed, ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
import structlog

from mixer.composite.process import messages as c
from mixer.errors import NodeFull
from mixer.model import (
    FallbackNeeded,
    FeedInfo,
    FeedOffer,
    Kind,
    LayersNeeded,
    ProducerInfo,
    ProducerLive,
    TapInfo,
    TapWant,
    TileSize,
)
from server.children.child import Allowances
from server.children.compositor import compositor
from server.programs.layers import USUAL_LAYERS, layers_up_to
from server.programs.service import ProgramService
from signaling.lesson import LessonScene
from signaling.lesson import events as e
from signaling.log.entries import parse_entries
from signaling.protocol import messages as m
from signaling.protocol.messages import Layout, LessonSource, ProgramStanding, Source
from tests.stand_in_compositor import WANTED
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import LESSON, SETTINGS

PATIENCE_S = 60.0
QUICK = Allowances(backoff_s=(0.0, 0.1))
STAND_IN = compositor(sys.executable, "-m", "tests.stand_in_compositor")
FAILING = compositor(sys.executable, "-m", "tests.stand_in_compositor", "--says-nothing")


@dataclass
class FakeCore:
    """The media core's taps and feeds, as who uses it sees them."""

    taps: dict[str, tuple[str, TapWant]] = field(default_factory=dict)
    feeds: dict[str, tuple[FeedOffer, str]] = field(default_factory=dict)
    most_feeds: int = 16
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def tap(
        self,
        lesson_id: str,
        producer_id: str,
        socket_path: str,
        want: TapWant = None,
        *,
        from_past: bool = False,
    ) -> TapInfo:
        assert Path(socket_path).is_socket()  # noqa: ASYNC240 - it is, or is not
        tap_id = f"t{next(self._numbers)}"
        self.taps[tap_id] = (producer_id, want)
        is_sound = producer_id.endswith("room")
        return TapInfo(
            tap_id=tap_id,
            producer_id=producer_id,
            kind=Kind.AUDIO if is_sound else Kind.VIDEO,
            codec="opus" if is_sound else "H264",
            payload_type=96,
            clock_rate=48_000 if is_sound else 90_000,
            channels=2 if is_sound else 0,
            ssrc=1,
        )

    async def untap(self, lesson_id: str, tap_id: str) -> None:
        self.taps.pop(tap_id, None)

    def set_tap_want(self, lesson_id: str, tap_id: str, want: TapWant) -> None:
        producer_id, _ = self.taps[tap_id]
        self.taps[tap_id] = (producer_id, want)

    async def feed(
        self, lesson_id: str, device_id: str, socket_path: str, offer: FeedOffer
    ) -> FeedInfo:
        assert Path(socket_path).is_socket()  # noqa: ASYNC240 - it is, or is not
        if len(self.feeds) >= self.most_feeds:
            raise NodeFull("no more feeds")
        number = next(self._numbers)
        producer_id = f"p{number}"
        self.feeds[producer_id] = (offer, socket_path)
        kind = Kind.AUDIO if offer.codec == "opus" else Kind.VIDEO
        info = ProducerInfo(producer_id, device_id, offer.label, kind, offer.codec, offer.layers)
        ssrcs = tuple(range(number * 10, number * 10 + offer.layers))
        return FeedInfo(info, "/media", 102, 90_000, ssrcs)

    async def unpublish(self, lesson_id: str, producer_id: str) -> None:
        self.feeds.pop(producer_id, None)


@dataclass
class Lessons:
    """`signaling.driver.LessonService` for lessons that are played by hand."""

    desks: dict[str, Desk] = field(default_factory=dict)
    service: ProgramService | None = None
    read: Counter[str] = field(default_factory=Counter)

    def open(self, lesson_id: str = LESSON) -> Desk:
        desk = self.desks[lesson_id] = Desk(settings=replace(SETTINGS, programs=True))
        return desk

    def scene(self, lesson_id: str) -> LessonScene | None:
        desk = self.desks.get(lesson_id)
        return None if desk is None else desk.lesson.scene()

    async def add_stream(
        self, lesson_id: str, producer: ProducerInfo, *, seat_id: str | None = None
    ) -> None:
        self.feed(lesson_id, e.StreamAdded(LessonSource(producer.label), producer, seat_id))

    async def remove_stream(self, lesson_id: str, producer_id: str) -> None:
        self.feed(lesson_id, e.StreamRemoved(producer_id))

    async def set_program(self, lesson_id: str, standing: ProgramStanding) -> None:
        self.feed(lesson_id, e.ProgramStands(standing))

    async def program_cut(self, lesson_id: str, cut: e.ProgramCut) -> None:
        self.feed(lesson_id, cut)

    def feed(self, lesson_id: str, event: e.Event) -> None:
        if lesson_id in self.desks:
            self.desks[lesson_id].feed(event)

    async def hear(self) -> None:
        """The service hears what was written since."""
        assert self.service is not None
        for lesson_id, desk in self.desks.items():
            entries, _ = parse_entries(list(desk.journal[self.read[lesson_id] :]))
            self.read[lesson_id] = len(desk.journal)
            for entry in entries:
                await self.service.happened(lesson_id, entry)


@dataclass
class World:
    media: FakeCore
    lessons: Lessons
    service: ProgramService

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                await self.lessons.hear()
                await asyncio.sleep(0.02)

    def pid(self, lesson_id: str = LESSON) -> int:
        program = self.service.program_of(lesson_id)
        assert program is not None and program.pid is not None
        return program.pid


@asynccontextmanager
async def world(
    tmp_path: Path,
    *,
    most: int = 2,
    program: object = STAND_IN,
    lingers_s: float = 0.0,
    layers: tuple[c.Layer, ...] = USUAL_LAYERS,
    frames_per_s: int = 25,
) -> AsyncIterator[World]:
    media, lessons = FakeCore(), Lessons()
    service = ProgramService(
        media,
        most=most,
        program=cast("None", program),
        allowed=QUICK,
        lingers_s=lingers_s,
        layers=layers,
        frames_per_s=frames_per_s,
        runtime_folder=tmp_path,
    )
    service.lessons = lessons
    lessons.service = service
    await service.start()
    try:
        yield World(media, lessons, service)
    finally:
        await service.close()


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def sends(desk: Desk, seat: str, *sources: Source) -> Client:
    client = desk.join(seat)
    for producer_id in client.publish(*sources).values():
        desk.notice(ProducerLive(producer_id, client.device_id))
    return client


def streams(desk: Desk) -> list[tuple[str, str | None]]:
    return [(one.source.value, one.seat_id) for one in desk.state.streams]


def takes(client: Client, taken: bool = True) -> None:
    assert client.ask(m.TakeProgram(taken=taken)) == "done"


async def test_nothing_runs_before_somebody_takes_it(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        lead = sends(desk, "lead", Source.TEACHER, Source.ROOM)
        lead.say(m.SetLayout(layout=Layout.WALL))
        await all_.lessons.hear()
        assert (all_.service.totals().running, all_.service.program_of(LESSON)) == (0, None)
        assert (all_.media.taps, left_in(tmp_path)) == ({}, [])


@pytest.mark.parametrize(
    ("height", "most", "heights"),
    [
        (360, 4, [180, 360]),
        (720, 4, [180, 360, 720]),
        (1080, 4, [180, 360, 720, 1080]),
        (1080, 2, [720, 1080]),
        (720, 1, [720]),
    ],
)
def test_a_programs_layers_end_at_its_height(height: int, most: int, heights: list[int]) -> None:
    assert [layer.height for layer in layers_up_to(height, most=most)] == heights


async def test_a_program_is_made_as_the_server_says(tmp_path: Path) -> None:
    async with world(tmp_path, layers=layers_up_to(1080), frames_per_s=15) as all_:
        desk = all_.lessons.open()
        sends(desk, "lead", Source.TEACHER, Source.ROOM)
        takes(desk.join("observer-1"))
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        offers = [offer for offer, _ in all_.media.feeds.values() if offer.codec == "H264"]
        assert [one.layers for one in offers] == [4]
        assert all_.service.most_bitrate_bps == 3_000_000
        program = all_.service.program_of(LESSON)
        assert program is not None
        assert program.counters.composed_frames == 15


async def test_it_is_begun_fed_told_and_ended(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        lead = sends(desk, "lead", Source.TEACHER, Source.ROOM)
        observer = desk.join("observer-1")
        takes(observer)
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        assert streams(desk) == [("mix", None), ("program", None)], "the sound before the picture"
        offers = [offer for offer, _ in all_.media.feeds.values()]
        assert sorted((one.codec, one.layers) for one in offers) == [("H264", 3), ("opus", 1)]
        seen = {one.source: one.producer_id for one in lead.seats["lead"].sources}
        wants = {
            seen[Source.TEACHER]: TileSize(*WANTED),
            seen[Source.ROOM]: TileSize(*WANTED),  # the fake says pictures of all
        }
        await all_.until(
            lambda: all_.media.taps.keys() and dict(all_.media.taps.values()).keys() == wants.keys()
        )
        await all_.until(
            lambda: dict(all_.media.taps.values())[seen[Source.TEACHER]] == TileSize(*WANTED)
        )
        room = sends(desk, "room-1", Source.STUDENTS)
        await all_.until(lambda: len(all_.media.taps) == 3)
        lead.say(m.SetLayout(layout=Layout.DIALOGUE))
        await all_.until(
            lambda: [one["layout"] for one in desk.entries("program_shot")][-1:] == ["dialogue"]
        )
        tiles = cast("list[dict[str, str]]", desk.entries("program_shot")[-1]["tiles"])
        assert [(one["seat_id"], one["source"]) for one in tiles] == [
            ("lead", "teacher"),
            ("room-1", "students"),
        ]
        room.say(m.Leave())
        await all_.until(lambda: len(all_.media.taps) == 2)
        takes(observer, False)
        await all_.until(lambda: desk.state.program is ProgramStanding.IDLE)
        assert (streams(desk), all_.media.feeds, all_.media.taps) == ([], {}, {})
        assert left_in(tmp_path) == []


async def test_a_seat_that_takes_it_and_is_heard_has_a_mix_of_its_own(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        sends(desk, "lead", Source.TEACHER, Source.ROOM)
        room = sends(desk, "room-1", Source.STUDENTS, Source.ROOM)
        takes(room)
        takes(desk.join("room-2"))
        await all_.until(lambda: ("mix", "room-1") in streams(desk))
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        assert sorted(streams(desk), key=str) == [
            ("mix", "room-1"),
            ("mix", None),
            ("program", None),
        ], "who is silent hears the one of all"
        takes(room, False)
        await all_.until(lambda: ("mix", "room-1") not in streams(desk))
        assert len(all_.media.feeds) == 2


async def test_a_killed_child_is_replaced_under_the_same_streams(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        sends(desk, "lead", Source.TEACHER, Source.ROOM)
        takes(desk.join("observer-1"))
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        await all_.until(lambda: len(all_.media.taps) == 2)
        before = (dict(all_.media.feeds), list(desk.state.streams))
        first = set(all_.media.taps)
        os.kill(all_.pid(), signal.SIGKILL)
        await all_.until(lambda: desk.state.program is ProgramStanding.STARTING)
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        await all_.until(lambda: len(all_.media.taps) == 2 and not first & all_.media.taps.keys())
        assert (dict(all_.media.feeds), list(desk.state.streams)) == before
        assert all_.service.totals().starts == 2
        shots = len(desk.entries("program_shot"))
        await all_.until(lambda: len(desk.entries("program_shot")) >= shots)


async def test_layers_that_nobody_receives_rest_in_each_child_anew(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        sends(desk, "lead", Source.TEACHER, Source.ROOM)
        takes(desk.join("observer-1"))
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        (picture,) = (one for one in desk.state.streams if one.source is LessonSource.PROGRAM)
        program = all_.service.program_of(LESSON)
        assert program is not None and program.counters.encoded_frames == 0, "nothing said yet"
        desk.notice(LayersNeeded("program", picture.producer_id, 2))
        await all_.until(lambda: program.counters.encoded_frames == 2)
        program.counters = c.Counters()
        assert program.pid is not None
        os.kill(program.pid, signal.SIGKILL)
        await all_.until(lambda: program.starts == 2 and program.counters.encoded_frames == 2)


async def test_what_nobody_hears_is_told_to_whoever_makes_it(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        sends(desk, "lead", Source.TEACHER)
        takes(desk.join("observer-1"))
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        (mix,) = (one for one in desk.state.streams if one.source is LessonSource.MIX)
        program = all_.service.program_of(LESSON)
        assert program is not None and program.pid is not None
        assert program.counters.late_sound_ticks == 0, "nothing said yet"
        desk.notice(LayersNeeded("program", mix.producer_id, 0))
        await all_.until(lambda: program.counters.late_sound_ticks == 1)
        program.counters = c.Counters()
        os.kill(program.pid, signal.SIGKILL)
        await all_.until(lambda: program.starts == 2 and program.counters.late_sound_ticks == 1)
        desk.notice(LayersNeeded("program", mix.producer_id, 1))
        await all_.until(lambda: program.counters.late_sound_ticks == 2)


async def test_who_cannot_show_h264_has_it_in_vp8_as_long_as_that_is_needed(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        desk = all_.lessons.open()
        sends(desk, "lead", Source.TEACHER)
        takes(desk.join("observer-1"))
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        (picture,) = (one for one in desk.state.streams if one.source is LessonSource.PROGRAM)

        def fallbacks() -> list[FeedOffer]:
            return [offer for offer, _ in all_.media.feeds.values() if offer.codec == "VP8"]

        assert [one.fallback_codec for one, _ in all_.media.feeds.values()] == ["VP8", ""]
        assert fallbacks() == []
        desk.notice(FallbackNeeded("program", picture.producer_id, 2))
        await all_.until(fallbacks)
        assert [(one.fallback_for, one.layers) for one in fallbacks()] == [(picture.producer_id, 3)]
        program = all_.service.program_of(LESSON)
        assert program is not None and program.pid is not None
        await all_.until(lambda: program.counters.encoded_frames == 2)
        assert len(streams(desk)) == 2, "the lesson knows of one picture, and its sound"
        program.counters = c.Counters()
        os.kill(program.pid, signal.SIGKILL)
        await all_.until(lambda: program.starts == 2 and program.counters.encoded_frames == 2)
        assert len(fallbacks()) == 1
        desk.notice(FallbackNeeded("program", picture.producer_id, 0))
        await all_.until(lambda: not fallbacks())
        assert desk.state.program is ProgramStanding.RUNNING
        desk.notice(FallbackNeeded("program", picture.producer_id, 1))
        await all_.until(fallbacks)


@pytest.mark.thorough
async def test_a_child_that_never_comes_costs_the_lesson_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, program=FAILING) as all_:
        desk = all_.lessons.open()
        lead = sends(desk, "lead", Source.TEACHER)
        takes(desk.join("observer-1"))
        await all_.until(lambda: all_.service.totals().starts >= 3)
        assert desk.state.program is ProgramStanding.STARTING
        assert (all_.media.taps, streams(desk)) == ({}, [])
        assert lead.ask(m.SetLayout(layout=Layout.WALL)) == "done"


@pytest.mark.thorough
async def test_who_finds_no_room_is_told_and_has_the_next_that_is_free(tmp_path: Path) -> None:
    async with world(tmp_path, most=1) as all_:
        first, second = all_.lessons.open("l-1"), all_.lessons.open("l-2")
        one, other = first.join("observer-1"), second.join("observer-1")
        takes(one)
        await all_.until(lambda: first.state.program is ProgramStanding.RUNNING)
        takes(other)
        await all_.until(lambda: second.state.program is ProgramStanding.FULL)
        assert all_.service.totals().waiting == 1
        takes(one, False)
        await all_.until(lambda: second.state.program is ProgramStanding.RUNNING)
        assert first.state.program is ProgramStanding.IDLE
        takes(one)
        await all_.until(lambda: first.state.program is ProgramStanding.FULL)
        takes(one, False)
        await all_.until(lambda: first.state.program is ProgramStanding.IDLE)


@pytest.mark.thorough
async def test_a_page_that_is_loaded_anew_finds_its_program(tmp_path: Path) -> None:
    async with world(tmp_path, lingers_s=600.0) as all_:
        desk = all_.lessons.open()
        observer = desk.join("observer-1")
        takes(observer)
        await all_.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        pid = all_.pid()
        observer.say(m.Leave())
        await all_.lessons.hear()
        takes(desk.join("observer-2"))
        await all_.lessons.hear()
        assert (all_.pid(), desk.state.program) == (pid, ProgramStanding.RUNNING)
        await all_.service.lesson_closed(LESSON)
        await all_.until(lambda: not all_.media.feeds)


@pytest.mark.thorough
async def test_a_feed_that_finds_no_room_leaves_the_others(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        all_.media.most_feeds = 2
        desk = all_.lessons.open()
        takes(sends(desk, "room-1", Source.STUDENTS, Source.ROOM))
        await all_.until(lambda: len(all_.media.feeds) == 2)
        await all_.until(lambda: len(streams(desk)) >= 1)
        assert len(all_.media.feeds) == 2


async def test_where_no_socket_can_be_bound_it_is_tried_until_one_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there stands for a file system that is full for a while."""
    monkeypatch.setattr("server.children.tapping.RETRY_S", 0.05)
    monkeypatch.setattr("server.programs.feeding.RETRY_S", 0.05)
    folder = tmp_path / "full"
    async with world(folder) as here:
        desk = here.lessons.open()
        lead = sends(desk, "lead", Source.TEACHER, Source.ROOM)
        with structlog.testing.capture_logs() as logged:
            takes(desk.join("observer-1"))
            await here.until(lambda: said_of(logged, "a source is refused by a child") >= 4)
            await here.until(lambda: said_of(logged, "a child cannot feed a lesson") >= 4)
        assert (desk.state.program, here.media.taps) == (ProgramStanding.STARTING, {})
        assert lead.ask(m.SetLayout(layout=Layout.WALL)) == "done", "the lesson goes on"
        folder.mkdir()
        await here.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        await here.until(lambda: len(here.media.taps) == 2)


def said_of(logged: Sequence[Mapping[str, object]], event: str) -> int:
    return sum(entry["event"] == event for entry in logged)


async def test_who_is_no_device_holds_it_until_it_lets_go(tmp_path: Path) -> None:
    """Players outside the lesson: it begins for them, and stays when the last device has gone."""
    async with world(tmp_path) as here:
        desk = here.lessons.open()
        lead = sends(desk, "lead", Source.TEACHER)
        player = object()
        here.service.hold(LESSON, player)
        await here.until(lambda: desk.state.program is ProgramStanding.RUNNING)
        assert streams(desk) == [("mix", None), ("program", None)]
        pid = here.pid()
        takes(lead)
        await here.lessons.hear()
        takes(lead, taken=False)
        await here.lessons.hear()
        await asyncio.sleep(0)
        assert here.pid() == pid, "a player still takes it"
        here.service.release(LESSON, player)
        await here.until(lambda: here.service.program_of(LESSON) is None)
        await here.until(lambda: desk.state.program is ProgramStanding.IDLE)


async def test_who_holds_one_that_has_no_room_has_the_next(tmp_path: Path) -> None:
    player = object()
    async with world(tmp_path, most=1) as here:
        for lesson_id in ("l1", "l2"):
            here.lessons.open(lesson_id)
            here.service.hold(lesson_id, player)
        await here.until(lambda: here.lessons.desks["l2"].state.program is ProgramStanding.FULL)
        here.service.release("l1", player)
        await here.until(lambda: here.service.program_of("l2") is not None)
        assert here.service.program_of("l1") is None
