"""A recording's proof: the length and SHA-256 (FIPS 180-4) of every file that is played.

Taken when a file is finished, of what the disk gives back. Whoever copies, keeps or fetches a
recording compares: a disk, a line and a store may each say that all went well.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Checksum(BaseModel):
    """One file by its name in the manifest: how long it is in bytes, and its SHA-256 in hex."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


def checksum_of(path: Path) -> Checksum:
    """Read the whole file. Raises `OSError`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Checksum(file=path.name, bytes=file.tell(), sha256=digest.hexdigest())
