"""The steps of finishing, one after the other: each takes what those before it made.

`STEPS` is their order; the manifest comes last. Whatever cuts them short leaves none: they are
begun again from the first one. What the journal names and no part holds is gathered on the way and
told in the manifest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from recorder.archive import Archive, RecordedTrack, track_times
from recorder.archive import Pause as Standstill
from recorder.errors import FinishError
from recorder.manifest import (
    Manifest,
    Missing,
    Part,
    Pause,
    place_of,
    recorded_event,
    write_manifest,
)
from recorder.part_file import MadePart, PartContent, Source, make_part
from recorder.part_plan import PlannedPart, Span, plan_seat
from recorder.poster import make_poster
from recorder.recording_folder import TRACKS
from recorder.records import SegmentStarted
from recorder.track_reader import Extent, TrackFile, measure

POSTER = "poster.jpg"

# A picture that is asked for a keyframe gives one within a second or two; one that came for so
# long and gave none was not merely the lesson's end.
UNREADABLE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """One track file on the time line."""

    track: RecordedTrack
    segment: SegmentStarted
    extent: Extent
    source: Source
    span: Span


@dataclass(frozen=True, slots=True)
class _Lost:
    """Something that was recorded and is in no part. `at` is about when it began, Unix time."""

    seat_id: str
    source: str
    file: str  # of the track, "" when there is none
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class _Part:
    seat_id: str
    plan: PlannedPart
    made: MadePart


@dataclass(slots=True)
class Finishing:
    """A recording on its way from journal and tracks to what is played."""

    folder: Path
    archive: Archive
    pieces: dict[str, list[_Piece]] = field(default_factory=dict)  # by seat
    parts: list[_Part] = field(default_factory=list)  # by start
    lost: list[_Lost] = field(default_factory=list)
    poster: str = ""


def remove_leftovers(work: Finishing) -> None:
    """What an interrupted finishing left: without a manifest none of it is named anywhere."""
    for pattern in ("part-*", ".part-*", ".*.tmp"):
        for path in work.folder.glob(pattern):
            path.unlink(missing_ok=True)


def place_tracks(work: Finishing) -> None:
    """Every file with frames in it goes onto the lesson's time line."""
    times = track_times(work.archive)
    for track in work.archive.tracks:
        started = track.started
        if not track.files and track.packets and track.lasted_s > UNREADABLE_S:
            text = f"{track.packets} packets came and gave no frame"
            work.lost.append(_lost(track, "", started.at, text))
        to_lesson = times[started.track_id]
        for segment in track.files:
            file = TrackFile(
                work.folder / TRACKS / segment.file,
                segment.rtp,
                started.clock_rate,
                started.codec,
                track.frames.get(segment.file),
            )
            extent = measure(file)
            if extent.missing:
                work.lost.append(_lost(track, segment.file, segment.at, extent.missing))
            if not extent.frames:
                continue
            span = Span(
                segment.file, started.source, to_lesson(extent.first), to_lesson(extent.end)
            )
            piece = _Piece(track, segment, extent, Source(file, to_lesson), span)
            work.pieces.setdefault(started.seat_id, []).append(piece)


def make_parts(work: Finishing) -> None:
    """Every part that can be made, read back, by start."""
    made_count = 0
    for seat_id, pieces in work.pieces.items():
        by_key = {piece.span.key: piece for piece in pieces}
        pictures = [p.span for p in pieces if p.track.started.kind == "video"]
        sounds = sorted(
            (p.span for p in pieces if p.track.started.kind == "audio"), key=lambda s: s.start
        )
        for plan in plan_seat(pictures, sounds):
            used = [by_key[key] for key in (plan.picture, *plan.sounds) if key is not None]
            made_count += 1
            name = f"part-{made_count:04d}"
            try:
                made = make_part(work.folder, name, _content(plan, by_key))
            except FinishError as error:
                work.lost += [_lost(p.track, p.span.key, p.segment.at, str(error)) for p in used]
                continue
            if made is not None:
                work.parts.append(_Part(seat_id, plan, made))
            if plan.picture is not None:
                picture, frames = by_key[plan.picture], made.frames if made is not None else 0
                if frames < picture.extent.frames:
                    text = f"{frames} of {picture.extent.frames} frames are in its part"
                    work.lost.append(_lost(picture.track, plan.picture, plan.start, text))
    work.parts.sort(key=lambda part: part.plan.start)


