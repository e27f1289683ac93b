"""The clock: one thread that composes the program at every tick, of what is there by then.

It waits for no source and no encoder. Nothing dirty, nothing encoded; but once a second the picture
as it is, so that nobody takes the program for stalled, and whenever a keyframe is needed.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mixer.composite.arrange import PictureId, Tile
from mixer.composite.compositor import Compositor
from mixer.composite.lesson_time import MeanDelay
from mixer.composite.lettering import Lettering
from mixer.composite.process.encoding_thread import EncodingThread
from mixer.composite.process.messages import Layer, Report, Scene, Shot, TileShown, Wants
from mixer.composite.process.picture_encoder import FrameBuffer
from mixer.composite.process.reading_thread import ReadingThread
from mixer.composite.process.stage import Shown, Stage

HEARTBEAT_S = 1.0


@dataclass(frozen=True, slots=True)
class PictureTap:
    """A picture's tap, as the clock needs it: to say in which size it is shown."""

    track_id: str
    producer_id: str
    picture_id: PictureId


@dataclass(frozen=True, slots=True)
class _Gone:
    track_id: str


class ClockThread:
    """One program. `before_tick` is called at each tick, before anything is composed."""

    def __init__(
        self,
        size: Layer,
        frames_per_s: int,
        *,
        reading: ReadingThread,
        encoders: Sequence[EncodingThread],
        report: Callable[[Report], None],
        before_tick: Callable[[], None],
        on_broken: Callable[[Exception], None],
        unix_offset_s: float,
    ) -> None:
        """`size` is the largest layer. Raises `ValueError` without a font."""
        self._period_s = 1 / frames_per_s
        self._reading = reading
        self._encoders = tuple(encoders)
        self._report = report
        self._before_tick = before_tick
        self._on_broken = on_broken
        self._unix_offset_s = unix_offset_s
        # Drawn on by turns, for what an encoder is at work on must not change. It nearly always
        # has finished by the next tick, and then all goes on on the same one: nothing is copied.
        self._drawn = FrameBuffer(size.width, size.height)
        self._spare = FrameBuffer(size.width, size.height)
        self._compositor = Compositor(size.width, size.height, Lettering(), self._drawn.canvas)
        self._stage = Stage(size.width, size.height, time.monotonic())
        self._told: queue.SimpleQueue[Scene | PictureTap | _Gone] = queue.SimpleQueue()
        self._sources: dict[str, PictureTap] = {}
        self._pictures: set[PictureId] = set()
        self._tiles: tuple[Tile, ...] = ()
        self._wants: dict[str, tuple[int, int]] = {}
        self._heartbeat_s = HEARTBEAT_S
        self._offered_at = float("-inf")
        self._delay = MeanDelay(self._period_s / 2)
        self._ending = threading.Event()
        self.composed_frames = 0
        self.compose_s = 0.0
        self.late_ticks = 0
        self._thread = threading.Thread(target=self._run, name="clock")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join()

    def set_scene(self, scene: Scene) -> None:
        """Who is there, from the next tick on."""
        self._told.put(scene)

    def set_heartbeat(self, every_s: float) -> None:
        """How often the picture is sent though nothing has changed."""
        self._heartbeat_s = every_s

    def set_encoders(self, encoders: Sequence[EncodingThread]) -> None:
        """To whom the picture goes from the next tick on."""
        self._encoders = tuple(encoders)

    def add_source(self, source: PictureTap) -> None:
        """A picture comes, or will."""
        self._told.put(source)

    def remove_source(self, track_id: str) -> None:
        """It comes no more. Its last picture stays while its seat says that it sends it."""
        self._told.put(_Gone(track_id))

    def _run(self) -> None:
        try:
            due = time.monotonic()
            while not self._ending.wait(max(0.0, due - time.monotonic())):
                now = time.monotonic()
                missed = math.floor((now - due) / self._period_s)
                if now - due > self._period_s / 2:
                    self.late_ticks += 1
                due += missed * self._period_s
                self._tick(due)
                due += self._period_s
        except Exception as error:  # whoever began the thread ends the process by it
            self._on_broken(error)

    def _tick(self, now: float) -> None:
        self._before_tick()
        self._obey(now)
        encoders = self._encoders
        self._reading.expect(now + self._period_s)
        arrived = self._reading.take()
        for picture_id, one in arrived.items():
            self._compositor.show(picture_id, one.picture)
            self._delay.note(max(0.0, now - one.at) + one.lag_s)
        self._pictures |= arrived.keys()
        self._stage.handle_pictures({who: one.picture for who, one in arrived.items()}, now)
        if (shown := self._stage.poll(now)) is not None:
            self._cut(shown, now)
        if self._compositor.is_dirty:
            self._reclaim(encoders)
        began = time.thread_time()
        composed = self._compositor.compose()
        self.compose_s += time.thread_time() - began
        self.composed_frames += composed
        everybody = composed or now - self._offered_at >= self._heartbeat_s - self._period_s / 2
        arrivals = tuple(one.at for one in arrived.values())
        for encoder in encoders:
            if everybody or encoder.keyframe_is_due:
                encoder.offer(self._drawn, now, delay_s=self._delay.delay_s, arrivals=arrivals)
        if everybody:
            self._offered_at = now

    def _reclaim(self, encoders: tuple[EncodingThread, ...]) -> None:
        """Have a canvas that nobody reads, with on it what was drawn last."""
        free = [encoder.give_back(self._drawn) for encoder in encoders]  # by all, not any
        if all(free):
            return
        self._drawn, self._spare = self._spare, self._drawn
        self._compositor.move_to(self._drawn.canvas)

    def _obey(self, now: float) -> None:
        changed = False
        while not self._told.empty():
            changed = True
            match self._told.get():
                case Scene() as scene:
                    self._set_scene(scene, now)
                case PictureTap() as source:
                    self._sources[source.track_id] = source
                case _Gone(track_id):
                    self._sources.pop(track_id, None)
                    self._wants.pop(track_id, None)
        if changed:
            self._say_wants()

    def _set_scene(self, scene: Scene, now: float) -> None:
        self._stage.handle_scene(scene, now)
        for seat_id, marks in self._stage.marks().items():
            self._compositor.mark(seat_id, marks)
        sent = {PictureId(seat.seat_id, name) for seat in scene.seats for name in seat.sources}
        for picture_id in self._pictures - sent:
            self._compositor.forget(picture_id)
        self._pictures &= sent
        self._compositor.lay_out(self._tiles, scene.title)

    def _cut(self, shown: Shown, now: float) -> None:
        self._tiles = shown.tiles
        self._compositor.lay_out(shown.tiles, self._stage.title)
        self._reading.show({tile.picture for tile in shown.tiles})
        self._say_wants()
        canvas = self._compositor.canvas
        self._report(
            Shot(
                unix_s=now + self._unix_offset_s,
                layout=shown.shot.layout,
                why=shown.shot.why,
                width=canvas.width,
                height=canvas.height,
                tiles=tuple(_told_of(tile) for tile in shown.tiles),
            )
        )

    def _say_wants(self) -> None:
        sizes = {tile.picture: (tile.box.width, tile.box.height) for tile in self._tiles}
        for source in self._sources.values():
            size = sizes.get(source.picture_id, (0, 0))
            if self._wants.get(source.track_id) != size:
                self._wants[source.track_id] = size
                width, height = size
                self._report(
                    Wants(
                        track_id=source.track_id,
                        producer_id=source.producer_id,
                        width=width,
                        height=height,
                    )
                )


def _told_of(tile: Tile) -> TileShown:
    box = tile.box
    return TileShown(
        seat_id=tile.picture.seat_id,
        source=tile.picture.source,
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
    )
