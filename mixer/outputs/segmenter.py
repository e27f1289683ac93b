"""Low-latency HLS (RFC 8216bis §4.4.3.7, §4.4.4.9): dated pictures and sounds in, parts out.

Owns the window that players may go back in, in memory: its length is bounded in time and in bytes,
so no disk is asked and none can be full. A picture's duration is known with the next one; so a part
is whole when the picture after it has come and its sound is there, or has been waited for long
enough. Nothing is known here of who plays it.

A segment begins with a keyframe. Where time breaks (a compositor that was killed, a sender's clock
that jumped) or the picture's header changes, the next segment says so (`discontinuity`); what comes
up to the next keyframe is left out. The program's largest layer is what is put out: where its tap
begins with a smaller one that is left out too, so that players begin with one size and no
discontinuity. Sans-IO: `now` is any steady clock in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixer.outputs.fmp4 import (
    PICTURE_RATE,
    H264Header,
    Sample,
    fragment,
    header_of,
    header_segment,
    without_header,
)
from mixer.outputs.program_reader import DatedPicture, DatedSound
from mixer.outputs.sound_format import SOUND_FRAME, SOUND_RATE, AacFrame
from mixer.rtp.errors import MalformedPacketError

if TYPE_CHECKING:
    from mixer.outputs.aac_sound import AacSound

# A part is whole with the first picture that makes it so long: five of 40 ms, or three of 67.
PART_S = 0.2

# What the playlist says: no part is longer (RFC 8216bis §4.4.3.7). Rooms that send 15 pictures a
# second make steps of 80 ms in a program of 25: a part that would be longer ends before such a one.
PART_TARGET_S = 0.24

# Times are rounded to ticks of the sender's and of ours.
_ROUNDING_S = 0.002

# A player that joins begins at a keyframe, and each costs what ten pictures do.
SEGMENT_S = 4.0
# Who begins to receive the program asks for keyframes too: no segment is worth less than this.
_SHORTEST_SEGMENT_S = 2.0
# Players that know no parts (FFmpeg's) take whole segments, and give up where there is none yet:
# the first is whole by the time that the first playlist is told (`server.broadcasts.hls`).
FIRST_SEGMENT_S = 1.0
_SHORTEST_FIRST_S = 0.8
# When none comes though it was asked for, a segment ends without one: players are told its length.
LONGEST_SEGMENT_S = 6.0

# The picture comes at least five times a second while it is put out; more is a break.
_LONGEST_PICTURE_S = 1.0
# The length of a picture behind which time breaks: nobody knows it.
_LAST_PICTURE_S = 0.04

# The layers begin within tenths of a second of each other, one that has rested within half a second
# (`server.programs`); a busy machine takes a few times as long. Then what there is, is put out.
LARGEST_WAIT_S = 3.0

# Sound waits longer in the compositor than pictures do, by its jitter buffers.
_SOUND_WAITS_S = 0.3

# 1080p at the cap of its rate for ten minutes is less; beyond, the window gets shorter.
MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class HlsPart:
    """Some pictures and their sound, as one fragment."""

    data: bytes
    duration_s: float
    independent: bool  # begins with a keyframe


@dataclass(slots=True)
class HlsSegment:
    """Parts that follow each other; the last of the window's is being made."""

    number: int  # its media sequence number
    header: int  # which header it is read with
    unix_s: float  # when its first picture was seen in the rooms
    discontinuity: bool
    parts: list[HlsPart] = field(default_factory=list)
    whole: bool = False

    @property
    def duration_s(self) -> float:
        """Of what there is."""
        return sum(part.duration_s for part in self.parts)

    @property
    def bytes(self) -> int:
        """Of what there is."""
        return sum(len(part.data) for part in self.parts)


@dataclass(slots=True)
class _OpenPart:
    """Pictures that wait for their sound. Times in ticks of the picture's clock."""

    at: int
    samples: list[Sample]
    end: int
    opens_segment: bool  # a new one begins with it
    independent: bool
    header: int
    discontinuity: bool
    ends_segment: bool = False
    ended_at: float = 0.0


