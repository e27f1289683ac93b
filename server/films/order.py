"""What a process is asked for that makes a lesson's film (`server.films.making`).

Apart from it, for who only asks: what makes the film reads in libav, OpenCV and the compositor.
What it answers is `recorder.lesson_file_order.FileMade`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class FilmOrder(BaseModel):
    """The recording of this manifest as an MP4 at `path`; `parts` says where each file is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    title: str
    manifest: dict[str, Any]
    parts: dict[str, Path]

    @property
    def duration_s(self) -> float:
        """Of the lesson."""
        return float(self.manifest["duration_s"])
