"""Finishing: from a closed recording's journal and tracks to what the player plays.

    python -m recorder.finish FOLDER [--keep-tracks]

Reads the journal, puts every track on the lesson's time line, plans the parts, copies frames into
them without encoding, makes the poster, writes `manifest.json` last, and then removes the tracks
(the parts, read back, hold all of them). Done again from the start if it was cut short; does
nothing if the manifest stands.

What the journal names and no part holds is told in the manifest's `missing`, the tracks are kept
then, and the exit status is 3. When there is nothing to play it is 1. Either way the last line of
output is `{"code": …, "text": …}`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from recorder.archive import Archive, RecordedTrack, read_archive, track_times
from recorder.errors import FinishError, RecorderError, StorageError
from recorder.finishing import EXIT_MISSING, tracks_bytes
from recorder.part_file import MadePart, PartContent, Source, make_part
from recorder.part_plan import PlannedPart, Span, plan_seat
from recorder.poster import make_poster
from recorder.recording_folder import (
    JOURNAL,
    MANIFEST,
    TRACKS,
    lock_journal,
    read_recording,
    sync_folder,
)
from recorder.records import SegmentStarted
from recorder.track_reader import Extent, TrackFile, measure

POSTER = "poster.jpg"
MANIFEST_VERSION = 1

# Lower than every lesson on the machine.
NICENESS = 15

# No file of ours is twice as long as all that was recorded, but for an index and the silence
# between words (a kilobyte a second, in a day a hundred megabytes). A fault may fill no disk.
MOST_OVERHEAD_BYTES = 128 << 20

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
class Missing:
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


def finish(folder: Path, *, keep_tracks: bool = False) -> dict[str, object]:
    """Make the recording in `folder` playable; gives its manifest.

    Raises `FinishError` when there is nothing to play, `StorageError` when the disk refuses.
    """
    try:
        journal = os.open(folder / JOURNAL, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise FinishError("no-journal", f"There is no recording in {folder}.") from error
    try:
        lock_journal(journal, folder)
        manifest = _standing_manifest(folder)
        if manifest is None:
            manifest = _finish(folder)
        if not keep_tracks and not needs_tracks(manifest):
            shutil.rmtree(folder / TRACKS, ignore_errors=True)
    except OSError as error:
        raise StorageError.from_os(error, folder) from error
    finally:
        os.close(journal)
    return manifest


def is_missing_something(manifest: dict[str, object]) -> bool:
    """Whether something that was recorded is in no part of this recording."""
    # Recordings of earlier versions told only of parts that failed.
    return bool(manifest.get("missing") or manifest.get("parts_failed"))


def needs_tracks(manifest: dict[str, object]) -> bool:
    """Whether a track holds, or should hold, what no part does: somebody may yet save it."""
    missing = manifest.get("missing")
    entries = missing if isinstance(missing, list) else []
    return bool(manifest.get("parts_failed")) or any(entry.get("file") for entry in entries)


def _finish(folder: Path) -> dict[str, object]:
    archive = read_archive(read_recording(folder))
    _remove_leftovers(folder)
    pieces, missing = _pieces(folder, archive)
    parts, failed = _make_parts(folder, pieces)
    missing += failed
    if not parts and missing:
        raise FinishError(
            "nothing-readable",
            "What was recorded cannot be made playable; its tracks are kept. " + missing[0].text,
        )
    if not parts:
        raise FinishError(
            "nothing-recorded", "No picture and no sound arrived while the lesson was recorded."
        )
    origin = min(part.plan.start for part in parts)
    manifest = _manifest(archive, parts, origin)
    manifest["missing"] = [_missing_entry(one, origin) for one in missing]
    manifest["poster"] = POSTER if _poster(folder, archive, parts) else ""
    _write_manifest(folder, manifest)
    return manifest


def _pieces(folder: Path, archive: Archive) -> tuple[dict[str, list[_Piece]], list[Missing]]:
    """Every file with frames in it, by seat, and what the journal names beside them."""
    times = track_times(archive)
    by_seat: dict[str, list[_Piece]] = {}
    missing: list[Missing] = []
    for track in archive.tracks:
        started = track.started
        if not track.files and track.packets and track.lasted_s > UNREADABLE_S:
            text = f"{track.packets} packets came and gave no frame"
            missing.append(_missing(track, "", started.at, text))
        to_lesson = times[started.track_id]
        for segment in track.files:
            file = TrackFile(
                folder / TRACKS / segment.file,
                segment.rtp,
                started.clock_rate,
                started.codec,
                track.frames.get(segment.file),
            )
            extent = measure(file)
            if extent.missing:
                missing.append(_missing(track, segment.file, segment.at, extent.missing))
            if not extent.frames:
                continue
            span = Span(
                segment.file, started.source, to_lesson(extent.first), to_lesson(extent.end)
            )
            piece = _Piece(track, segment, extent, Source(file, to_lesson), span)
            by_seat.setdefault(started.seat_id, []).append(piece)
    return by_seat, missing


def _missing(track: RecordedTrack, file: str, at: float, text: str) -> Missing:
    started = track.started
    named = f"{started.seat_id} {started.source}" + (f", {file}" if file else "")
    return Missing(started.seat_id, started.source, file, at, f"{named}: {text}")


def _missing_entry(missing: Missing, origin: float) -> dict[str, object]:
    return {
        "seat_id": missing.seat_id,
        "source": missing.source,
        "file": missing.file,
        "start_s": round(max(0.0, missing.at - origin), 3),
        "text": missing.text,
    }


def _make_parts(
    folder: Path, by_seat: dict[str, list[_Piece]]
) -> tuple[list[_Part], list[Missing]]:
    """Every part that can be made, by start, and what is in none of them."""
    parts: list[_Part] = []
    missing: list[Missing] = []
    made_count = 0
    for seat_id, pieces in by_seat.items():
        by_key = {piece.span.key: piece for piece in pieces}
        pictures = [p.span for p in pieces if p.track.started.kind == "video"]
        sounds = sorted(
            (p.span for p in pieces if p.track.started.kind == "audio"), key=lambda s: s.start
        )
        for plan in plan_seat(pictures, sounds):
            used = [by_key[key] for key in (plan.picture, *plan.sounds) if key is not None]
            made_count += 1
            try:
                made = make_part(folder, f"part-{made_count:04d}", _content(plan, by_key))
            except FinishError as error:
                missing += [_missing(p.track, p.span.key, p.segment.at, str(error)) for p in used]
                continue
            if made is not None:
                parts.append(_Part(seat_id, plan, made))
            if plan.picture is not None:
                picture, frames = by_key[plan.picture], made.frames if made is not None else 0
                if frames < picture.extent.frames:
                    text = f"{frames} of {picture.extent.frames} frames are in its part"
                    missing.append(_missing(picture.track, plan.picture, plan.start, text))
    return sorted(parts, key=lambda part: part.plan.start), missing


def _content(plan: PlannedPart, by_key: dict[str, _Piece]) -> PartContent:
    picture = by_key[plan.picture] if plan.picture is not None else None
    return PartContent(
        start=plan.start,
        end=plan.end,
        picture=picture.source if picture else None,
        sounds=[by_key[key].source for key in plan.sounds],
        codec=picture.track.started.codec if picture else "opus",
    )


def _manifest(archive: Archive, parts: list[_Part], origin: float) -> dict[str, object]:
    entries: list[dict[str, object]] = []
    for part in parts:
        seat = archive.seats.get(part.seat_id)
        entries.append(
            {
                "part_id": Path(part.made.file).stem,
                "seat_id": part.seat_id,
                "source": part.plan.source,
                "name": seat.name if seat else part.seat_id,
                "school": seat.school if seat else "",
                "file": part.made.file,
                "mime": part.made.mime,
                "start_s": round(part.plan.start - origin, 3),
                "duration_s": round(part.made.duration_s, 3),
                "has_video": part.made.has_video,
                "has_audio": part.made.has_audio,
            }
        )
    return {
        "version": MANIFEST_VERSION,
        "recording_id": archive.opened.recording_id,
        "lesson_id": archive.opened.lesson_id,
        "title": archive.opened.title,
        "started_at": origin,
        "duration_s": round(
            max(part.plan.start - origin + part.made.duration_s for part in parts), 3
        ),
        "parts": entries,
        "events": [_timed(event, origin) for event in archive.events],
        "incomplete": archive.pauses[0].text if archive.pauses else "",
        "pauses": [
            {
                "start_s": round(max(0.0, pause.start - origin), 3),
                "duration_s": round(pause.end - pause.start, 3),
                "code": pause.code,
                "text": pause.text,
            }
            for pause in archive.pauses
        ],
    }


def _timed(event: dict[str, object], origin: float) -> dict[str, object]:
    """An event with its place on the recording's time line beside its time of day."""
    at = event.get("at")
    if not isinstance(at, int | float):
        return event
    return {**event, "start_s": round(max(0.0, at - origin), 3)}


