"""The steps of finishing, one after the other: each takes what those before it made.

`STEPS` is their order; the manifest comes last. Whatever cuts them short leaves none: they are
begun again from the first one, and parts that stand are not made again. What the journal names and
no part holds is gathered on the way and told in the manifest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from recorder.archive import Archive, RecordedTrack, Standstill, track_times
from recorder.checksums import Checksum, checksum_of
from recorder.errors import FinishError
from recorder.holes import holes
from recorder.lesson_time import TimeMap
from recorder.making import Outcome, PartToMake, forget_notes, make_all, noted_files
from recorder.manifest import (
    LowPicture,
    Manifest,
    Missing,
    Part,
    Pause,
    Strip,
    last_of_each_spell,
    place_of,
    recorded_event,
    write_manifest,
)
from recorder.part_file import MadePart, PartContent, TimedTrack
from recorder.part_plan import PlannedPart, Span, plan_seat
from recorder.playlist import Variant, master_playlist
from recorder.poster import make_poster
from recorder.recording_folder import JOURNAL, TRACKS
from recorder.records import PROGRAM_NAME, PROGRAM_SEAT, SeatRecord, SegmentStarted
from recorder.strip import COLUMNS, HEIGHT, WIDTH, StripPart, make_strip
from recorder.track_reader import LAST_FRAME_S, Extent, TrackFile, has_frames, measure
from recorder.whole_file import whole_file

POSTER = "poster.jpg"
STRIP = "strip.jpg"

# For how long packets come before it is told that they gave no frame. Each of sound is one; a
# picture that is asked for a keyframe gives one within a second or two.
UNREADABLE_S = {"audio": 1.0, "video": 5.0}

# What a killed recorder has noted and not yet written: a fragment, and packets that wait in order.
TORN_S = 2.0

# A smaller layer comes a moment after the best, when it has had its keyframe, and goes before it.
LOW_LACKS_S = 4.0

# A picture of more than half of the best's bytes helps no thin line.
LOW_SHARE = 0.5

# A recorder that is killed so soon after it began a file has not written a whole fragment of it.
KILLED_SOON_S = 1.0

# Of a stream: they have 32 bits (RFC 3550 §5.1).
TIMESTAMPS = 1 << 32

# A picture that came twice has its place by two clocks, which differ by less.
SAME_PICTURE_S = 0.01

# What is read of a file's clock and what its arrivals say differ by less.
UNTIMED_S = 1.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """One track file on the time line."""

    track: RecordedTrack
    segment: SegmentStarted
    extent: Extent
    timed: TimedTrack
    span: Span
    shown_until: float = math.inf  # then another file has the picture


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
    low: LowPicture | None = None


@dataclass(slots=True)
class FinishingWork:
    """A recording on its way from journal and tracks to what is played."""

    folder: Path
    archive: Archive
    pieces: dict[str, list[_Piece]] = field(default_factory=dict)  # by seat
    beside: dict[str, list[_Piece]] = field(default_factory=dict)  # smaller layers, by seat
    parts: list[_Part] = field(default_factory=list)  # by start
    lost: list[_Lost] = field(default_factory=list)
    poster: str = ""
    strip: Strip | None = None
    checksums: tuple[Checksum, ...] = ()


def remove_leftovers(work: FinishingWork) -> None:
    """What an interrupted finishing left half done: without a manifest nothing names it.

    Parts that it made and noted stay (`making`).
    """
    kept = noted_files(work.folder)
    for pattern in ("part-*", ".part-*", "low-*", ".low-*", "both-*", ".*.tmp"):
        for path in work.folder.glob(pattern):
            if path.name not in kept:
                path.unlink(missing_ok=True)


def tell_damage(work: FinishingWork) -> None:
    """What of the journal cannot be read, and files with frames that it does not name."""
    opened = work.archive.opened
    if work.archive.damaged_lines:
        text = f"{JOURNAL}: {work.archive.damaged_lines} of its lines cannot be read"
        work.lost.append(_Lost("", "", JOURNAL, opened.at, text))
    named = {segment.file for track in work.archive.tracks for segment in track.files}
    for path in sorted((work.folder / TRACKS).glob("*")):
        if path.name not in named and has_frames(path):
            text = f"{path.name}: the journal does not say what it is"
            work.lost.append(_Lost("", "", path.name, opened.at, text))


def place_tracks(work: FinishingWork) -> None:
    """Every file with frames in it goes onto the lesson's time line."""
    times = track_times(work.archive)
    for track in work.archive.tracks:
        started = track.started
        to_lesson = times[started.track_id]
        held: list[tuple[float, float]] = []
        for segment in track.files:
            file = TrackFile(
                work.folder / TRACKS / segment.file,
                segment.rtp,
                started.clock_rate,
                started.codec,
                track.frames.get(segment.file),
            )
            extent = measure(file)
            held += extent.held
            if started.beside:  # whatever it lacks is in the best
                if extent.frames:
                    work.beside.setdefault(started.seat_id, []).append(
                        _piece(track, segment, extent, file, to_lesson)
                    )
                continue
            if extent.missing and not _killed_soon(track, segment, extent):
                work.lost.append(_lost(track, segment.file, segment.at, extent.missing))
            if not extent.frames:
                continue
            piece = _piece(track, segment, extent, file, to_lesson)
            untimed = to_lesson.beyond(extent.end)
            if untimed > UNTIMED_S:
                text = f"its last {untimed:.0f} s are in no line of the journal"
                work.lost.append(_lost(track, segment.file, piece.span.end, text))
            work.pieces.setdefault(started.seat_id, []).append(piece)
        if started.beside:
            continue
        told = {lost.file for lost in work.lost if lost.file}
        work.lost += [lost for lost in _holes(track, held, to_lesson) if lost.file not in told]


