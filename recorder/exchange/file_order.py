"""What a process is asked for that makes one ZIP of a recording (`exchange.file`).

Apart from it, for who only asks; what it answers is `recorder.lesson_file_order.FileMade`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from recorder.exchange.form import LibraryFacts


class ExportOrder(BaseModel):
    """The recording in `folder` as a ZIP at `path`; `places` as for `export_recording`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    folder: Path
    library: LibraryFacts
    places: dict[str, Path]
    made_at: float
    made_by: str
