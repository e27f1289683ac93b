"""A manifest for finished files of which nothing else is known, neither journal nor library.

Each file plays, from the beginning; whose it is and where it belongs in the lesson nobody knows.
"""

from __future__ import annotations

from pathlib import Path

import av
import av.error

from recorder.manifest import Manifest, Missing, Part

_NOT_KNOWN = "{file}: whose it is and where it belongs in the lesson is not known any more"


def parts_alone(folder: Path) -> Manifest | None:
    """What plays of a folder's `part-*` files; None when nothing does."""
    paths = [path for path in sorted(folder.glob("part-*")) if path.suffix in (".mp4", ".webm")]
    found = [part for path in paths if (part := _part(path)) is not None]
    if not found:
        return None
    return Manifest(
        recording_id=folder.name,
        started_at=min((folder / part.file).stat().st_mtime for part in found),
        duration_s=max(part.duration_s for part in found),
        parts=tuple(found),
        missing=tuple(
            Missing(seat_id=part.seat_id, source="", text=_NOT_KNOWN.format(file=part.file))
            for part in found
        ),
    )


def _part(path: Path) -> Part | None:
    try:
        with av.open(str(path)) as container:
            has_video, has_audio = bool(container.streams.video), bool(container.streams.audio)
            duration_s = (container.duration or 0) / av.time_base
            if not duration_s or not next(container.demux(), None):
                return None
    except (av.error.FFmpegError, ValueError, OSError):
        return None
    kind = "video" if has_video else "audio"
    return Part(
        part_id=path.stem,
        seat_id=path.stem,
        source="teacher" if has_video else "room",
        name=path.stem,
        school="",
        file=path.name,
        mime=f"{kind}/{path.suffix.removeprefix('.')}",
        start_s=0.0,
        duration_s=round(duration_s, 3),
        has_video=has_video,
        has_audio=has_audio,
    )
