"""Finishing: from a closed recording's journal and tracks to what the player plays.

    python -m recorder.finish FOLDER [--keep-tracks]

Reads the journal, puts every track on the lesson's time line, plans the parts, copies frames into
them without encoding, makes the poster, writes `manifest.json` last, and then removes the tracks
(the parts, read back, hold all of them). Done again from the start if it was cut short; does
nothing if the manifest stands. On failure the last line of output is
`{"code": …, "text": …}` and the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from recorder.archive import Archive, RecordedTrack, read_archive, track_times
from recorder.clock import TimeMap
from recorder.errors import FinishError, RecorderError, StorageError
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
from recorder.track_reader import TrackFile, measure

POSTER = "poster.jpg"
MANIFEST_VERSION = 1

# Lower than every lesson on the machine.
NICENESS = 15


@dataclass(frozen=True, slots=True)
class _Piece:
    """One track file on the time line."""

    track: RecordedTrack
    source: Source
    span: Span


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
        if not keep_tracks and not manifest.get("parts_failed"):
            shutil.rmtree(folder / TRACKS, ignore_errors=True)
    except OSError as error:
        raise StorageError.from_os(error, folder) from error
    finally:
        os.close(journal)
    return manifest


def _finish(folder: Path) -> dict[str, object]:
    archive = read_archive(read_recording(folder))
    _remove_leftovers(folder)
    pieces = _pieces(folder, archive)
    parts, failures = _make_parts(folder, pieces)
    if not parts and failures:
        raise FinishError("part-unwritable", failures[0])
    if not parts:
        raise FinishError(
            "nothing-recorded", "No picture and no sound arrived while the lesson was recorded."
        )
    origin = min(part.plan.start for part in parts)
    manifest = _manifest(archive, parts, origin)
    # The tracks of a part that could not be made are kept: somebody may yet make it.
    manifest["parts_failed"] = failures
    manifest["poster"] = POSTER if _poster(folder, archive, parts) else ""
    _write_manifest(folder, manifest)
    return manifest


def _pieces(folder: Path, archive: Archive) -> dict[str, list[_Piece]]:
    """Every file with frames in it, by seat."""
    times = track_times(archive)
    by_seat: dict[str, list[_Piece]] = {}
    for track in archive.tracks:
        started = track.started
        for segment in track.files:
            file = TrackFile(folder / TRACKS / segment.file, segment.rtp, started.clock_rate)
            extent = measure(file, picture=started.kind == "video")
            if extent is None:
                continue
            to_lesson: TimeMap = times[started.track_id]
            span = Span(
                segment.file, started.source, to_lesson(extent.first), to_lesson(extent.end)
            )
            by_seat.setdefault(started.seat_id, []).append(
                _Piece(track, Source(file, to_lesson), span)
            )
    return by_seat


def _make_parts(folder: Path, by_seat: dict[str, list[_Piece]]) -> tuple[list[_Part], list[str]]:
    """Every part that can be made, by start, and what kept the others from it."""
    parts: list[_Part] = []
    failures: list[str] = []
    made_count = 0
    for seat_id, pieces in by_seat.items():
        by_key = {piece.span.key: piece for piece in pieces}
        pictures = [p.span for p in pieces if p.track.started.kind == "video"]
        sounds = sorted(
            (p.span for p in pieces if p.track.started.kind == "audio"), key=lambda s: s.start
        )
        for plan in plan_seat(pictures, sounds):
            picture = by_key[plan.picture] if plan.picture is not None else None
            content = PartContent(
                start=plan.start,
                end=plan.end,
                picture=picture.source if picture else None,
                sounds=[by_key[key].source for key in plan.sounds],
                codec=picture.track.started.codec if picture else "opus",
            )
            made_count += 1
            try:
                made = make_part(folder, f"part-{made_count:04d}", content)
            except FinishError as error:
                failures.append(f"{seat_id} {plan.source}: {error}")
                continue
            if made is not None:
                parts.append(_Part(seat_id, plan, made))
    return sorted(parts, key=lambda part: part.plan.start), failures


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
        "incomplete": archive.failure,
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


def main(arguments: list[str]) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m recorder.finish")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep-tracks", action="store_true")
    options = parser.parse_args(arguments)
    os.nice(NICENESS)
    try:
        finish(options.folder, keep_tracks=options.keep_tracks)
    except (FinishError, StorageError) as error:
        answer = {"code": error.code, "text": str(error)}
    except RecorderError as error:
        answer = {"code": "finish-failed", "text": str(error)}
    else:
        return 0
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