def refuse_nothing(work: Finishing) -> None:
    """Raises `FinishError` when there is nothing to play."""
    if not work.parts and work.lost:
        raise FinishError(
            "nothing-readable",
            "What was recorded cannot be made playable; its tracks are kept. " + work.lost[0].text,
        )
    if not work.parts:
        raise FinishError(
            "nothing-recorded", "No picture and no sound arrived while the lesson was recorded."
        )


def draw_poster(work: Finishing) -> None:
    """From the lead's picture if there is one, else from anybody's."""

    def rank(part: _Part) -> tuple[int, float]:
        seat = work.archive.seats.get(part.seat_id)
        lead = seat is not None and seat.role == "lead" and part.plan.source == "teacher"
        return (0 if lead else 1, -part.made.duration_s)

    for part in sorted(work.parts, key=rank):
        if part.made.has_video and make_poster(work.folder / part.made.file, work.folder / POSTER):
            work.poster = POSTER
            return


STEPS: tuple[Callable[[Finishing], None], ...] = (
    remove_leftovers,
    place_tracks,
    make_parts,
    refuse_nothing,
    draw_poster,
)


def say_what_stands(work: Finishing) -> Manifest:
    """The manifest, after all steps: what it names stands."""
    manifest = _manifest(work)
    write_manifest(work.folder, manifest)
    return manifest


def _lost(track: RecordedTrack, file: str, at: float, text: str) -> _Lost:
    started = track.started
    named = f"{started.seat_id} {started.source}" + (f", {file}" if file else "")
    return _Lost(started.seat_id, started.source, file, at, f"{named}: {text}")


def _content(plan: PlannedPart, by_key: dict[str, _Piece]) -> PartContent:
    picture = by_key[plan.picture] if plan.picture is not None else None
    return PartContent(
        start=plan.start,
        end=plan.end,
        picture=picture.source if picture else None,
        sounds=[by_key[key].source for key in plan.sounds],
        codec=picture.track.started.codec if picture else "opus",
    )


def _told_pause(pause: Standstill, origin: float) -> Pause:
    start = place_of(pause.start, origin)
    end = place_of(pause.end, origin)
    return Pause(
        start_s=start,
        duration_s=round(end - start, 3),
        code=pause.code,
        text=pause.text,
        before_s=round((pause.end - pause.start) - (end - start), 3),
    )


def _manifest(work: Finishing) -> Manifest:
    archive, opened = work.archive, work.archive.opened
    origin = min(part.plan.start for part in work.parts)
    ends = [part.plan.start - origin + part.made.duration_s for part in work.parts]
    events = [recorded_event(event, origin) for event in archive.events]
    return Manifest(
        recording_id=opened.recording_id,
        lesson_id=opened.lesson_id,
        title=opened.title,
        started_at=origin,
        duration_s=round(max(ends), 3),
        parts=tuple(_told_part(archive, part, origin) for part in work.parts),
        events=tuple(event for event in events if event is not None),
        incomplete=archive.pauses[0].text if archive.pauses else "",
        pauses=tuple(_told_pause(pause, origin) for pause in archive.pauses),
        missing=tuple(
            Missing(
                seat_id=lost.seat_id,
                source=lost.source,
                file=lost.file,
                start_s=place_of(lost.at, origin),
                text=lost.text,
            )
            for lost in work.lost
        ),
        poster=work.poster,
    )


def _told_part(archive: Archive, part: _Part, origin: float) -> Part:
    seat = archive.seats.get(part.seat_id)
    return Part(
        part_id=Path(part.made.file).stem,
        seat_id=part.seat_id,
        source=part.plan.source,
        name=seat.name if seat else part.seat_id,
        school=seat.school if seat else "",
        file=part.made.file,
        mime=part.made.mime,
        start_s=round(part.plan.start - origin, 3),
        duration_s=round(part.made.duration_s, 3),
        has_video=part.made.has_video,
        has_audio=part.made.has_audio,
    )
