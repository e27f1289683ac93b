"""Which bytes of a recording lie in an object store: `.stored.json` in its folder.

A file goes there in pieces of at most 16 MiB, each an object of its own, so that what is cut off is
sent again from its piece and not from its beginning. A piece stands here only when its SHA-256 was
taken of what the store gave back. The file's name begins with a dot: it is this server's affair.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recorder.recording_folder import sync_folder
from recorder.whole_file import whole_file

LEDGER = ".stored.json"
PIECE_BYTES = 16 << 20
_MOST_LEDGER_BYTES = 64 << 20


class StoredPiece(BaseModel):
    """A piece that is proved: its length and SHA-256 in hex."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int = Field(ge=0, le=PIECE_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class StoredPieces(BaseModel):
    """The ledger of a recording.

    `pieces` are the proved ones of each file, in order; `whole` has the SHA-256 of each file of
    which all are, and whose bytes are what was finished; `released` are those of which no local
    copy need be. `in_flight` is the object that was being sent: whether it arrived is not known.
    `stored` says that nothing is left to be done.
    """

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    pieces: dict[str, list[StoredPiece]] = {}
    whole: dict[str, str] = {}
    released: list[str] = []
    in_flight: str = ""
    stored: bool = False

    def size(self, name: str) -> int:
        """Of a whole file."""
        return sum(piece.bytes for piece in self.pieces[name])


class LedgerError(ValueError):
    """A ledger that cannot be read: nothing is released, and nothing is sent, for it."""


def key_of(recording_id: str, name: str, number: int, piece: StoredPiece) -> str:
    """Under which name a piece is stored. Other bytes have another: none is ever overwritten."""
    return f"{recording_id}/{name}/{number:05d}-{piece.sha256[:16]}"


def read_ledger(folder: Path) -> StoredPieces:
    """An empty one where none stands. Raises `LedgerError`, `OSError`."""
    try:
        with (folder / LEDGER).open("rb") as file:
            data = file.read(_MOST_LEDGER_BYTES)
    except FileNotFoundError:
        return StoredPieces()
    try:
        return StoredPieces.model_validate(json.loads(data))
    except (ValueError, RecursionError, ValidationError) as error:
        raise LedgerError(f"{folder / LEDGER} cannot be read: {error}") from None


def write_ledger(folder: Path, ledger: StoredPieces) -> None:
    """Whole or not at all. Raises `OSError`."""
    with whole_file(folder / LEDGER) as file:
        file.write(ledger.model_dump_json().encode())
    sync_folder(folder)