def _piece(
    track: RecordedTrack,
    segment: SegmentStarted,
    extent: Extent,
    file: TrackFile,
    to_lesson: TimeMap,
) -> _Piece:
    source = track.started.source
    span = Span(segment.file, source, to_lesson(extent.first), to_lesson(extent.end))
    return _Piece(track, segment, extent, TimedTrack(file, to_lesson), span)


def _killed_soon(track: RecordedTrack, segment: SegmentStarted, extent: Extent) -> bool:
    """Nothing was to be expected of the file: it was begun a moment before the end."""
    last = max((point.at for point in track.clock), default=segment.at)
    in_order = segment.file in track.frames
    return extent.begun_only and not in_order and last - segment.at < KILLED_SOON_S


def _holes(
    track: RecordedTrack, held: Sequence[tuple[float, float]], to_lesson: TimeMap
) -> Iterator[_Lost]:
    arrivals = [x for x, _ in track.points.arrivals]
    last = track.files[-1] if track.files else None
    in_order = last is None or last.file in track.frames
    least_s = UNREADABLE_S[track.started.kind]
    least_at_end_s = math.inf if in_order else TORN_S
    for begins, ends in holes(arrivals, held, least_s, least_at_end_s=least_at_end_s):
        # Behind the last frame of a file that was not closed its disk may have more.
        at_end = all(begins >= until for _, until in held)
        torn = at_end and not in_order
        text = f"{ends - begins:.0f} s of packets gave no frame"
        yield _lost(track, last.file if torn and last else "", to_lesson(begins), text)


def end_where_sent_again(work: FinishingWork) -> None:
    """A picture that came twice is shown once.

    A recorder that goes on after a kill is sent the last pictures before that moment again, so that
    it has a keyframe to begin with: what it wrote before ends where that begins.
    """
    for pieces in work.pieces.values():
        pictures = [n for n, one in enumerate(pieces) if one.track.started.kind == "video"]
        pictures.sort(key=lambda n: pieces[n].span.start)
        for place, n in enumerate(pictures):
            again = next(
                (pieces[m] for m in pictures[place + 1 :] if _again(pieces[n], pieces[m])), None
            )
            if again is not None:
                begins = again.span.start
                pieces[n] = replace(
                    pieces[n],
                    span=replace(pieces[n].span, end=begins),
                    shown_until=begins - SAME_PICTURE_S,
                )


def _again(one: _Piece, other: _Piece) -> bool:
    """Whether `other` has the end of `one` too, without a hole: by the sender's own timestamps.

    Where they lie in the lesson says nothing of that: two recorders' places may overlap, and what
    the one has alone is never given up for the other.
    """
    if one.track.started.producer_id != other.track.started.producer_id:
        return False
    if not one.span.start < other.span.start < one.span.end or not other.extent.held:
        return False
    lap = TIMESTAMPS / one.track.started.clock_rate
    ahead = (other.extent.first - one.extent.first + lap / 2) % lap - lap / 2
    first, until = other.extent.held[0]
    length = one.extent.end - one.extent.first
    return 0 < ahead < length and ahead + until - first >= length - LAST_FRAME_S


