"""Writing a file that comes to stand whole or not at all: aside, synced, renamed.

What a full disk refuses leaves nothing behind: the name aside goes, the file that stood stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """To be written to; it stands at `path` when all went well. Raises `OSError`.

    The name itself is on the disk when its folder is synced (`recording_folder.sync_folder`).
    """
    aside = path.with_name(f".{path.name.removeprefix('.')}.tmp")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)  # renamed, if all went well
