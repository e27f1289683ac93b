"""A recording of which its program alone is kept: the rest is put aside, and can come back.

Nothing is moved: a manifest that names the program alone takes the other's place, and what is named
in the one that was, and no more in this one, goes when its time is over. The manifest that was
stands beside it under a name of this machine's. Each step can be done again after a crash.
"""

from __future__ import annotations

import json
from pathlib import Path

from recorder.errors import ManifestError
from recorder.manifest import (
    MAX_MANIFEST_BYTES,
    Manifest,
    manifest_from,
    read_manifest,
    write_manifest,
)
from recorder.recording_folder import MANIFEST, sync_folder
from recorder.whole_file import whole_file

WHOLE = ".whole_manifest.json"


def program_alone(manifest: Manifest) -> Manifest:
    """The recording with no part but the lesson's own."""
    parts = tuple(part for part in manifest.parts if part.is_program)
    kept = manifest.model_copy(update={"parts": parts})
    files = kept.files
    checksums = tuple(one for one in manifest.checksums if one.file in files)
    return kept.model_copy(update={"checksums": checksums})


def put_aside(folder: Path) -> Manifest:
    """All but the program; the manifest that stands from now on. Done again, it changes nothing.

    Raises `ManifestError`, `OSError`; `ValueError` where there is no program to be kept, or a track
    holds what no part does.
    """
    manifest = whole_manifest(folder) or _standing(folder)
    kept = program_alone(manifest)
    if not kept.parts:
        raise ValueError(f"{folder.name} has no program")
    if manifest.needs_tracks:
        raise ValueError(f"{folder.name} has tracks that are in no part")
    if not (folder / WHOLE).exists():
        with whole_file(folder / WHOLE) as file:
            file.write((folder / MANIFEST).read_bytes())
        sync_folder(folder)
    write_manifest(folder, kept)
    return kept


def bring_back(folder: Path) -> Manifest:
    """What was put aside belongs to the recording again; its manifest. Raises as `put_aside`."""
    if whole_manifest(folder) is not None:
        (folder / WHOLE).rename(folder / MANIFEST)
        sync_folder(folder)
    return _standing(folder)


def names_aside(folder: Path) -> frozenset[str]:
    """The files that nothing names any more but the manifest that was. Raises as `put_aside`."""
    whole = whole_manifest(folder)
    return frozenset() if whole is None else whole.files - _standing(folder).files


def forget_aside(folder: Path) -> None:
    """They are gone: nothing can come back."""
    (folder / WHOLE).unlink(missing_ok=True)
    sync_folder(folder)


def whole_manifest(folder: Path) -> Manifest | None:
    """The manifest that was, while its files are kept."""
    try:
        with (folder / WHOLE).open("rb") as file:
            data = file.read(MAX_MANIFEST_BYTES)
    except FileNotFoundError:
        return None
    try:
        return manifest_from(json.loads(data), where=str(folder / WHOLE))
    except ManifestError:
        raise
    except (ValueError, RecursionError) as error:
        raise ManifestError("manifest-unreadable", f"{folder / WHOLE}: {error}") from None


def _standing(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(folder / MANIFEST)
    return manifest