def make_parts(work: FinishingWork) -> None:
    """Every part that can be made, read back, by start."""
    planned: list[tuple[str, PlannedPart, dict[str, _Piece]]] = []
    for seat_id, pieces in work.pieces.items():
        by_key = {piece.span.key: piece for piece in pieces}
        pictures = [p.span for p in pieces if p.track.started.kind == "video"]
        sounds = sorted(
            (p.span for p in pieces if p.track.started.kind == "audio"), key=lambda s: s.start
        )
        planned += [(seat_id, plan, by_key) for plan in plan_seat(pictures, sounds)]
    orders = [
        PartToMake(f"part-{number:04d}", _content(plan, by_key))
        for number, (_, plan, by_key) in enumerate(planned, start=1)
    ]
    lows = {
        order.name: PartToMake(order.name.replace("part", "low"), content)
        for order, (seat_id, plan, _) in zip(orders, planned, strict=True)
        if (content := _low_content(work, seat_id, plan, order.content)) is not None
    }
    made = make_all(work.folder, [*orders, *lows.values()])
    of_low = dict(zip(lows, made[len(orders) :], strict=True))
    for order, (seat_id, plan, by_key), outcome in zip(orders, planned, made, strict=False):
        low = _low(work, outcome, of_low.get(order.name))
        part = _Part(seat_id, plan, outcome.made, low) if outcome.made else None
        _take(work, part, outcome)
        used = [by_key[key] for key in (plan.picture, *plan.sounds) if key is not None]
        if outcome.refused:
            work.lost += [_lost(p.track, p.span.key, p.segment.at, outcome.refused) for p in used]
        elif plan.picture is not None and by_key[plan.picture].shown_until == math.inf:
            picture, frames = by_key[plan.picture], outcome.made.frames if outcome.made else 0
            if frames < picture.extent.frames:
                text = f"{frames} of {picture.extent.frames} frames are in its part"
                work.lost.append(_lost(picture.track, plan.picture, plan.start, text))
    work.parts.sort(key=lambda part: part.plan.start)


def _low_content(
    work: FinishingWork, seat_id: str, plan: PlannedPart, content: PartContent
) -> PartContent | None:
    """The same part with its picture small; None where no smaller layer shows all of it."""
    picture = content.picture
    if picture is None or content.codec.lower() != "h264":
        return None
    shown = next(p.span for p in work.pieces[seat_id] if p.span.key == plan.picture)
    for piece in work.beside.get(seat_id, ()):
        same = piece.span.source == plan.source and piece.track.started.codec == content.codec
        late, short = piece.span.start - shown.start, shown.end - piece.span.end
        if same and max(late, 0.0) + max(short, 0.0) <= LOW_LACKS_S:
            return replace(content, picture=piece.timed, cut=True)
    return None


def _low(work: FinishingWork, best: Outcome, low: Outcome | None) -> LowPicture | None:
    """What was made of a smaller layer, if it is worth its bytes; else it goes."""
    if low is None or low.made is None:
        return None
    size = sum(one.bytes for one in low.checksums)
    if best.made is None or LOW_SHARE * sum(one.bytes for one in best.checksums) < size:
        for one in low.checksums:
            (work.folder / one.file).unlink(missing_ok=True)
        return None
    work.checksums += low.checksums
    made = low.made
    master = _master(work.folder, best.made, made)
    if master:
        work.checksums += (checksum_of(work.folder / master),)
    return LowPicture(
        file=made.file,
        mime=made.mime,
        duration_s=round(made.duration_s, 3),
        bytes=size,
        codecs=made.codecs,
        playlist=made.playlist,
        index_bytes=made.index_bytes,
        master=master,
    )


def _master(folder: Path, best: MadePart, low: MadePart) -> str:
    """The name of a playlist over both; none where one of them is not played by pieces."""
    if not (best.playlist and low.playlist):
        return ""
    variants = [Variant.standing(folder, made.playlist, made.codecs) for made in (best, low)]
    name = best.playlist.replace("part", "both", 1)
    with whole_file(folder / name) as file:
        file.write(master_playlist(variants).encode())
    return name


def _take(work: FinishingWork, part: _Part | None, outcome: Outcome) -> None:
    if part is not None:
        work.parts.append(part)
        work.checksums += outcome.checksums