class Segmenter:
    """The state of one program's HLS."""

    def __init__(self, *, window_s: float, height: int = 0) -> None:
        """`height` is the largest layer's; 0: whatever comes is put out."""
        self._window_s = window_s
        self._height = height
        self._smaller_since: float | None = None  # smaller pictures come, and are left out
        self.headers: dict[int, tuple[bytes, H264Header]] = {}
        self.segments: deque[HlsSegment] = deque()
        self.discontinuities_past = 0  # in segments that are in the window no more
        self.dropped_pictures = 0
        self._sound: AacSound | None = None
        self._sounds: deque[AacFrame] = deque()
        self._epoch_s = 0.0  # Unix time of tick 0
        self._header: H264Header | None = None
        self._held: tuple[int, Sample] | None = None  # a picture whose duration is not known yet
        self._part: _OpenPart | None = None
        self._ended: deque[_OpenPart] = deque()  # parts that wait for their sound
        self._segment_at = 0  # where the segment being made begins, in ticks
        self._needs_keyframe = True
        self._breaks = False  # the next segment is a discontinuity
        self._number = 0  # of segments
        self._fragments = 0
        self._header_number = -1

    # --- what comes ---------------------------------------------------------------------------

    def take_picture(self, picture: DatedPicture, now: float) -> None:
        """The next picture. One that cannot be placed is dropped and counted."""
        if self._held is not None and not self._follows(picture):
            self._break(now)
        header = header_of(picture.data) if picture.keyframe else None
        begins = self._needs_keyframe or (picture.keyframe and header != self._header)
        if self._needs_keyframe and self._larger_comes(header, now):
            return
        if begins and (header is None or not self._begin(picture, header, now)):
            self.dropped_pictures += 1
            return
        at = self._ticks(picture.unix_s)
        self._end_held(at, now, keyframe=picture.keyframe)
        self._held = at, Sample(without_header(picture.data), 0, sync=picture.keyframe)

    def take_sound(self, sound: DatedSound) -> None:
        """The next sound; what lies before the first picture is left out."""
        if self._sound is None:
            return
        at = round((sound.unix_s - self._epoch_s) * SOUND_RATE)
        if at + sound.samples > 0:
            self._sounds.extend(self._sound.take(at, sound.data))

    def poll(self, now: float) -> bool:
        """Make what is whole now; whether there is anything new. To be asked often."""
        made = False
        while self._ended and self._has_its_sound(self._ended[0], now):
            self._make(self._ended.popleft())
            made = True
        return made

    @property
    def wants_keyframe(self) -> bool:
        """Whether it is time for another segment. To be asked for then, once in a while."""
        if self._held is None:
            # Of the larger one, or it has been waited for; or time broke and nothing was lost, so
            # that no reader misses one.
            return self._smaller_since is not None or self._breaks
        wanted_s = FIRST_SEGMENT_S if self._is_first else SEGMENT_S
        return self._held[0] - self._segment_at >= wanted_s * PICTURE_RATE

    @property
    def _is_first(self) -> bool:
        """Whether the segment being made is the first since time began, or began anew."""
        return self._segment_at == 0

    # --- what is to be read -------------------------------------------------------------------

    @property
    def newest(self) -> tuple[int, int]:
        """The media sequence number and part number of the newest part; (-1, -1) before any."""
        if not self.segments:
            return -1, -1
        last = self.segments[-1]
        return last.number, len(last.parts) - 1

    @property
    def next_part(self) -> tuple[int, int]:
        """The part that comes next, if no keyframe comes before it."""
        if not self.segments:
            return self._number, 0
        last = self.segments[-1]
        return (last.number + 1, 0) if last.whole else (last.number, len(last.parts))

    def has_part(self, number: int, part: int) -> bool:
        """Whether a playlist tells of this part, or of what came in its place.

        A part beyond its segment's last is the first of the next one (RFC 8216bis §6.2.5.2).
        """
        if not self.segments:
            return False
        last = self.segments[-1]
        if last.number != number:
            return last.number > number
        return len(last.parts) > part

    def segment(self, number: int) -> HlsSegment | None:
        """One that is in the window."""
        return next((one for one in self.segments if one.number == number), None)

    # --- time ---------------------------------------------------------------------------------

    def _ticks(self, unix_s: float) -> int:
        return round((unix_s - self._epoch_s) * PICTURE_RATE)

    def _follows(self, picture: DatedPicture) -> bool:
        assert self._held is not None  # asked where there is one
        gap = self._ticks(picture.unix_s) - self._held[0]
        return 0 < gap <= _LONGEST_PICTURE_S * PICTURE_RATE

    def _larger_comes(self, header: H264Header | None, now: float) -> bool:
        """Whether to begin with this picture is too early."""
        if header is None:
            return self._smaller_since is not None
        try:
            _, height = header.size
        except MalformedPacketError:
            return False  # which is counted where it cannot be placed
        if height >= self._height:
            return False
        if self._smaller_since is None:
            self._smaller_since = now
        return now - self._smaller_since < LARGEST_WAIT_S

    def _begin(self, picture: DatedPicture, header: H264Header, now: float) -> bool:
        """A header of its own, and time from where the last one ended."""
        try:
            made = header_segment(header)
        except MalformedPacketError:
            return False
        if self._held is not None:  # the header changes: time goes on
            self._end_held(self._ticks(picture.unix_s), now, keyframe=False)
            self._end_part(now)
            self._breaks = True
        if header != self._header:
            self._header = header
            self._header_number += 1
            self.headers[self._header_number] = made, header
        if self._sound is None:
            self._epoch_s = picture.unix_s
            self._sound = _new_sound()
        self._segment_at = self._ticks(picture.unix_s)
        self._needs_keyframe = False
        self._smaller_since = None
        self._part = None
        return True

    def _break(self, now: float) -> None:
        """Time does not go on: what there is ends, and all begins anew with a keyframe."""
        assert self._held is not None  # asked where there is one
        at, _ = self._held
        self._end_held(at + round(_LAST_PICTURE_S * PICTURE_RATE), now, keyframe=False)
        self._end_part(now)
        while self._ended:
            self._make(self._ended.popleft())
        self._held = None
        self._sound = None
        self._sounds.clear()
        self._needs_keyframe = True
        self._breaks = True

    # --- parts --------------------------------------------------------------------------------

    def _end_held(self, at: int, now: float, *, keyframe: bool) -> None:
        """The next picture begins at `at`: the one before it is known."""
        if self._held is None:
            return
        (began, sample), self._held = self._held, None
        longest = (PART_TARGET_S + _ROUNDING_S) * PICTURE_RATE
        if self._part is not None and at - self._part.at > longest:
            self._end_part(now)
        if self._part is None:
            opens = began == self._segment_at
            breaks, self._breaks = self._breaks, False
            self._part = _OpenPart(
                began, [], began, opens, sample.sync, self._header_number, breaks
            )
        part = self._part
        part.samples.append(Sample(sample.data, at - began, sync=sample.sync))
        part.end = at
        age = at - self._segment_at
        shortest_s = _SHORTEST_FIRST_S if self._is_first else _SHORTEST_SEGMENT_S
        part.ends_segment = keyframe and age >= shortest_s * PICTURE_RATE
        part.ends_segment |= age >= LONGEST_SEGMENT_S * PICTURE_RATE
        if part.ends_segment:
            self._segment_at = at
        if part.ends_segment or at - part.at >= (PART_S - _ROUNDING_S) * PICTURE_RATE:
            self._end_part(now)

    def _end_part(self, now: float) -> None:
        part, self._part = self._part, None
        if part is not None:
            part.ended_at = now
            self._ended.append(part)

    def _has_its_sound(self, part: _OpenPart, now: float) -> bool:
        if self._sound is None:
            return True
        until = _sound_ticks(part.end)
        if self._sound.frames_end < until and now - part.ended_at >= _SOUND_WAITS_S:
            # The encoder gives a frame when it has the one after the next.
            self._sounds.extend(self._sound.fill_until(until + 3 * SOUND_FRAME))
        return self._sound.frames_end >= until

    def _make(self, part: _OpenPart) -> None:
        until = _sound_ticks(part.end)
        sounds: list[AacFrame] = []
        while self._sounds and self._sounds[0].at < until:
            sounds.append(self._sounds.popleft())
        self._fragments += 1
        data = fragment(
            self._fragments,
            part.samples,
            part.at,
            [Sample(one.data, SOUND_FRAME) for one in sounds],
            sounds[0].at if sounds else 0,
        )
        if part.opens_segment or not self.segments:
            self._open_segment(part)
        made = HlsPart(data, (part.end - part.at) / PICTURE_RATE, part.independent)
        self.segments[-1].parts.append(made)
        self.segments[-1].whole = part.ends_segment
        self._forget()

    def _open_segment(self, part: _OpenPart) -> None:
        if self.segments:
            self.segments[-1].whole = True
        unix_s = self._epoch_s + part.at / PICTURE_RATE
        self.segments.append(HlsSegment(self._number, part.header, unix_s, part.discontinuity))
        self._number += 1

    def _forget(self) -> None:
        """What is longer ago than the window."""
        held = sum(one.duration_s for one in self.segments)
        size = sum(one.bytes for one in self.segments)
        while len(self.segments) > 1:
            first = self.segments[0]
            if held - first.duration_s < self._window_s and size <= MOST_BYTES:
                break
            held -= first.duration_s
            size -= first.bytes
            self.discontinuities_past += first.discontinuity
            self.segments.popleft()
        needed = {one.header for one in self.segments} | {one.header for one in self._ended}
        needed.add(self._header_number)
        self.headers = {one: what for one, what in self.headers.items() if one in needed}


def _new_sound() -> AacSound:
    from mixer.outputs.aac_sound import AacSound  # noqa: PLC0415 - libav, when a player has asked

    return AacSound()


def _sound_ticks(picture_ticks: int) -> int:
    return picture_ticks * SOUND_RATE // PICTURE_RATE
