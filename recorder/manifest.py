"""What a finished recording is: its parts, what happened beside them, and what is missing.

`manifest.json` in a recording's folder, as models. It is written last, by `finish`: if it stands,
everything it names stands; and nothing but a repair and `put_aside` changes it. The library, the
HTTP interface and the pages read it through these models.

Of version 1 all that was ever written can be read: members that came later have defaults, members
that are not known are passed over, and an event that does not say when and what is passed over too.
What cannot be read raises `ManifestError`: nobody takes it for a recording without parts, and
nothing is removed for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeGuard

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from recorder.checksums import Checksum
from recorder.errors import ManifestError
from recorder.pauses import SWITCHED_OFF
from recorder.recording_folder import MANIFEST, sync_folder
from recorder.records import PROGRAM_SEAT
from recorder.whole_file import whole_file

MANIFEST_VERSION = 1

# A day of a lesson that never stands still is a tenth of it.
MAX_MANIFEST_BYTES = 64 << 20


# Of a name, as every file system takes it.
_MOST_NAME_BYTES = 255


def _lies_in_folder(name: str) -> str:
    """A file's name, or none: all that a manifest names lies beside it and nowhere else."""
    leads_away = "/" in name or "\0" in name or name in {".", ".."}
    if leads_away or len(name.encode("utf-8", "surrogatepass")) > _MOST_NAME_BYTES:
        raise ValueError("it names what cannot lie in a recording's folder")
    return name


