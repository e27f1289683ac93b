"""`tongke archive export|import|repair`: recordings that leave this server, come in, or are mended.

Export and import write whole or nothing; repair moves aside what it replaces and deletes nothing.
What the library says of a recording is asked of the database where it answers.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

from recorder.errors import ExchangeError, RecorderError
from recorder.exchange.form import LibraryFacts
from recorder.exchange.making import bytes_of, export_recording
from recorder.exchange.sinks import FolderSink, ZipSink
from recorder.exchange.taking import check_export, import_recording, look_into
from recorder.ownership import give_below
from recorder.repairing import Mended
from recorder.verification import ArchiveCondition, Verified, look, verify
from server.archive_options import AsJson, DataFolder, Recordings, To, refuse_no_folder
from server.archive_report import (
    Progress,
    Reported,
    end,
    exchange_text,
    fail,
    folders_of,
    note,
    repair_text,
    report,
    settings_of,
    with_fault,
)
from server.clock import wall_clock
from server.command_words import words
from server.config import Settings
from server.database.private_files import keep_new_files_private
from server.errors import StartRefused, Text
from server.system_errors import why


def export_(
    recordings: Recordings = None,
    *,
    to: To,
    as_zip: Annotated[bool, typer.Option("--zip", help=words("archive_zip"))] = False,
    data_folder: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write recordings so that they play from a disk, and can be imported elsewhere."""
    keep_new_files_private()
    settings = settings_of(data_folder)
    folders = folders_of(settings, recordings)
    refuse_no_folder(to)
    library = {} if not folders else _library(settings, [folder.name for folder in folders])
    end(report(_exported(settings, folders, to, library, as_zip=as_zip), as_json=as_json))


