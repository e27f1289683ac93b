"""`tongke archive film`: recorded lessons as films, one MP4 each, made at low priority.

The same that the library makes for who downloads it (`server.films`). What it reads may be damaged
or sent by strangers, so each is made in a child with limits. One that stands already is left.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from recorder.errors import ExchangeError, RecorderError
from recorder.lesson_file_order import FileMade, asides_of, share_file_of
from recorder.manifest import Manifest, read_manifest
from recorder.verification import Verified, look
from server.archive_exchange import brought, unwritable
from server.archive_faults import fault_text
from server.archive_options import AsJson, DataFolder, Recordings, To, refuse_no_folder
from server.archive_report import (
    Progress,
    Reported,
    end,
    exchange_text,
    fail,
    folders_of,
    report,
    settings_of,
)
from server.children.once import ChildFailed, ask_once
from server.config import Settings
from server.database.private_files import keep_new_files_private
from server.films.order import FilmOrder
from server.recordings.lesson_file_kinds import FileKind, bytes_for, limits_for

# How often the share that is done is read: a person watches it.
_LOOK_S = 0.5


def film_(
    recordings: Recordings = None,
    *,
    to: To,
    data_folder: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make films of recordings: one picture and one sound, as the class saw and heard it."""
    keep_new_files_private()
    settings = settings_of(data_folder)
    folders = folders_of(settings, recordings)
    refuse_no_folder(to)
    end(report(_filmed(settings, folders, to), as_json=as_json))


def _filmed(settings: Settings, folders: list[Path], to: Path) -> Iterator[Reported]:
    for folder in folders:
        found, place = look(folder), to / f"{folder.name}.mp4"
        progress = Progress(100)
        try:
            manifest = read_manifest(folder)
            if manifest is None:
                raise ExchangeError("not-finished", folder.name)
            if place.exists():
                raise ExchangeError("stands", str(place))
            order = _order(settings, found, folder, manifest, place)
            made = asyncio.run(_made(order, progress))
        except ExchangeError as error:
            more = {"code": error.code}
            yield Reported(found, more, (exchange_text(error),), refused=True)
        except (RecorderError, ChildFailed) as error:
            lines = (fault_text(str(error)),)
            yield Reported(found, {"code": "film-failed"}, lines, refused=True)
        except OSError as error:
            fail(unwritable(place, error))
        else:
            if made.code:
                lines = (fault_text(made.text),)
                yield Reported(found, {"code": made.code}, lines, refused=True)
            else:
                told = {"place": str(place), "film_bytes": made.bytes}
                yield Reported(found, told, (str(place),))
        finally:
            progress.clear()


def _order(
    settings: Settings, found: Verified, folder: Path, manifest: Manifest, place: Path
) -> FilmOrder:
    names = sorted({part.file for part in manifest.parts})
    places = brought(settings, found)
    return FilmOrder(
        path=place.resolve(),
        title=manifest.title,
        manifest=manifest.members(),
        parts={name: places.get(name, (folder / name).resolve()) for name in names},
    )


async def _made(order: FilmOrder, progress: Progress) -> FileMade:
    """Raises `ChildFailed`, `OSError`."""
    expected, _ = bytes_for(order, order.path.parent)
    looking = asyncio.create_task(_tell(order, progress))
    try:
        answer = await ask_once(
            FileKind.FILM.module,
            order.model_dump_json().encode(),
            limits=limits_for(order, expected),
        )
        return FileMade.model_validate_json(answer)
    finally:
        looking.cancel()
        for left in asides_of(order.path):
            left.unlink(missing_ok=True)


async def _tell(order: FilmOrder, progress: Progress) -> None:
    told = 0
    while True:
        await asyncio.sleep(_LOOK_S)
        with contextlib.suppress(OSError, ValueError):
            percent = int(100 * float(share_file_of(order.path).read_text(encoding="ascii")))
            progress.tell(percent - told)
            told = percent
