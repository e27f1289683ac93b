"""The program of one lesson: its process, what it is fed with and what it feeds.

Owns the child, the taps of everything that is shown or heard, the feeds (the picture, the same in
VP8 while somebody cannot show H.264, the mix of all voices, and a mix for each seat that takes the
program and sends sound itself), and telling the lesson what there is. Everything is brought about
by one look: it compares what the lesson is with what was made of it, several times a second and
whenever something has happened. So a child that was killed, a lesson that changes in between and an
order in which nobody thought of cost nothing but the next look.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from mixer.composite.process import messages as c
from mixer.model import FeedOffer, Kind, ProducerInfo, TileSize
from server.children.child import USUAL, Allowances, Child, Program
from server.children.tap_sink import TapSink
from server.children.tapping import TappedMedia, Tapping
from server.programs.feeding import FedMedia, Feeding
from server.programs.layers import (
    FRAMES_PER_S,
    HEARTBEAT_S,
    MIX_BITRATE_BPS,
    USUAL_LAYERS,
)
from server.programs.scene import ProgramScene
from signaling.lesson import LessonScene
from signaling.lesson.events import ProgramCut
from signaling.log.entries import ShotTile
from signaling.protocol.messages import Layout, LessonSource, ProgramStanding, Role

_log = structlog.get_logger("tongke.programs")

# Who speaks is told five times a second, as on the pages; all else is looked at as it happens.
LOOK_EVERY_S = 0.2

# Cuts are seconds apart: so many wait only for a lesson that hangs.
MOST_CUTS = 100

# What every browser has; some have no H.264 (`docs/browsers.md`).
FALLBACK_CODEC: Final = "VP8"

# Before the compositor has said how large it shows a picture, and while it shows it nowhere.
UNSEEN = TileSize(0, 0)

CompositorProgram = Program[c.Command, c.Report]


class ProgramMedia(TappedMedia, FedMedia, Protocol):
    """What a program uses of the media core."""


class ProgramLessons(Protocol):
    """What a program uses of the lessons in progress (`signaling.driver.LessonService`)."""

    def scene(self, lesson_id: str) -> LessonScene | None: ...
    async def add_stream(
        self, lesson_id: str, producer: ProducerInfo, *, seat_id: str | None = None
    ) -> None: ...
    async def remove_stream(self, lesson_id: str, producer_id: str) -> None: ...
    async def set_program(self, lesson_id: str, standing: ProgramStanding) -> None: ...
    async def program_cut(self, lesson_id: str, cut: ProgramCut) -> None: ...


class LessonProgram:
    """`start` it, `close` it; `hurry` when something has happened in its lesson."""

    def __init__(
        self,
        media: ProgramMedia,
        lessons: ProgramLessons,
        lesson_id: str,
        *,
        folder: Path,
        program: CompositorProgram,
        layers: tuple[c.Layer, ...] = USUAL_LAYERS,
        frames_per_s: int = FRAMES_PER_S,
        allowed: Allowances = USUAL,
    ) -> None:
        """`folder` is where sockets are bound, `layers` are its picture's, the smallest first."""
        self._layers = layers
        self._frames_per_s = frames_per_s
        self.lesson_id = lesson_id
        self.counters = c.Counters()
        self.standing = ProgramStanding.STARTING
        self._media = media
        self._lessons = lessons
        self._folder = folder
        self._child = Child(
            program,
            on_up=self._child_up,
            on_report=self._report,
            on_down=self._child_down,
            allowed=allowed,
        )
        self._heartbeat_s = HEARTBEAT_S
        self._scenes = ProgramScene()
        self._sent_scene: c.Scene | None = None  # to the child that is there now
        self._sent_layers: dict[c.PictureCodec, int] = {}
        self._sent_unheard: set[str] = set()  # feeds
        self._taps: dict[str, Tapping] = {}  # by producer
        self._picture = self._feeding(
            FeedOffer(
                LessonSource.PROGRAM.value,
                "H264",
                sum(layer.bitrate_bps for layer in layers),
                layers=len(layers),
                fallback_codec=FALLBACK_CODEC,
            ),
            Kind.VIDEO,
        )
        self._fallback: Feeding | None = None  # the same in another codec, while that is needed
        self._mixes = {"": self._mix("")}  # by the seat that each is for; "": for all others
        self._streams: dict[str, str] = {}  # that the lesson was told: producer by feed
        self._told_standing: ProgramStanding | None = None
        self._cuts: deque[ProgramCut] = deque(maxlen=MOST_CUTS)
        self._changed = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._log = _log.bind(lesson=lesson_id)

    @property
    def pid(self) -> int | None:
        """Its process's id while one runs."""
        return self._child.pid

    @property
    def starts(self) -> int:
        """How often its process was started."""
        return self._child.starts

    @property
    def taps(self) -> int:
        """How many sources it takes."""
        return len(self._taps)

    async def start(self) -> None:
        """Begin; what there is of it the lesson is told."""
        self._log.info("a program begins")
        self._follower = asyncio.create_task(self._follow(), name=f"program-{self.lesson_id}")
        await self._child.start()

    def set_heartbeat(self, every_s: float) -> None:
        """How often the picture is sent though nothing has changed."""
        self._heartbeat_s = every_s
        self._child.send(c.Heartbeat(every_s=every_s))

    def hurry(self) -> None:
        """Something has happened: look now."""
        self._changed.set()

    async def close(self) -> None:
        """End it; its streams are the lesson's no more."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        await asyncio.gather(*(tap.stop() for tap in self._taps.values()))
        self._taps.clear()
        for producer_id in self._streams.values():
            await self._lessons.remove_stream(self.lesson_id, producer_id)
        self._streams.clear()
        for feeding in self._feedings():
            await feeding.stop()
        await asyncio.gather(*self._ending)
        self._child.send(c.Stop())
        await self._child.close()
        self._log.info("a program has ended", starts=self._child.starts)

    # --- one look -----------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            self._changed.clear()
            scene = self._lessons.scene(self.lesson_id)
            if scene is not None:
                self._look(scene)
            await self._tell()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()

    def _look(self, scene: LessonScene) -> None:
        """Bring about what this lesson needs now."""
        self._look_at_sources(scene)
        self._look_at_mixes(scene)
        self._look_at_fallback(scene.fallback_needed)
        if not self._child.up:
            return
        for tap in self._taps.values():
            tap.begin()
        for feeding in self._feedings():
            feeding.begin()
        shown = self._scenes.of(scene)
        if shown != self._sent_scene and self._child.send(shown):
            self._sent_scene = shown
        self._say_layers("H264", scene.layers_needed)
        if self._fallback is not None and self._fallback.sent:
            self._say_layers(FALLBACK_CODEC, scene.fallback_needed)

        self._say_unheard(scene.unheard)

    def _say_unheard(self, unheard: frozenset[str]) -> None:
        """Which mixes nobody receives, of those that the child sends."""
        for mix in self._mixes.values():
            if mix.info is None or not mix.sent:
                continue
            needed = mix.info.producer.producer_id not in unheard
            if needed == (mix.feed_id in self._sent_unheard):
                self._child.send(c.FeedNeeded(feed_id=mix.feed_id, needed=needed))
                self._sent_unheard ^= {mix.feed_id}

    def _say_layers(self, codec: c.PictureCodec, layers: int | None) -> None:
        if layers is not None and layers != self._sent_layers.get(codec):
            self._child.send(c.LayersNeeded(layers=layers, codec=codec))
            self._sent_layers[codec] = layers

    def _look_at_fallback(self, layers: int) -> None:
        """The picture in another codec is made while somebody can show no other, and no longer."""
        picture = self._picture.info
        if layers and self._fallback is None and picture is not None:
            offer = FeedOffer(
                LessonSource.PROGRAM.value,
                FALLBACK_CODEC,
                sum(layer.bitrate_bps for layer in self._layers),
                layers=len(self._layers),
                fallback_for=picture.producer.producer_id,
            )
            self._fallback = self._feeding(offer, Kind.VIDEO)
            self._log.info("somebody cannot show H.264: the program is made in VP8 too")
        elif not layers and self._fallback is not None:
            self._end(self._fallback.stop())
            self._fallback = None
            self._sent_layers.pop(FALLBACK_CODEC, None)

    def _look_at_sources(self, scene: LessonScene) -> None:
        sources = {
            source.producer_id: (seat.seat_id, source.source.value)
            for seat in scene.seats
            if seat.role is not Role.OBSERVER
            for source in seat.sources
        }
        for producer_id in self._taps.keys() - sources.keys():
            self._end(self._taps.pop(producer_id).stop())
        for producer_id in sources.keys() - self._taps.keys():
            seat_id, source = sources[producer_id]
            opening = partial(c.OpenTap, seat_id=seat_id, source=source, producer_id=producer_id)
            self._taps[producer_id] = Tapping(
                self._media,
                TapSink(self._child.send, opening),
                lesson_id=self.lesson_id,
                producer_id=producer_id,
                folder=self._folder,
                want=UNSEEN,
            )

    def _look_at_mixes(self, scene: LessonScene) -> None:
        """Who is heard and takes the program hears all voices but its own."""
        heard = {
            seat.seat_id
            for seat in scene.seats
            if seat.seat_id in scene.takers and any(one.kind == "audio" for one in seat.sources)
        }
        for seat_id in self._mixes.keys() - heard - {""}:
            self._end(self._end_mix(self._mixes.pop(seat_id)))
        for seat_id in heard - self._mixes.keys():
            self._mixes[seat_id] = self._mix(seat_id)

    async def _end_mix(self, mix: Feeding) -> None:
        producer_id = self._streams.pop(mix.feed_id, None)
        if producer_id is not None:
            await self._lessons.remove_stream(self.lesson_id, producer_id)
        await mix.stop()

    async def _tell(self) -> None:
        """Let the lesson know what there is of its program, in the order in which it came."""
        while self._cuts:
            await self._lessons.program_cut(self.lesson_id, self._cuts.popleft())
        # The sounds before the picture: who waits for that takes all at once.
        for feeding in (*self._mixes.values(), self._picture):
            if feeding.info is None or feeding.feed_id in self._streams:
                continue
            if feeding is self._picture and self._mixes[""].feed_id not in self._streams:
                continue
            producer = feeding.info.producer
            self._streams[feeding.feed_id] = producer.producer_id
            await self._lessons.add_stream(
                self.lesson_id, producer, seat_id=feeding.seat_id or None
            )
        if self.standing is not self._told_standing:
            self._told_standing = self.standing
            await self._lessons.set_program(self.lesson_id, self.standing)

    # --- the child ----------------------------------------------------------------------------

    def _child_up(self) -> None:
        """A new child knows nothing: all is said to it at the next look, which is now."""
        self._child.send(
            c.Begin(lesson_id=self.lesson_id, frames_per_s=self._frames_per_s, layers=self._layers)
        )
        self._child.send(c.Heartbeat(every_s=self._heartbeat_s))
        self._sent_scene = None
        self._sent_layers.clear()
        self._sent_unheard.clear()
        self.hurry()

    def _child_down(self) -> None:
        if self.standing is ProgramStanding.RUNNING:
            self.standing = ProgramStanding.STARTING
        for tap in self._taps.values():
            self._end(tap.stop())
        for feeding in self._feedings():
            feeding.child_gone()
        self.hurry()

    def _report(self, report: c.Report) -> None:
        match report:
            case c.FeedReady() | c.FeedFailed():
                self._feed_report(report)
            case c.TapReady() | c.TapFailed() | c.Wants():
                self._tap_report(report)
            case c.Shot():
                self._cuts.append(_cut_of(report))
                self.hurry()
            case c.Counters():
                self.counters = report
            case c.Failed():
                self._log.error("a program cannot be made", code=report.code, why=report.text)
                self.standing = ProgramStanding.FAILED
                self.hurry()
            case c.KeyframeWanted() | c.Hello():
                pass  # asked by the tap's own way back; said once, before all else

    def _feed_report(self, report: c.FeedReady | c.FeedFailed) -> None:
        for feeding in self._feedings():
            if feeding.feed_id != report.feed_id:
                continue
            if isinstance(report, c.FeedReady):
                feeding.ready()
            else:
                feeding.refused(report.text)

    def _tap_report(self, report: c.TapReady | c.TapFailed | c.Wants) -> None:
        tap = next((one for one in self._taps.values() if one.track_id == report.track_id), None)
        if tap is None:
            return
        match report:
            case c.TapReady():
                tap.ready()
            case c.TapFailed():
                tap.refused(report.text, passes=report.passes)
            case c.Wants():
                tap.set_want(TileSize(report.width, report.height))

    def _fed(self) -> None:
        """A stream is sent by the child that is there now."""
        if self._picture.sent and self._mixes[""].sent:
            self.standing = ProgramStanding.RUNNING
        self.hurry()

    # --- parts --------------------------------------------------------------------------------

    def _feedings(self) -> tuple[Feeding, ...]:
        """All of them, the fallback after what it stands for."""
        fallback = () if self._fallback is None else (self._fallback,)
        return (self._picture, *fallback, *self._mixes.values())

    def _mix(self, seat_id: str) -> Feeding:
        offer = FeedOffer(LessonSource.MIX.value, "opus", MIX_BITRATE_BPS)
        return self._feeding(offer, Kind.AUDIO, seat_id)

    def _feeding(self, offer: FeedOffer, kind: Kind, seat_id: str = "") -> Feeding:
        return Feeding(
            self._media,
            self._child.send,
            lesson_id=self.lesson_id,
            folder=self._folder,
            offer=offer,
            kind=kind,
            seat_id=seat_id,
            on_fed=self._fed,
        )

    def _end(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _cut_of(shot: c.Shot) -> ProgramCut:
    return ProgramCut(
        layout=Layout(shot.layout.value),
        why=shot.why.value,
        width=shot.width,
        height=shot.height,
        tiles=tuple(
            ShotTile(
                seat_id=tile.seat_id,
                source=tile.source,
                x=tile.x,
                y=tile.y,
                width=tile.width,
                height=tile.height,
            )
            for tile in shot.tiles
        ),
    )