def _poster(folder: Path, archive: Archive, parts: list[_Part]) -> bool:
    """From the lead's picture if there is one, else from anybody's."""

    def rank(part: _Part) -> tuple[int, float]:
        seat = archive.seats.get(part.seat_id)
        lead = seat is not None and seat.role == "lead" and part.plan.source == "teacher"
        return (0 if lead else 1, -part.made.duration_s)

    for part in sorted(parts, key=rank):
        if part.made.has_video and make_poster(folder / part.made.file, folder / POSTER):
            return True
    return False


def _remove_leftovers(folder: Path) -> None:
    """What an interrupted finishing left: without a manifest none of it is named anywhere."""
    for pattern in ("part-*", ".part-*", ".*.tmp"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _write_manifest(folder: Path, manifest: dict[str, object]) -> None:
    temporary = folder / f".{MANIFEST}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    # The parts' names must be on the disk before the manifest that names them.
    sync_folder(folder)
    temporary.rename(folder / MANIFEST)
    sync_folder(folder)


def _standing_manifest(folder: Path) -> dict[str, object] | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def limit_output(folder: Path) -> None:
    """Let no file we write grow beyond what the recording explains (setrlimit(2), RLIMIT_FSIZE)."""
    most = 2 * tracks_bytes(folder) + MOST_OVERHEAD_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def main(arguments: list[str]) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m recorder.finish")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep-tracks", action="store_true")
    options = parser.parse_args(arguments)
    os.nice(NICENESS)
    limit_output(options.folder)
    status = 1
    try:
        manifest = finish(options.folder, keep_tracks=options.keep_tracks)
    except (FinishError, StorageError) as error:
        answer = {"code": error.code, "text": str(error)}
    except RecorderError as error:
        answer = {"code": "finish-failed", "text": str(error)}
    else:
        if not is_missing_something(manifest):
            return 0
        status = EXIT_MISSING
        text = "The recording can be played, but not all of it; see `missing` in its manifest."
        answer = {"code": "something-missing", "text": text}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