def import_(
    exports: Annotated[list[Path], typer.Argument(help=words("archive_exports"))],
    *,
    data_folder: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put exported recordings into the recordings folder; the server adds them to its library."""
    keep_new_files_private()
    settings = settings_of(data_folder)
    if not settings.data_folder.is_dir():
        folders_of(settings, None)  # which says what to do
    try:
        if not settings.recordings.is_dir():
            settings.recordings.mkdir(mode=0o700, parents=True)
            give_below(settings.recordings, like=settings.data_folder)
    except OSError as error:
        fail(unwritable(settings.recordings, error))
    end(report(_imported(exports, settings.recordings), as_json=as_json))


def repair_(
    recordings: Recordings = None, *, data_folder: DataFolder = None, as_json: AsJson = False
) -> None:
    """Save what can be saved of damaged recordings; nothing of them is deleted."""
    keep_new_files_private()
    settings = settings_of(data_folder)
    folders = folders_of(settings, recordings)
    library = {} if not folders else _library(settings, [folder.name for folder in folders])
    manifests = {name: known[1] for name, known in library.items() if known[1]}
    end(report(_repaired(folders, manifests), as_json=as_json))


def _exported(
    settings: Settings,
    folders: list[Path],
    to: Path,
    library: dict[str, tuple[LibraryFacts, str]],
    *,
    as_zip: bool,
) -> Iterator[Reported]:
    made_by = f"tongke {importlib.metadata.version('tongke')}"
    for folder in folders:
        found = look(folder)
        if found.condition in {ArchiveCondition.RECORDING, ArchiveCondition.UNFINISHED}:
            error = ExchangeError(
                "at-work" if found.condition is ArchiveCondition.RECORDING else "not-finished",
                folder.name,
            )
            yield Reported(found, {"code": error.code}, (exchange_text(error),))
            continue
        place = to / (f"{folder.name}.zip" if as_zip else folder.name)
        facts = library.get(folder.name, (LibraryFacts(title=found.title), ""))[0]
        progress = Progress(2 * bytes_of(folder))  # it is written, and read again
        try:
            places = brought(settings, found)
            sink = ZipSink(place, at=found.started_at or 0.0) if as_zip else FolderSink(place)
            about = export_recording(
                folder,
                sink,
                facts,
                made_at=wall_clock(),
                made_by=made_by,
                tell=progress.tell,
                places=places,
            )
            check_export(place, progress.tell)
        except FileExistsError:
            yield _refused(found, ExchangeError("stands", str(place)))
        except (ExchangeError, RecorderError) as error:
            yield _refused(found, error)
        except OSError as error:
            fail(unwritable(place, error))
        else:
            more = {"place": str(place), "files": len(about.files)}
            yield Reported(found, more, (str(place),))
        finally:
            progress.clear()


def _imported(exports: list[Path], recordings: Path) -> Iterator[Reported]:
    for place in exports:
        blank = Verified(place.name, ArchiveCondition.UNREADABLE)
        progress = Progress(1)
        try:
            progress = Progress(look_into(place).bytes)
            taken = import_recording(place, recordings, progress.tell)
        except (ExchangeError, RecorderError) as error:
            yield _refused(blank, error)
        except OSError as error:
            reason = unwritable(place, error)
            yield Reported(blank, {"code": "not-read"}, (reason,), refused=True)
        else:
            progress.clear()
            found = verify(recordings / taken.recording_id)
            yield Reported(
                found,
                {"place": str(place), "stood": taken.stood},
                (_STOOD if taken.stood else _TAKEN,),
            )
        finally:
            progress.clear()


def _repaired(folders: list[Path], manifests: dict[str, str]) -> Iterator[Reported]:
    for folder in folders:
        # What it reads is damaged, and was sent by strangers: a process of its own.
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "recorder.repair", str(folder)],
            input=manifests.get(folder.name, "").encode(),
            stdout=subprocess.PIPE,
            check=False,
        )
        give_below(folder, like=folder.parent)
        found = verify(folder)
        try:
            answer = json.loads(done.stdout)
            mended = [Mended(**one) for one in answer["done"]]
            faults = [Mended(**one) for one in answer["faults"]]
            failed = str(answer["failed"])
        except (ValueError, KeyError, TypeError):
            mended, faults = [], []
            failed = f"python -m recorder.repair: {done.returncode}"
        yield Reported(
            with_fault(found, failed) if failed else found,
            {"done": [one.code for one in mended]},
            tuple(repair_text(one) for one in mended),
            tuple(repair_text(one) for one in faults),
        )


def _library(settings: Settings, ids: Collection[str]) -> dict[str, tuple[LibraryFacts, str]]:
    """The library's facts and its copy of the manifest; nothing where there is no database."""
    if not settings.database_url and not (settings.data_folder / "tongke.db").is_file():
        return {}
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - not for a folder alone

    from server.database.engine import Database  # noqa: PLC0415 - as above
    from server.database.refusing import DatabaseRefused  # noqa: PLC0415 - as above
    from server.recordings.library_facts import known_to_library  # noqa: PLC0415 - as above

    async def ask() -> dict[str, tuple[LibraryFacts, str]]:
        database = Database(settings.database)
        try:
            known = await known_to_library(database, ids)
        finally:
            await database.close()
        return {
            name: (one.facts, json.dumps(one.manifest.members()) if one.manifest else "")
            for name, one in known.items()
        }

    try:
        return asyncio.run(ask())
    except (DatabaseRefused, StartRefused, SQLAlchemyError):
        note(_NO_LIBRARY)
        return {}


_NO_LIBRARY = Text(
    "数据库没有应答：导出中将没有学科、年级等信息。",
    "The database does not answer: subject, grade and the like will not be told.",
)
_TAKEN = Text("已导入；服务器会将其放入课程库。", "imported; the server takes it into its library")
_STOOD = Text("早已在此，内容相同。", "it stood here already, the same")


def brought(settings: Settings, found: Verified) -> dict[str, Path]:
    """Copies of what lies in the object store alone. Raises `ExchangeError`, `OSError`."""
    if not found.elsewhere:
        return {}
    if not settings.store_bucket:
        raise ExchangeError("elsewhere", found.elsewhere[0])
    from server.recordings.object_store import ObjectStore  # noqa: PLC0415 - for such alone
    from server.recordings.objects import ObjectsAway  # noqa: PLC0415 - as above
    from server.recordings.s3_objects import objects_of  # noqa: PLC0415 - as above
    from server.recordings.uploading import Uploads  # noqa: PLC0415 - as above

    async def bring() -> dict[str, Path]:
        objects = objects_of(settings)
        uploads = Uploads(objects, settings.recordings, spool_bytes=0)  # nothing is sent
        store = ObjectStore(objects, settings.recordings, uploads)
        copies = {name: await store.bring(found.recording_id, name) for name in found.elsewhere}
        return {name: path for name, path in copies.items() if path is not None}

    try:
        return asyncio.run(bring())
    except ObjectsAway as error:
        raise ExchangeError("elsewhere", found.elsewhere[0], str(error)) from None
    except StartRefused as refused:
        fail(refused.text)


def _refused(found: Verified, error: RecorderError) -> Reported:
    code = getattr(error, "code", "")
    if isinstance(error, ExchangeError):
        more = {"code": code, "why": str(error)}
        return Reported(found, more, (exchange_text(error),), refused=True)
    return Reported(with_fault(found, str(error)), {"code": code}, refused=True)


def unwritable(place: Path, error: OSError) -> Text:
    """Why a place cannot be used, in both languages."""
    where = error.filename or place
    return Text(
        f"无法读写 {where}（{why(error).zh}）。什么也没有留下。",
        f"{where} cannot be read or written: {error.strerror}. Nothing is left behind.",
    )
