"""Which files of a whole lesson there are: what each is made by, of what, and what that may cost.

`tracks`: every picture and every sound by itself, copied (`recorder.lesson_file`). `film`: one
picture and one sound, as the class saw it (`server.films`). `export`: the recording with a page
that plays it from a disk, which comes in again elsewhere (`recorder.exchange`). When they are made,
and for whom, is `lesson_files`'s.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from recorder.exchange.file_order import ExportOrder
from recorder.exchange.form import LibraryFacts
from recorder.lesson_file_order import FileOrder, PartOrder, TrackOrder
from recorder.lesson_tracks import LessonTrack, lesson_tracks
from recorder.manifest import Manifest
from recorder.records import PROGRAM_SOURCE
from server.children.once import Limits
from server.errors import Text
from server.films.order import FilmOrder

# An hour of four seats takes two to four minutes of a processor.
_PROCESSOR_S = 120.0
_PROCESSOR_PER_S = 0.2  # of each sound's second
_PROCESSOR_BYTES_PER_S = 2e6
# A second of a film of four rooms takes a quarter of one; of more rooms, larger pictures and on
# an old machine a good deal more.
_FILM_PROCESSOR_PER_S = 3.0
_WAIT_FACTOR = 4.0  # while lessons run it gets a part of the machine
_MEMORY_BYTES = 1 << 30
_FILM_MEMORY_BYTES = 2 << 30  # of address space: OpenCV's and libav's; a film uses a tenth
_SUM_BYTES_PER_S = 8_000
_FILM_BYTES_PER_S = 200_000  # a lesson that moves all the time; most have a third
_OVERHEAD_BYTES = 64 << 20

_SOURCES: dict[str, Text] = {
    "program": Text("节目", "Program"),
    "teacher": Text("教师", "Teacher"),
    "students": Text("学生", "Pupils"),
    "board": Text("板书", "Board"),
    "screen": Text("屏幕", "Screen"),
    "room": Text("声音", "Sound"),
}
_ALL_SOUNDS = Text("全部声音", "All sounds")

AnyOrder = FileOrder | ExportOrder | FilmOrder
Bring = Callable[[str], Awaitable[Path | None]]


class FileKind(StrEnum):
    """What kind of file is wanted of a lesson."""

    TRACKS = "tracks"
    FILM = "film"
    EXPORT = "export"

    @property
    def suffix(self) -> str:
        """Of its name."""
        return {FileKind.TRACKS: ".mkv", FileKind.FILM: ".mp4", FileKind.EXPORT: ".zip"}[self]

    @property
    def media_type(self) -> str:
        """As an answer says it."""
        return {
            FileKind.TRACKS: "video/x-matroska",
            FileKind.FILM: "video/mp4",
            FileKind.EXPORT: "application/zip",
        }[self]

    @property
    def module(self) -> str:
        """The child that makes it."""
        return {
            FileKind.TRACKS: "recorder.lesson_file",
            FileKind.FILM: "server.films.making",
            FileKind.EXPORT: "recorder.exchange.file",
        }[self]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that somebody wants: of which recording, as it is now, and in which language."""

    recording_id: str
    manifest: Manifest
    facts: LibraryFacts  # its title is the file's
    kind: FileKind = FileKind.TRACKS
    chinese: bool = True

    @property
    def content(self) -> str:
        """What is in it but for what the library says: alike for a recording in one language."""
        parts = [(part.file, part.start_s, part.name, part.source) for part in self.manifest.parts]
        # An export has both languages.
        chinese = self.kind is not FileKind.EXPORT and self.chinese
        said = repr((self.kind, self.recording_id, chinese, self.manifest.duration_s, parts))
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def name(self) -> str:
        """Of the file: what changes is another one."""
        said = f"{self.content}{self.facts.model_dump_json()}"
        return hashlib.sha256(said.encode()).hexdigest()[:32] + self.kind.suffix


async def order_for(
    wanted: Wanted, path: Path, recordings: Path, bring: Bring, *, made_at: float
) -> AnyOrder | None:
    """What a child is told that makes it at `path`; None when a file of it is gone.

    `bring` gives each of its files where this machine reads them.
    """
    places: dict[str, Path] = {}
    names = {part.file for part in wanted.manifest.parts}
    if wanted.kind is FileKind.EXPORT:
        names = set(wanted.manifest.files)
    for name in sorted(names):
        found = await bring(name)
        if found is None:
            return None
        places[name] = found
    match wanted.kind:
        case FileKind.TRACKS:
            return _tracks(wanted, path, places)
        case FileKind.FILM:
            return FilmOrder(
                path=path,
                title=wanted.facts.title,
                manifest=wanted.manifest.members(),
                parts=places,
            )
        case FileKind.EXPORT:
            folder = recordings / wanted.recording_id
            return ExportOrder(
                path=path,
                folder=folder,
                library=wanted.facts,
                places={name: one for name, one in places.items() if one != folder / name},
                made_at=made_at,
                made_by=f"tongke {importlib.metadata.version('tongke')}",
            )


def bytes_for(order: AnyOrder, folder: Path) -> tuple[int, int]:
    """About how much the file will have, and how much is free there. Raises `OSError`."""
    free = shutil.disk_usage(folder).free
    if isinstance(order, FilmOrder):
        return round(order.duration_s * _FILM_BYTES_PER_S), free
    if isinstance(order, ExportOrder):
        from recorder.exchange.making import files_of  # noqa: PLC0415 - no start waits for NumPy

        paths = {order.folder / name for name in files_of(order.folder)} | set(
            order.places.values()
        )
        return sum(path.stat().st_size for path in paths), free
    paths = {part.path for track in order.tracks for part in track.parts}
    parts = sum(path.stat().st_size for path in paths)
    return parts + round(order.duration_s * _SUM_BYTES_PER_S), free


def limits_for(order: AnyOrder, expected_bytes: int) -> Limits:
    """What making it may cost."""
    processor_s = _PROCESSOR_S + expected_bytes / _PROCESSOR_BYTES_PER_S
    if isinstance(order, FileOrder):
        sounds = sum(track.kind == "sound" for track in order.tracks)
        processor_s += order.duration_s * (sounds + 1) * _PROCESSOR_PER_S
    elif isinstance(order, FilmOrder):
        processor_s += order.duration_s * _FILM_PROCESSOR_PER_S
    return Limits(
        memory_bytes=_FILM_MEMORY_BYTES if isinstance(order, FilmOrder) else _MEMORY_BYTES,
        processor_s=round(processor_s),
        output_bytes=2 * expected_bytes + _OVERHEAD_BYTES,
        wait_s=processor_s * _WAIT_FACTOR,
    )


def _tracks(wanted: Wanted, path: Path, places: Mapping[str, Path]) -> FileOrder:
    return FileOrder(
        path=path,
        title=wanted.facts.title,
        sum_title=_ALL_SOUNDS.zh if wanted.chinese else _ALL_SOUNDS.en,
        duration_s=wanted.manifest.duration_s,
        tracks=tuple(
            TrackOrder(
                kind=track.kind,
                title=_title(track, chinese=wanted.chinese),
                parts=tuple(
                    PartOrder(path=places[part.file], start_s=part.start_s) for part in track.parts
                ),
            )
            for track in lesson_tracks(wanted.manifest)
        ),
    )


def _title(track: LessonTrack, *, chinese: bool) -> str:
    if track.source == PROGRAM_SOURCE:
        return track.name  # which says it
    source = _SOURCES.get(track.source, Text(track.source, track.source))
    return f"{track.name}：{source.zh}" if chinese else f"{track.name}: {source.en}"