_FileName = Annotated[str, AfterValidator(_lies_in_folder)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class LowPicture(_Told):
    """A part with its picture small, for a line or a screen that is: the same moments, the same
    sound. Its members are as a part's; `master` is the name of an HLS playlist over both.
    """

    file: _FileName
    mime: str
    duration_s: float
    bytes: int = 0
    codecs: str = ""
    playlist: _FileName = ""
    index_bytes: int = 0
    master: _FileName = ""


class Strip(_Told):
    """Small pictures of the whole lesson in one JPEG, row by row: one each `every_s`."""

    file: _FileName
    every_s: float
    count: int
    columns: int
    width: int
    height: int


class Part(_Told):
    """One file that is played: a seat's picture and sound in step. `start_s` is where it begins
    on the recording's time line.

    Of a file that is played piece by piece, `index_bytes` is how long its head with the index is,
    `codecs` what is in it (RFC 6381), `playlist` the name of its HLS playlist. Others have none.
    """

    part_id: str
    seat_id: str
    source: str
    name: str
    school: str
    file: _FileName
    mime: str
    start_s: float
    duration_s: float
    has_video: bool
    has_audio: bool
    codecs: str = ""
    playlist: _FileName = ""
    index_bytes: int = 0
    low: LowPicture | None = None  # where a smaller layer was recorded beside

    @property
    def is_program(self) -> bool:
        """Whether it is the lesson's own: all rooms in one picture, all voices in one sound."""
        return self.seat_id == PROGRAM_SEAT


class RecordedEvent(BaseModel):
    """An entry of the lesson's event log: when (`at`, Unix time), what, the type's own fields, and
    its place on the recording's time line.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    at: float
    type: str
    start_s: float

    def members(self) -> dict[str, Any]:
        """As it stands in the file: the entry as it was, then its place."""
        told = {"at": self.at, "type": self.type, **(self.model_extra or {})}
        return {**told, "start_s": self.start_s}


class Pause(_Told):
    """A time in which nothing at all was recorded: why, by its code and in words.

    `before_s` of it lie before the time line begins: the lesson's first picture came after them.
    """

    start_s: float
    duration_s: float
    code: str
    text: str = ""
    before_s: float = 0.0

    @model_serializer(mode="wrap")
    def _members(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        members: dict[str, Any] = dump(self)
        if not self.before_s:
            del members["before_s"]
        return members


class Missing(_Told):
    """Something that was recorded and is in no part. `file` is the track's, "" if there is none."""

    seat_id: str
    source: str
    file: str = ""
    start_s: float = 0.0
    text: str = ""


class Manifest(_Told):
    """A finished recording. `started_at` is where its time line begins, Unix time."""

    version: int = MANIFEST_VERSION
    recording_id: str = ""
    lesson_id: str = ""
    title: str = ""
    started_at: float
    duration_s: float
    parts: tuple[Part, ...]
    events: tuple[RecordedEvent, ...] = ()
    incomplete: str = ""
    pauses: tuple[Pause, ...] = ()
    missing: tuple[Missing, ...] = ()
    poster: _FileName = ""
    strip: Strip | None = None
    checksums: tuple[Checksum, ...] = ()  # of every file; earlier recorders took none
    # Earlier recorders told only of parts that could not be made.
    parts_failed: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _place_events(cls, members: Any) -> Any:
        """Of entries, those that say when and what; each has its place."""
        if not isinstance(members, dict) or not isinstance(members.get("events"), list | tuple):
            return members
        began = members.get("started_at")
        began = began if isinstance(began, int | float) else 0.0
        events = [
            event
            if isinstance(event, RecordedEvent) or "start_s" in event
            else event | {"start_s": place_of(event["at"], began)}
            for event in members["events"]
            if isinstance(event, RecordedEvent) or _is_entry(event)
        ]
        return members | {"events": events}

    @field_validator("version")
    @classmethod
    def _known(cls, version: int) -> int:
        if version != MANIFEST_VERSION:
            raise ValueError(f"version {version} is not known here")
        return version

    @property
    def is_missing_something(self) -> bool:
        """Whether something that was recorded is in no part."""
        return bool(self.missing or self.parts_failed)

    @property
    def needs_tracks(self) -> bool:
        """Whether a track holds, or should hold, what no part does: somebody may yet save it."""
        return bool(self.parts_failed) or any(one.file for one in self.missing)

    @property
    def lack(self) -> str:
        """Why it does not hold the whole lesson, for IT; empty if it does."""
        # Earlier recorders told of what was wished, too.
        unwished = [one.text for one in self.pauses if one.code != SWITCHED_OFF[0]]
        told = [*unwished, self.incomplete] if unwished or not self.pauses else []
        told += [one.text for one in self.missing]
        told += [f"A part of it could not be made: {name}" for name in self.parts_failed]
        return next(filter(None, told), "")

    @property
    def files(self) -> frozenset[str]:
        """Every file that is given to who may see the recording."""
        lows = [part.low for part in self.parts if part.low]
        played: list[Part | LowPicture] = [*self.parts, *lows]
        names = [name for one in played for name in (one.file, one.playlist)]
        names += [low.master for low in lows]
        strip = self.strip.file if self.strip else ""
        return frozenset(filter(None, [self.poster, strip, *names]))

    def members(self) -> dict[str, Any]:
        """As the members of a JSON object, in the order of the file."""
        members = self.model_dump(mode="json", exclude={"events": {"__all__"}})
        members["events"] = [event.members() for event in self.events]
        for name in ("strip", "checksums", "parts_failed"):
            if not members[name]:
                del members[name]
        for part in members["parts"]:
            for name in ("codecs", "playlist", "index_bytes", "low"):
                if not part[name]:
                    del part[name]
        return members


def place_of(at: float, began: float) -> float:
    """Where a moment lies on the time line of a recording that began then."""
    return round(max(0.0, at - began), 3)


def recorded_event(entry: object, began: float) -> RecordedEvent | None:
    """A journal's event with its place; None for what does not say when and what."""
    if not _is_entry(entry):
        return None
    try:
        return RecordedEvent.model_validate({**entry, "start_s": place_of(entry["at"], began)})
    except ValidationError:
        return None


def last_of_each_spell(events: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
    """The events without those that a later one of the same spell of speech has overtaken."""
    kept = list(events)
    last = {_spell(event): number for number, event in enumerate(kept) if event.type == "speech"}
    for number, event in enumerate(kept):
        if event.type != "speech" or last[_spell(event)] == number:
            yield event


def _spell(event: RecordedEvent) -> tuple[str, str]:
    members = event.model_extra or {}
    return repr(members.get("seat_id")), repr(members.get("since"))


def _is_entry(event: object) -> TypeGuard[dict[str, Any]]:
    if not isinstance(event, dict):
        return False
    at = event.get("at")
    return isinstance(at, int | float) and math.isfinite(at) and isinstance(event.get("type"), str)


def manifest_from(members: object, *, where: str) -> Manifest:
    """A manifest's members as a manifest. Raises `ManifestError`; `where` says what could not."""
    version = members.get("version") if isinstance(members, Mapping) else None
    if isinstance(version, int) and version > MANIFEST_VERSION:
        raise ManifestError(
            "manifest-newer",
            f"A newer version of Tongke made this recording playable ({where} has version "
            f"{version}). Run that version; nothing was changed.",
        )
    try:
        return Manifest.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise _unreadable(where, f"{place}: {first['msg']}" if place else first["msg"]) from None


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest that stands in a recording's folder, if one does.

    Raises `ManifestError`, and `OSError` when the disk does not give it.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > MAX_MANIFEST_BYTES:
        raise _unreadable(str(path), f"it is longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        members = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(path), str(error)) from None
    return manifest_from(members, where=str(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put it into the folder, whole or not at all; all it names is on the disk before it."""
    # The journal may hold half a character, of which UTF-8 has none: a lesson is not lost for that.
    data = json.dumps(manifest.members(), ensure_ascii=False).encode("utf-8", "replace")
    with whole_file(folder / MANIFEST) as file:
        file.write(data)
        # The parts' names must be on the disk before the manifest that names them.
        sync_folder(folder)
    sync_folder(folder)


def _unreadable(where: str, why: str) -> ManifestError:
    return ManifestError(
        "manifest-unreadable",
        f"What this recording holds cannot be read: {where} is damaged ({why}). Nothing was "
        "changed or removed. Restore the file from a backup; or, if the tracks are still there, "
        "move it away and have the recording finished again.",
    )
