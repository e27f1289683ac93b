"""A recording that stands in a running server's library, as if its lesson had been held.

Each film is of one grey, so that a page's pixels say whose picture it shows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from recorder.manifest import Manifest, manifest_from, read_manifest
from server.database.engine import Database
from server.database.pending_writes import PendingWrites
from server.recordings.library import Catalogue
from tests.browser.server_process import ServerProcess

_RATE = 5


@dataclass(frozen=True, slots=True)
class Film:
    """One part: whose picture, and its grey."""

    seat_id: str
    source: str
    grey: int
    seconds: int

    @property
    def file(self) -> str:
        return f"{self.seat_id}-{self.source}.mp4"


def file_recording(
    server: ServerProcess,
    lesson_id: str,
    recording_id: str,
    films: Sequence[Film],
    events: Sequence[tuple[float, str, dict[str, Any]]] = (),
) -> None:
    """Files it; `events` are when (seconds from its beginning), what, and the type's own fields."""
    with ThreadPoolExecutor(1) as elsewhere:  # the test's thread has the driver's loop
        filing = _file(server, lesson_id, recording_id, films, events)
        elsewhere.submit(asyncio.run, filing).result()


async def _file(
    server: ServerProcess,
    lesson_id: str,
    recording_id: str,
    films: Sequence[Film],
    events: Sequence[tuple[float, str, dict[str, Any]]],
) -> None:
    began = time.time()
    parts = [
        {
            "part_id": film.file.removesuffix(".mp4"),
            "seat_id": film.seat_id,
            "source": film.source,
            "name": film.seat_id.title(),
            "school": "City School",
            "file": film.file,
            "mime": "video/mp4",
            "start_s": 0.0,
            "duration_s": float(film.seconds),
            "has_video": True,
            "has_audio": False,
        }
        for film in films
    ]
    members = {
        "started_at": began,
        "duration_s": float(max(film.seconds for film in films)),
        "parts": parts,
        "events": [{"at": began + at, "type": name, **more} for at, name, more in events],
    }
    manifest = manifest_from(members, where="this test")
    await _enter(server, lesson_id, recording_id, manifest)
    folder = server.data_folder / "recordings" / recording_id
    folder.mkdir(parents=True)
    for film in films:
        _write(folder / film.file, film)


async def _enter(
    server: ServerProcess, lesson_id: str, recording_id: str, manifest: Manifest
) -> None:
    database = Database(f"sqlite+aiosqlite:///{server.data_folder / 'tongke.db'}")
    pending_writes = PendingWrites(database)
    catalogue = Catalogue(pending_writes, time.time)
    await catalogue.added(recording_id, lesson_id, manifest.started_at)
    await catalogue.finished(recording_id, manifest)
    await pending_writes.close()
    await database.close()


def enter_finished(server: ServerProcess, lesson_id: str, folder: Path) -> None:
    """Enters a recording that was finished in its folder below the server's recordings."""
    manifest = read_manifest(folder)
    assert manifest is not None
    with ThreadPoolExecutor(1) as elsewhere:  # as above
        entering = _enter(server, lesson_id, folder.name, manifest)
        elsewhere.submit(asyncio.run, entering).result()


def _write(path: Path, film: Film) -> None:
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov"}) as out:
        stream = out.add_stream("libx264", rate=_RATE, options={"g": str(_RATE)})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        picture = np.full((180, 320, 3), film.grey, np.uint8)
        for number in range(film.seconds * _RATE):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
