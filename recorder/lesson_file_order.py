"""What a process is asked for that makes one file of a lesson (`lesson_file`), and what it answers.

Apart from it, for who only asks: what makes the file reads in libav and numpy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartOrder(_Message):
    """A file that a track is made of, and where in the lesson it begins."""

    path: Path
    start_s: float


class TrackOrder(_Message):
    kind: Literal["picture", "sound"]
    title: str
    parts: tuple[PartOrder, ...]


class FileOrder(_Message):
    """What to make. Tracks of one kind stand in this order, and players begin with the first."""

    path: Path
    title: str
    sum_title: str
    duration_s: float
    tracks: tuple[TrackOrder, ...]


class FileMade(_Message):
    """What came of it: so many bytes, or why not (`code` is stable, `text` for IT).

    `undecoded` packets of sound are silence in the sum.
    """

    bytes: int = 0
    undecoded: int = 0
    code: str = ""
    text: str = ""


def temporary_of(path: Path) -> Path:
    """What the file is called while it is written."""
    return path.with_name(f".{path.stem}.tmp")


def share_file_of(path: Path) -> Path:
    """Where who makes the file writes how far it is, from 0 to 1, if its length does not say it."""
    return path.with_name(f".{path.stem}.share")


def share_aside_of(path: Path) -> Path:
    """What the file of the share is called while it is written."""
    return share_file_of(path).with_suffix(".share-tmp")


def asides_of(path: Path) -> tuple[Path, ...]:
    """All that stands beside the file while it is made; of a maker that was killed it is left."""
    return temporary_of(path), share_file_of(path), share_aside_of(path)