def refuse_nothing(work: FinishingWork) -> None:
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


def draw_poster(work: FinishingWork) -> None:
    """From the lead's picture if there is one, else from anybody's."""

    for part in _leads_first(work):
        if part.made.has_video and make_poster(work.folder / part.made.file, work.folder / POSTER):
            work.poster = POSTER
            return


def _leads_first(work: FinishingWork) -> list[_Part]:
    """The parts of who leads, then the others, each the longest first."""

    def rank(part: _Part) -> tuple[int, float]:
        seat = work.archive.seats.get(part.seat_id)
        lead = seat is not None and seat.role == "lead" and part.plan.source == "teacher"
        return (0 if lead else 1, -part.made.duration_s)

    return sorted(work.parts, key=rank)


def draw_strip(work: FinishingWork) -> None:
    """Of the same picture as the poster, over the whole lesson."""
    first = next((part for part in _leads_first(work) if part.made.has_video), None)
    if first is None:
        return
    origin = min(part.plan.start for part in work.parts)
    whose = (first.seat_id, first.plan.source)
    shown = [
        StripPart(work.folder / part.made.file, part.plan.start - origin, part.made.duration_s)
        for part in work.parts
        if (part.seat_id, part.plan.source) == whose and part.made.has_video
    ]
    ends = max(part.plan.start - origin + part.made.duration_s for part in work.parts)
    made = make_strip(shown, ends, work.folder / STRIP)
    if made is not None:
        work.strip = Strip(
            file=STRIP,
            every_s=made.every_s,
            count=made.count,
            columns=COLUMNS,
            width=WIDTH,
            height=HEIGHT,
        )


def take_checksums(work: FinishingWork) -> None:
    """Of the pictures too, as the disk gives them back; the parts have theirs."""
    for name in (work.poster, work.strip.file if work.strip else ""):
        if name:
            work.checksums += (checksum_of(work.folder / name),)


STEPS: tuple[Callable[[FinishingWork], None], ...] = (
    remove_leftovers,
    tell_damage,
    place_tracks,
    end_where_sent_again,
    make_parts,
    refuse_nothing,
    draw_poster,
    draw_strip,
    take_checksums,
)


def say_what_stands(work: FinishingWork) -> Manifest:
    """The manifest, after all steps: what it names stands."""
    manifest = _manifest(work)
    write_manifest(work.folder, manifest)
    forget_notes(work.folder)
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
        picture=picture.timed if picture else None,
        sounds=[by_key[key].timed for key in plan.sounds],
        codec=picture.track.started.codec if picture else "opus",
        picture_end=picture.shown_until if picture else math.inf,
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


def _manifest(work: FinishingWork) -> Manifest:
    archive, opened = work.archive, work.archive.opened
    origin = min(part.plan.start for part in work.parts)
    ends = [part.plan.start - origin + part.made.duration_s for part in work.parts]
    events = (recorded_event(event, origin) for event in archive.events)
    return Manifest(
        recording_id=opened.recording_id,
        lesson_id=opened.lesson_id,
        title=opened.title,
        started_at=origin,
        duration_s=round(max(ends), 3),
        parts=tuple(_told_part(archive, part, origin) for part in work.parts),
        events=tuple(last_of_each_spell(event for event in events if event is not None)),
        incomplete=next((pause.text for pause in archive.pauses if not pause.wished), ""),
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
        strip=work.strip,
        checksums=work.checksums,
    )


def _name_of(seat_id: str, seat: SeatRecord | None) -> str:
    if seat is not None:
        return seat.name
    return PROGRAM_NAME if seat_id == PROGRAM_SEAT else seat_id


def _told_part(archive: Archive, part: _Part, origin: float) -> Part:
    seat = archive.seats.get(part.seat_id)
    return Part(
        part_id=Path(part.made.file).stem,
        seat_id=part.seat_id,
        source=part.plan.source,
        name=_name_of(part.seat_id, seat),
        school=seat.school if seat else "",
        file=part.made.file,
        mime=part.made.mime,
        start_s=round(part.plan.start - origin, 3),
        duration_s=round(part.made.duration_s, 3),
        has_video=part.made.has_video,
        has_audio=part.made.has_audio,
        codecs=part.made.codecs,
        playlist=part.made.playlist,
        index_bytes=part.made.index_bytes,
        low=part.low,
    )
