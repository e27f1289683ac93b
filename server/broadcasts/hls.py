"""One lesson's low-latency HLS: its taps are read into parts, and players wait for the next one.

Owns the segmenter and who waits for it. Nothing is written anywhere: a full disk, or a player that
reads nothing, is felt by nobody else. Time comes in by the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from mixer.model import TapInfo
from mixer.outputs.playlist import HOLD_BACK_S, TARGET_S, media_playlist, variants
from mixer.outputs.program_reader import ProgramPicture, ProgramSound
from mixer.outputs.segmenter import FIRST_SEGMENT_S, PART_TARGET_S, HlsSegment, Segmenter
from server.broadcasts.local_tap import LocalTap
from server.children.tapping import TappedMedia
from signaling.protocol.messages import LessonSource

_log = structlog.get_logger("tongke.broadcasts")

# How late sound that does not come is given up, or a hole: a tenth of a part.
_TICK_S = 0.02

# A keyframe is on its way for about so long.
_ASKED_AGAIN_S = 0.5

# The first part: a compositor starts in a second, and then four sources' keyframes are waited for.
FIRST_WAIT_S: Final = 15.0
# RFC 8216bis §6.2.5.2: a request may wait for three target durations. No proxy waits so long; a
# part that is not there after two of its segments is not coming.
PART_WAIT_S: Final = 2.0 * TARGET_S

# A whole segment is waited for with the first playlist for so long, in what is made: the keyframe
# that ends it, asked for after `FIRST_SEGMENT_S`, takes tenths of a second, or does not come.
_WHOLE_WAIT_S = 2.0 * FIRST_SEGMENT_S

# A player asks for a part that is at most this far ahead; else it has another playlist in mind.
_MOST_AHEAD = 2

_PIECE = re.compile(
    r"(?P<number>\d{1,9})(\.(?P<part>\d{1,4}))?\.m4s|header(?P<header>\d{1,6})\.mp4"
)


@dataclass(frozen=True, slots=True)
class Addressed:
    """What is at an address of the playlist; it never changes. A segment is told in its parts, as
    they are held: who asks for one and reads nothing keeps no copy of it in memory."""

    pieces: tuple[bytes, ...]
    media_type: str

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


class HlsUnknown(Exception):
    """Nothing is, or will be, at this address."""


class HlsLate(Exception):
    """It may come, and has not come in time."""


class LessonHls:
    """`add_stream` what there is; ask for `index`, `playlist` and `piece`; `close` it."""

    def __init__(
        self,
        media: TappedMedia,
        lesson_id: str,
        *,
        folder: Path,
        window_s: float,
        bandwidth_bps: int,
        height: int,
        on_broken: Callable[[], None],
    ) -> None:
        """`folder` is where sockets are bound, `height` the program's largest picture's.

        `on_broken` is called after a fault of ours.
        """
        self.segmenter = Segmenter(window_s=window_s, height=height)
        self.lost_packets = 0
        self._media = media
        self._lesson_id = lesson_id
        self._folder = folder
        self._bandwidth_bps = bandwidth_bps
        self._on_broken = on_broken
        self._taps: dict[str, LocalTap] = {}  # by producer
        self._pictures: tuple[str, ProgramPicture] | None = None  # and by whom it is sent
        self._sounds: tuple[str, ProgramSound] | None = None
        self._asked_at = float("-inf")
        self._news = asyncio.Event()
        self._closed = False
        self._ticking = asyncio.create_task(self._tick(), name=f"hls-{lesson_id}")
        self._log = _log.bind(lesson=lesson_id)

    async def close(self) -> None:
        """End it; who waits is told that nothing comes."""
        self._closed = True
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        for tap in self._taps.values():
            await tap.stop()
        self._taps.clear()
        self._news.set()

    # --- what comes ---------------------------------------------------------------------------

    def add_stream(self, source: str, producer_id: str) -> None:
        """The program's picture or its mix is there."""
        if producer_id in self._taps:
            return
        is_picture = source == LessonSource.PROGRAM.value

        def begun(info: TapInfo) -> None:
            if is_picture:
                self._pictures = producer_id, ProgramPicture(info)
            else:
                self._sounds = producer_id, ProgramSound(info)

        tap = LocalTap(
            self._media,
            self._lesson_id,
            producer_id,
            folder=self._folder,
            on_begun=begun,
            on_datagrams=self._take_pictures if is_picture else self._take_sounds,
        )
        self._taps[producer_id] = tap
        tap.begin()

    async def remove_stream(self, producer_id: str) -> None:
        """It has gone; another may come."""
        tap = self._taps.pop(producer_id, None)
        if tap is not None:
            await tap.stop()

    def _take_pictures(self, datagrams: list[bytes]) -> None:
        now = _now()
        if self._pictures is None:
            return
        _, track = self._pictures
        with self._guarded():
            for data in datagrams:
                for picture in track.handle_datagram(data, now):
                    self.segmenter.take_picture(picture, now)
            self._make(now)

    def _take_sounds(self, datagrams: list[bytes]) -> None:
        now = _now()
        if self._sounds is None:
            return
        _, track = self._sounds
        with self._guarded():
            for data in datagrams:
                for sound in track.handle_datagram(data, now):
                    self.segmenter.take_sound(sound)
            self._make(now)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """A fault of ours costs this lesson's HLS what it has, and nobody else anything."""
        try:
            yield
        except Exception:
            self._log.exception("the program's HLS has failed, and is begun anew when asked for")
            self._closed = True
            self._on_broken()

    async def _tick(self) -> None:
        while not self._closed:
            await asyncio.sleep(_TICK_S)
            with self._guarded():
                self._look(_now())

    def _look(self, now: float) -> None:
        if self._pictures is not None:
            producer_id, track = self._pictures
            for picture in track.poll(now):
                self.segmenter.take_picture(picture, now)
            wish = track.keyframe_request(now)
            if wish is None and self.segmenter.wants_keyframe:
                wish = track.keyframe_wish() if now - self._asked_at > _ASKED_AGAIN_S else None
                self._asked_at = now if wish is not None else self._asked_at
            if wish is not None and producer_id in self._taps:
                self._taps[producer_id].ask(wish)
        if self._sounds is not None:
            for sound in self._sounds[1].poll(now):
                self.segmenter.take_sound(sound)
        self._make(now)

    def _make(self, now: float) -> None:
        if self.segmenter.poll(now):
            news, self._news = self._news, asyncio.Event()
            news.set()

    # --- what players ask ---------------------------------------------------------------------

    async def index(self) -> str:
        """The first playlist. Raises `HlsLate`."""
        await self._until(self._has_begun, FIRST_WAIT_S)
        _, header = self.segmenter.headers[self.segmenter.segments[-1].header]
        return variants(header, self._bandwidth_bps)

    async def playlist(self, number: int | None = None, part: int | None = None) -> str:
        """What there is, once it has this part (of this segment: its first, without one).

        Raises `HlsUnknown` for what is too far ahead, and `HlsLate`.
        """
        await self._until(self._has_begun, FIRST_WAIT_S)
        if number is not None:
            newest, _ = self.segmenter.newest
            if number > newest + _MOST_AHEAD:
                raise HlsUnknown
            # Without a part the whole segment is meant (§6.2.5.2): the next one has begun then.
            asked = (number, part) if part is not None else (number + 1, 0)
            await self._until(lambda: self.segmenter.has_part(*asked), PART_WAIT_S)
        return media_playlist(self.segmenter)

    def _has_begun(self) -> bool:
        """Whether there is as much as a player stays behind: else it begins with standing still.

        And a whole segment: FFmpeg's players know no parts, and find nothing to play without one.
        """
        segments = self.segmenter.segments
        made_s = sum(one.duration_s for one in segments)
        if made_s < HOLD_BACK_S + 2 * PART_TARGET_S:
            return False
        return segments[0].whole or made_s >= _WHOLE_WAIT_S

    async def piece(self, name: str) -> Addressed:
        """A header, a segment, or a part; the part that comes next is waited for.

        Raises `HlsUnknown`, and `HlsLate`.
        """
        asked = _PIECE.fullmatch(name)
        if asked is None:
            raise HlsUnknown
        if asked["header"] is not None:
            found = self.segmenter.headers.get(int(asked["header"]))
            if found is None:
                raise HlsUnknown
            return Addressed((found[0],), "video/mp4")
        number = int(asked["number"])
        if asked["part"] is None:
            return Addressed(self._segment(number), "video/iso.segment")
        return Addressed((await self._part(number, int(asked["part"])),), "video/iso.segment")

    async def film(self) -> AsyncGenerator[bytes]:
        """The program from the next segment on, its header first; ends where time breaks.

        Raises `HlsLate` while there is none.
        """
        newest, _ = self.segmenter.newest
        await self._until(lambda: self.segmenter.has_part(newest + 1, 0), FIRST_WAIT_S)
        number = newest + 1
        segment = self.segmenter.segment(number)
        if segment is None or not segment.parts[0].independent:
            raise HlsLate
        yield self.segmenter.headers[segment.header][0]
        while segment is not None:
            part = 0
            while part < len(segment.parts) or not segment.whole:
                if part == len(segment.parts):
                    await self._until(partial(_goes_on, segment, part), PART_WAIT_S)
                    continue
                yield segment.parts[part].data
                part += 1
            number += 1
            await self._until(partial(self.segmenter.has_part, number, 0), PART_WAIT_S)
            segment = self.segmenter.segment(number)
            if segment is not None and segment.discontinuity:
                return

    def _segment(self, number: int) -> tuple[bytes, ...]:
        segment = self.segmenter.segment(number)
        if segment is None or not segment.whole:
            raise HlsUnknown
        return tuple(part.data for part in segment.parts)

    async def _part(self, number: int, part: int) -> bytes:
        if (number, part) == self.segmenter.next_part:
            await self._until(lambda: self.segmenter.has_part(number, part), PART_WAIT_S)
        segment = self.segmenter.segment(number)
        if segment is None or part >= len(segment.parts):
            raise HlsUnknown  # a keyframe came before it, or the stream broke
        return segment.parts[part].data

    async def _until(self, true: Callable[[], bool], wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                while not true():
                    if self._closed:
                        raise HlsLate
                    await self._news.wait()
        except TimeoutError:
            raise HlsLate from None


def _goes_on(segment: HlsSegment, part: int) -> bool:
    return segment.whole or len(segment.parts) > part


def _now() -> float:
    return asyncio.get_running_loop().time()
