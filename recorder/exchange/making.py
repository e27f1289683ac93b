"""Making an export: the recording byte for byte, and beside it what plays and describes it.

Every file that has a checksum is compared with it on the way, so that damage is not carried on
under a new name. Nothing in the recording's folder is changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recorder.checksums import Checksum
from recorder.errors import ExchangeError
from recorder.exchange.described import (
    describe,
    dublin_core_json,
    dublin_core_xml,
    lom_json,
    lom_xml,
)
from recorder.exchange.form import (
    ABOUT,
    LIBRARY,
    RECORDING,
    ExportAbout,
    ExportedFile,
    HeldFile,
    LibraryFacts,
    is_id,
    is_name,
)
from recorder.exchange.page_files import DATA, page_data, page_files
from recorder.exchange.sinks import ExportSink
from recorder.exchange.timeline import captions_vtt, chapters_vtt, parts_list
from recorder.exchange.wrapping import NotWrapped, index_before, is_fragmented
from recorder.manifest import Manifest, read_manifest
from recorder.plain_text import plain
from recorder.recording_folder import JOURNAL, MANIFEST, TRACKS

PIECE_BYTES = 1 << 20

Tell = Callable[[int], None]


@dataclass(slots=True)
class ExportWork:
    """An export on its way. `tell` is given the bytes of the recording that were written."""

    folder: Path
    sink: ExportSink
    tell: Tell = lambda _bytes: None
    places: Mapping[str, Path] = field(default_factory=dict)
    files: list[ExportedFile] = field(default_factory=list)

    def add_text(self, name: str, content: bytes) -> None:
        """A file that was made for the export."""
        self._add(name, len(content), [content], b"")

    def add_file(self, name: str, expected: Checksum | None) -> None:
        """A file of the recording. Raises `ExchangeError` when it is not what was finished."""
        path = self.places.get(name, self.folder / name)
        try:
            size, pieces = _opened(path)
        except FileNotFoundError:
            raise ExchangeError("damaged", name) from None
        index = _index_of(path)
        taken = self._add(RECORDING + name, size, _told(pieces, self.tell), index)
        if expected is not None and (taken.bytes, taken.sha256) != (
            expected.bytes,
            expected.sha256,
        ):
            raise ExchangeError("damaged", name)

    def _add(self, name: str, size: int, pieces: Iterable[bytes], index: bytes) -> Checksum:
        """`index` stands before what is read; what was read is given back."""
        whole, inside, written = hashlib.sha256(index), hashlib.sha256(), 0

        def passing() -> Iterator[bytes]:
            nonlocal written
            if index:
                yield index
            for piece in pieces:
                whole.update(piece)
                inside.update(piece)
                written += len(piece)
                yield piece

        self.sink.add(name, len(index) + size, passing())
        if written != size:
            raise ExchangeError("damaged", name, "it changed while it was read")
        read = Checksum(file=name, bytes=written, sha256=inside.hexdigest())
        held = HeldFile(begins=len(index), bytes=read.bytes, sha256=read.sha256)
        self.files.append(
            ExportedFile(
                file=name,
                bytes=len(index) + written,
                sha256=whole.hexdigest(),
                holds=held if index else None,
            )
        )
        return read


def export_recording(
    folder: Path,
    sink: ExportSink,
    library: LibraryFacts,
    *,
    made_at: float,
    made_by: str,
    tell: Tell = lambda _bytes: None,
    places: Mapping[str, Path] | None = None,
) -> ExportAbout:
    """Write the recording in `folder` into `sink`, whole or not at all.

    `places` says where files of it are that do not lie there: copies from an object store.

    Raises `ExchangeError`, `ManifestError` and `OSError`; the sink is abandoned then.
    """
    work = ExportWork(folder, sink, tell, places or {})
    try:
        with _not_at_work(folder):
            manifest = read_manifest(folder)
            if manifest is None:
                raise ExchangeError("not-finished", folder.name)
            if not is_id(folder.name):
                raise ExchangeError("unsafe", folder.name)
            about = _write(work, manifest, library, made_at=made_at, made_by=made_by)
        sink.finish()
    except BaseException:
        sink.abandon()
        raise
    return about


def files_of(folder: Path) -> list[str]:
    """What an export carries of a recording's folder: its files, and tracks that are kept.

    Files whose names begin with a dot belong to this machine alone.
    """
    found = [path for path in folder.iterdir() if path.name[0] != "."]
    tracks = folder / TRACKS
    if tracks.is_dir() and not tracks.is_symlink():
        found += [path for path in tracks.iterdir() if path.name[0] != "."]
    files = [path for path in found if path.is_symlink() or not path.is_dir()]
    return sorted(path.relative_to(folder).as_posix() for path in files)


def bytes_of(folder: Path) -> int:
    """How much of the recording an export carries."""
    return sum((folder / name).lstat().st_size for name in files_of(folder))


def _write(
    work: ExportWork, manifest: Manifest, library: LibraryFacts, *, made_at: float, made_by: str
) -> ExportAbout:
    manifest = manifest.model_copy(
        update={"recording_id": manifest.recording_id or work.folder.name}
    )
    for name, content in page_files():
        work.add_text(name, content)
    work.add_text(DATA, page_data(manifest, library))
    for name, content in _beside(manifest, library):
        work.add_text(name, content)
    expected = {one.file: one for one in manifest.checksums}
    names = sorted({*files_of(work.folder), *work.places})
    lacking = (manifest.files | set(expected)) - set(names)
    if lacking:
        raise ExchangeError("damaged", min(lacking))
    for name in sorted(names, key=lambda one: (one not in (MANIFEST, JOURNAL), one)):
        if name == LIBRARY:
            continue  # what the library says now stands beside the recording
        if not is_name(name):
            raise ExchangeError("unsafe", name)
        work.add_file(name, expected.get(name))
    about = ExportAbout(
        recording_id=work.folder.name,
        title=plain(library.title or manifest.title),
        made_at=made_at,
        made_by=made_by,
        files=tuple(work.files),
    )
    content = about.model_dump_json(indent=1, exclude_none=True).encode()
    work.sink.add(ABOUT, len(content), iter([content]))
    return about


def _beside(manifest: Manifest, library: LibraryFacts) -> Iterator[tuple[str, bytes]]:
    lesson = describe(manifest, library)
    yield LIBRARY, library.json_bytes()
    yield "metadata/dublin_core.json", dublin_core_json(lesson)
    yield "metadata/dublin_core.xml", dublin_core_xml(lesson)
    yield "metadata/lom.json", lom_json(lesson)
    yield "metadata/lom.xml", lom_xml(lesson)
    yield "timeline/chapters.en.vtt", chapters_vtt(manifest, chinese=False)
    yield "timeline/chapters.zh.vtt", chapters_vtt(manifest, chinese=True)
    yield "timeline/captions.vtt", captions_vtt(manifest)
    yield "timeline/parts.json", parts_list(manifest)


class _not_at_work:  # noqa: N801 - read as a sentence at its `with`
    """Nobody records or finishes there, and nobody begins meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = -1

    def __enter__(self) -> None:
        try:
            self._journal = os.open(self._folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._journal, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return  # nothing can be recorded or finished without one
        except BlockingIOError:
            os.close(self._journal)
            raise ExchangeError("at-work", self._folder.name) from None

    def __exit__(self, *_: object) -> None:
        if self._journal >= 0:
            os.close(self._journal)


def _index_of(path: Path) -> bytes:
    """What a part needs before it to play as one file from a disk; nothing for others."""
    try:
        if path.suffix == ".mp4" and path.parent.name != TRACKS and is_fragmented(path):
            return index_before(path)
    except (NotWrapped, OSError):
        pass  # it goes as it is
    return b""


def _opened(path: Path) -> tuple[int, Iterator[bytes]]:
    """A plain file's length as it is now, and its bytes. Raises `ExchangeError`, `OSError`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        if path.is_symlink():
            raise ExchangeError("unsafe", path.name) from error
        raise
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise ExchangeError("unsafe", path.name)
    return found.st_size, _pieces(handle)


def _pieces(handle: int) -> Iterator[bytes]:
    with os.fdopen(handle, "rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _told(pieces: Iterator[bytes], tell: Tell) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        tell(len(piece))
