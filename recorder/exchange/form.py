"""What an export is: its places, its list of files, and what may stand in it.

    index.html, player/…   opens in a browser from the disk, without a server
    recording/…            the recording's folder, byte for byte (fragmented MP4 behind an index)
    metadata/…             Dublin Core and LOM (`described`)
    timeline/…             chapters and captions as WebVTT, the parts as a list (`timeline`)
    library.json           what the library says of the lesson (`LibraryFacts`)
    export.json            every other file with its length and SHA-256; always the last

A folder or a ZIP (APPNOTE 6.3.10, entries stored and never compressed) holds the same files. Names
are checked on reading as if a stranger had made them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recorder.checksums import Checksum
from recorder.errors import ExchangeError

FORMAT: Literal["tongke-recording"] = "tongke-recording"
VERSION = 1

ABOUT = "export.json"
LIBRARY = "library.json"
RECORDING = "recording/"

# A lesson of a day in files of a second would not have so many.
MOST_FILES = 100_000
MOST_ABOUT_BYTES = 32 << 20  # of that many files
MOST_LIBRARY_BYTES = 1 << 20

# Letters that every file system and every ZIP program writes alike; a name never begins with a dot
# and so never climbs. Our own are far shorter than a hundred.
_STEP = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_NAME = re.compile(rf"{_STEP}(?:/{_STEP}){{0,3}}")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
# Windows takes these for devices, whatever their ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)


class LibraryFacts(BaseModel):
    """What the library says of a recorded lesson beside the recording itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    title: str = ""
    subject: str = ""
    grade: str = ""
    teacher: str = ""
    community: str = ""
    schools: tuple[str, ...] = Field(default=(), max_length=1000)

    def json_bytes(self) -> bytes:
        """As `library.json`; half characters, of which UTF-8 has none, are replaced."""
        members = self.model_dump(mode="python")
        return json.dumps(members, ensure_ascii=False, indent=1).encode("utf-8", "replace")


class HeldFile(BaseModel):
    """A file inside another (`wrapping`): all of it from byte `begins` on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    begins: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ExportedFile(Checksum):
    """A file of an export. What it holds, if anything, is what belongs to the recording."""

    holds: HeldFile | None = None

    @model_validator(mode="after")
    def _to_its_end(self) -> ExportedFile:
        if self.holds is not None and self.holds.begins + self.holds.bytes != self.bytes:
            raise ValueError("what a file holds does not end with it")
        return self

    @property
    def of_recording(self) -> Checksum:
        """What stands in the recording's folder."""
        name = self.file.removeprefix(RECORDING)
        return Checksum(
            file=name,
            bytes=self.holds.bytes if self.holds else self.bytes,
            sha256=self.holds.sha256 if self.holds else self.sha256,
        )


class ExportAbout(BaseModel):
    """`export.json`. `made_at` is Unix time, `made_by` the program and its version."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    format: Literal["tongke-recording"] = FORMAT
    version: int = VERSION
    recording_id: str
    title: str = ""
    made_at: float
    made_by: str = ""
    files: tuple[ExportedFile, ...] = Field(max_length=MOST_FILES)

    @model_validator(mode="after")
    def _safe(self) -> ExportAbout:
        if not is_id(self.recording_id):
            raise ValueError("recording_id is none")
        names = {one.file.casefold() for one in self.files}
        if len(names) != len(self.files):
            raise ValueError("a file is named twice")
        if not all(is_name(one.file) and one.file != ABOUT for one in self.files):
            raise ValueError("a file has a name that none of ours has")
        return self

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(one.bytes for one in self.files)

    def of_recording(self) -> Iterator[Checksum]:
        """The files of the recording's folder, as they stand there."""
        for one in self.files:
            if one.file.startswith(RECORDING):
                yield one.of_recording


def is_name(name: str) -> bool:
    """Whether a file of an export may bear it: it stays below its folder on every system."""
    safe = _NAME.fullmatch(name) is not None
    return safe and not any(_DEVICE.match(step) or step.endswith(".") for step in name.split("/"))


def is_id(recording_id: str) -> bool:
    """Whether a recording may have this id: it is the name of a folder."""
    return _ID.fullmatch(recording_id) is not None and not _DEVICE.match(recording_id)


def read_about(data: bytes) -> ExportAbout:
    """`export.json`'s bytes. Raises `ExchangeError`: `export-newer`, `export-unreadable`."""
    try:
        members = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ExchangeError("export-unreadable", ABOUT, str(error)) from None
    version = members.get("version") if isinstance(members, dict) else None
    if isinstance(version, int) and version != VERSION:
        raise ExchangeError("export-newer", ABOUT, f"version {version}")
    try:
        return ExportAbout.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ExchangeError("export-unreadable", ABOUT, first["msg"]) from None


def read_library(data: bytes) -> LibraryFacts:
    """`library.json`'s bytes. Raises `ExchangeError`."""
    try:
        return LibraryFacts.model_validate(json.loads(data))
    except (ValueError, RecursionError) as error:  # a `ValidationError` is a ValueError
        raise ExchangeError("export-unreadable", LIBRARY, type(error).__name__) from None
