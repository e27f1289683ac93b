"""What can be saved of a damaged recording is saved; what was there before is kept beside it.

A recording is damaged where its journal or manifest cannot be read, or a file is not what was
finished. The best that stands is taken: the library's copy of the manifest where all its files are
whole; the tracks, where they are kept; else what can still be read of each damaged file. Whatever
is replaced is first put into `before_repair/NNNN` in the recording's folder, and nothing is
deleted. Cut short at any moment it is begun again: a file is at every moment the old or the new.
Where the disk refuses, all is put back as it stood, and nothing else is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recorder.archive import read_archive
from recorder.checksums import Checksum, checksum_of
from recorder.errors import FinishError, ManifestError, RecorderError, StorageError
from recorder.exchange.form import LIBRARY
from recorder.finish import finish_locked
from recorder.journal import encode_line, read_journal
from recorder.manifest import LowPicture, Manifest, Missing, Part, read_manifest, write_manifest
from recorder.parts_alone import parts_alone
from recorder.playlist import Variant, master_playlist
from recorder.poster import make_poster
from recorder.recording_folder import (
    JOURNAL,
    MANIFEST,
    TRACKS,
    lock_journal,
    read_recording,
    sync_folder,
)
from recorder.records import Opened, to_line_members
from recorder.saved_part import Saved, save_part
from recorder.stored_pieces import LEDGER
from recorder.track_reader import has_frames
from recorder.verification import ArchiveCondition, Verified, elsewhere, verify
from recorder.whole_file import whole_file

BEFORE_REPAIR = "before_repair"
# The mark that the library has taken a manifest: a new one is to be taken again.
FILED = ".filed"

# Members of a part that is played piece by piece.
_OF_PIECES = ("codecs", "playlist", "index_bytes")

REPAIRS = {
    "finished-again": "made again from its tracks, which were kept",
    "journal-rebuilt": "the journal does not say what was recorded; its readable lines are used",
    "manifest-from-parts": "a manifest is made from the files that stand; what is known of their "
    "places in the lesson is lost",
    "manifest-from-library": "the manifest is put back from the library's copy",
    "strip-lost": "{file}: the preview cannot be read; all else stands",
    "low-lost": "{file}: the small picture cannot be read; the large one stands",
    "playlist-again": "{file}: the playlist is written again",
    "poster-again": "the poster is drawn again",
    "part-lost": "{file}: nothing of it can be read; it is kept in before_repair",
    "part-saved": "{file}: what can be read of it is saved, {saved_s:.1f} of {whole_s:.1f} s",
}
FAULTS = {
    "at-work": "A recorder, or finishing, is at work on it.",
    "newer": "A newer version of Tongke made this recording playable. Repair it with that version.",
    "nothing-to-save": "Nothing that stands here can be played; it was left as it is.",
    "disk-full": "The disk is full ({file}). The recording stands as it did. Free some space, then "
    "repair it again.",
    "folder-unwritable": "{file} cannot be written. The recording stands as it did. Repair it "
    "again as the user that runs Tongke, or as root.",
    "disk-error": "The disk failed ({file}). The recording stands as it did. Check the disk, then "
    "repair it again.",
}


@dataclass(frozen=True, slots=True)
class Mended:
    """Something that was done (`REPAIRS`) or could not be (`FAULTS`), by its code."""

    code: str
    file: str = ""
    saved_s: float = 0.0
    whole_s: float = 0.0


@dataclass(slots=True)
class Repair:
    """The repair of one recording. `known` is the library's copy of its manifest."""

    folder: Path
    known: Manifest | None = None
    done: list[Mended] = field(default_factory=list)
    faults: list[Mended] = field(default_factory=list)
    _aside: Path | None = None

    def run(self) -> None:
        """Do what can be done; a disk that refuses is a fault, as all else that is in the way."""
        try:
            self._run()
        except StorageError as error:
            self._refused("at-work" if error.code == "in-use" else error.code, str(self.folder))
        except OSError as error:
            code = StorageError.from_os(error, self.folder).code
            self._refused(code, str(error.filename or self.folder))

    def _run(self) -> None:
        found = verify(self.folder)
        if found.condition is ArchiveCondition.RECORDING:
            self.faults.append(Mended("at-work"))
            return
        if found.condition not in {ArchiveCondition.DAMAGED, ArchiveCondition.UNREADABLE}:
            return
        with self._locked():
            self._mend(found)
        if self.done:
            (self.folder / FILED).unlink(missing_ok=True)

    def _refused(self, code: str, file: str) -> None:
        self._put_back()
        self.done.clear()
        self.faults.append(Mended(code, file))

    def _mend(self, found: Verified) -> None:
        manifest: Manifest | None = None
        try:
            manifest = read_manifest(self.folder)
        except ManifestError as error:
            if error.code == "manifest-newer":
                self.faults.append(Mended("newer"))
                return
        if manifest is None and self.known is not None and self._all_whole(self.known):
            self._write_manifest(self.known)
            self.done.append(Mended("manifest-from-library"))
            return
        if self._from_tracks():
            return
        manifest = manifest or self.known or parts_alone(self.folder)
        if manifest is None or not self._from_files(manifest):
            self.faults.append(Mended("nothing-to-save"))

    # --- from the tracks -----------------------------------------------------------------------

    def _from_tracks(self) -> bool:
        """Finish it again, when all its tracks are there."""
        tracks = sorted((self.folder / TRACKS).glob("*"))
        if not any(has_frames(path) for path in tracks):
            return False
        self._rebuild_journal()
        try:
            archive = read_archive(read_recording(self.folder))
        except (FinishError, OSError):
            return False
        named = {segment.file for track in archive.tracks for segment in track.files}
        if not named or not all((self.folder / TRACKS / name).is_file() for name in named):
            return False  # the parts hold more than what is left of the tracks
        moved = self._move_aside([MANIFEST, *_finished_files(self.folder)])
        try:
            finish_locked(self.folder)
        except (RecorderError, OSError) as error:
            for name in _finished_files(self.folder):  # all that stood here is aside
                (self.folder / name).unlink()
            if isinstance(error, StorageError | OSError):
                raise
            for name in moved:
                (self._kept_in() / name).rename(self.folder / name)
            sync_folder(self.folder)
            return False
        self.done.append(Mended("finished-again"))
        return True

    def _rebuild_journal(self) -> None:
        """Where the first line is lost, one takes its place that says what is known."""
        path = self.folder / JOURNAL
        content = read_journal(path.read_bytes()) if path.is_file() else None
        lines = content.records if content else ()
        if any(line.get("type") == "opened" for line in lines):
            return
        ats = (at for line in lines if isinstance(at := line.get("at"), int | float))
        opened = Opened(
            recording_id=self.folder.name,
            lesson_id=self.known.lesson_id if self.known else "",
            title=self.known.title if self.known else "",
            at=float(next(ats, path.stat().st_mtime if path.is_file() else 0.0)),
        )
        if path.is_file():
            self._keep(JOURNAL)
        written = b"".join(encode_line(_bare(line)) for line in lines)
        _replace(path, encode_line(to_line_members(opened)) + written)
        self.done.append(Mended("journal-rebuilt", JOURNAL))

    # --- from the finished files -----------------------------------------------------------------

    def _from_files(self, manifest: Manifest) -> bool:
        """Each damaged file gives way to what can be read of it; whether anything can be played."""
        ready: list[Saved] = []
        try:
            return self._from_what_reads(manifest, ready)
        finally:
            for saved in ready:
                saved.aside.unlink(missing_ok=True)  # renamed, if all went well

    def _from_what_reads(self, manifest: Manifest, ready: list[Saved]) -> bool:
        """As above; `ready` is what was written on the way."""
        taken = {one.file: one for one in manifest.checksums}
        stored = elsewhere(self.folder, manifest)
        parts: list[Part] = []
        missing = list(manifest.missing)
        mended: list[Mended] = []
        gone: list[str] = []
        for part in manifest.parts:
            path = self.folder / part.file
            if part.file in stored:
                parts.append(part)
                continue
            playlist = getattr(part, "playlist", "")
            if _fits(path, taken.get(part.file)) and (
                not playlist or _fits(self.folder / playlist, taken.get(playlist))
            ):
                parts.append(part)
                continue
            saved = save_part(path) if path.is_file() else None
            saved_s = min(saved.duration_s, part.duration_s) if saved else 0.0
            code = "part-saved" if saved else "part-lost"
            mended.append(Mended(code, part.file, saved_s, part.duration_s))
            missing.append(
                Missing(
                    seat_id=part.seat_id,
                    source=part.source,
                    start_s=round(part.start_s + saved_s, 3),
                    text=REPAIRS[code].format(
                        file=part.file, saved_s=saved_s, whole_s=part.duration_s
                    ),
                )
            )
            gone.append(playlist)
            if saved:
                ready.append(saved)
                parts.append(_as_one_file(part, round(saved_s, 3)))
            else:
                gone.append(part.file)
        if not parts:
            return False
        self._move_aside([name for name in gone if name])
        for saved in ready:
            self._keep(saved.path.name)
            saved.aside.rename(saved.path)
        parts = [self._with_low(part, taken, stored, mended) for part in parts]
        poster = manifest.poster
        if poster and not _fits(self.folder / poster, taken.get(poster)):
            poster = self._poster(poster, parts)
            mended.append(Mended("poster-again", poster))
        strip = manifest.strip
        if strip and not (
            strip.file in stored or _fits(self.folder / strip.file, taken.get(strip.file))
        ):
            self._move_aside([strip.file])
            mended.append(Mended("strip-lost", strip.file))
            strip = None
        sync_folder(self.folder)
        if manifest is not self.known and not mended and not manifest.checksums:
            mended.append(Mended("manifest-from-parts"))
        repaired = manifest.model_copy(
            update={
                "parts": tuple(parts),
                "missing": tuple(missing),
                "poster": poster,
                "strip": strip,
            }
        )
        checksums = tuple(
            taken[name] if name in stored and name in taken else checksum_of(self.folder / name)
            for name in sorted(repaired.files)
            if name in taken or name not in stored
        )
        self._write_manifest(repaired.model_copy(update={"checksums": checksums}))
        self.done += mended
        return True

    def _with_low(
        self,
        part: Part,
        taken: Mapping[str, Checksum],
        stored: Collection[str],
        mended: list[Mended],
    ) -> Part:
        """The part with its small picture, if that is whole."""
        low = part.low
        if low is None:
            return part
        names = [name for name in (low.file, low.playlist) if name]
        if all(one in stored or _fits(self.folder / one, taken.get(one)) for one in names):
            return self._with_master(part, low, taken, stored, mended)
        self._move_aside([*names, *filter(None, [low.master])])
        mended.append(Mended("low-lost", low.file))
        return part.model_copy(update={"low": None})

    def _with_master(
        self,
        part: Part,
        low: LowPicture,
        taken: Mapping[str, Checksum],
        stored: Collection[str],
        mended: list[Mended],
    ) -> Part:
        """The playlist over both is as it was made of theirs; none where one is played whole."""
        name = low.master
        if not name or (
            part.playlist and (name in stored or _fits(self.folder / name, taken.get(name)))
        ):
            return part
        self._move_aside([name])
        if not part.playlist:
            return part.model_copy(update={"low": low.model_copy(update={"master": ""})})
        variants = [Variant.standing(self.folder, one.playlist, one.codecs) for one in (part, low)]
        with whole_file(self.folder / name) as file:
            file.write(master_playlist(variants).encode())
        mended.append(Mended("playlist-again", name))
        return part

    def _poster(self, name: str, parts: list[Part]) -> str:
        if (self.folder / name).is_file():
            self._keep(name)
        for part in parts:
            if part.has_video and make_poster(self.folder / part.file, self.folder / name):
                return name
        return ""

    def _all_whole(self, manifest: Manifest) -> bool:
        taken = {one.file: one for one in manifest.checksums}
        stored = elsewhere(self.folder, manifest)
        return bool(manifest.files) and all(
            name in taken and (name in stored or _fits(self.folder / name, taken[name]))
            for name in manifest.files
        )

    # --- what was there before -----------------------------------------------------------------

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody records or finishes there meanwhile. Raises `StorageError`."""
        try:
            journal = os.open(self.folder / JOURNAL, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield
            return
        try:
            lock_journal(journal, self.folder)
            yield
        finally:
            os.close(journal)

    def _kept_in(self) -> Path:
        if self._aside is None:
            root = self.folder / BEFORE_REPAIR
            root.mkdir(mode=0o700, exist_ok=True)
            number = 1 + max((int(p.name) for p in root.iterdir() if p.name.isdigit()), default=0)
            self._aside = root / f"{number:04d}"  # before it is made: what is there may be put back
            self._aside.mkdir(mode=0o700)
            sync_folder(root)
        return self._aside

    def _keep(self, name: str) -> None:
        """The file stands there too, before another takes its name here."""
        source, target = self.folder / name, self._kept_in() / name
        try:
            target.hardlink_to(source)
        except OSError:  # not every file system knows two names of one file
            with whole_file(target) as copy, source.open("rb") as read:
                shutil.copyfileobj(read, copy)
            shutil.copystat(source, target)
        sync_folder(self._kept_in())

    def _move_aside(self, names: list[str]) -> list[str]:
        moved = []
        for name in names:
            if (self.folder / name).is_file():
                (self.folder / name).rename(self._kept_in() / name)
                moved.append(name)
        if moved:
            sync_folder(self._kept_in())
            sync_folder(self.folder)
        return moved

    def _put_back(self) -> None:
        """What this repair has put aside stands where it stood. What the disk refuses even now
        stays aside."""
        if self._aside is None:
            return
        with contextlib.suppress(OSError):
            for kept in list(self._aside.iterdir()):
                place = self.folder / kept.name
                if place.is_file() and place.samefile(kept):
                    kept.unlink()  # it was not replaced yet
                else:
                    kept.rename(place)
            sync_folder(self.folder)
            self._aside.rmdir()
            self._aside.parent.rmdir()  # unless an earlier repair has kept something
        self._aside = None

    def _write_manifest(self, manifest: Manifest) -> None:
        if (self.folder / MANIFEST).is_file():
            self._keep(MANIFEST)
        write_manifest(self.folder, manifest)


def _finished_files(folder: Path) -> list[str]:
    """What finishing made: it would be taken for what an interrupted one left, and removed."""
    found = {path.name for path in folder.iterdir() if path.is_file()}
    return sorted(found - {JOURNAL, MANIFEST, FILED, LEDGER, LIBRARY})


def _fits(path: Path, expected: object) -> bool:
    """Whether the file is what was finished; of one without a checksum, whether it is there."""
    if expected is None:
        return path.is_file()
    try:
        return checksum_of(path) == expected
    except OSError:
        return False


def _as_one_file(part: Part, duration_s: float) -> Part:
    """It is played whole now: what a player of pieces needs of it is not true any more."""
    members = part.model_dump() | {"duration_s": duration_s}
    for name in _OF_PIECES:
        members.pop(name, None)
    return Part.model_validate(members)


def _bare(line: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in line.items() if name != "crc"}


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all; whoever holds the old file open holds the old one."""
    with whole_file(path) as file:
        file.write(data)
    sync_folder(path.parent)
