"""`tongke archive`: what stands in the recordings folder, whether it is what was finished, and
finishing by hand. What leaves it and comes in is `archive_exchange`'s and `archive_film`'s, how
long it is kept `archive_plan`'s, what is said `archive_report`'s.

For IT staff, beside a running server or without one; `finish` waits for nobody who is at work on
the same recording. One line a recording, as each is done; with `--json` one JSON object a line. The
exit code says the worst: 0 all is whole and proved, 3 something is missing, unfinished or unproved,
1 something is damaged or cannot be read, 2 the command could not be carried out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from recorder.finishing import FinishingQueue
from recorder.ownership import give_below
from recorder.verification import ArchiveCondition, Verified, look, verify
from server.archive_exchange import export_, import_, repair_
from server.archive_film import film_
from server.archive_options import AsJson, DataFolder, Recordings
from server.archive_report import Progress, end, folders_of, note, report, settings_of, with_fault
from server.command_words import words
from server.config import Settings
from server.errors import Text
from server.spoken_help import SpokenCommand, SpokenGroup

# How often it is looked whether a child that finishes a recording is done.
_LOOK_S = 0.1


archive = typer.Typer(cls=SpokenGroup, help=words("archive"), no_args_is_help=True)


@archive.command("list", cls=SpokenCommand, help=words("archive_list"))
def list_(*, data_folder: DataFolder = None, as_json: AsJson = False) -> None:
    """What stands in the recordings folder, without reading the media."""
    settings = settings_of(data_folder)
    folders = folders_of(settings, None)
    _note_none(settings, folders)
    end(report((look(folder) for folder in folders), as_json=as_json))


@archive.command("verify", cls=SpokenCommand, help=words("archive_verify"))
def verify_(
    recordings: Recordings = None, *, data_folder: DataFolder = None, as_json: AsJson = False
) -> None:
    """Read every file and compare it with the checksum taken when it was finished."""
    settings = settings_of(data_folder)
    folders = folders_of(settings, recordings)
    _note_none(settings, folders)
    end(report(_verified(folders), as_json=as_json))


@archive.command("finish", cls=SpokenCommand, help=words("archive_finish"))
def finish_(
    recordings: Recordings = None, *, data_folder: DataFolder = None, as_json: AsJson = False
) -> None:
    """Make recordings playable that are not, a few at a time, at low priority."""
    folders = [
        folder
        for folder in folders_of(settings_of(data_folder), recordings)
        if recordings or look(folder).condition is ArchiveCondition.UNFINISHED
    ]
    if not folders:
        note(Text("没有尚未整理的录像。", "There is nothing to finish."))
    end(report(_finished(folders), as_json=as_json))


archive.command("export", cls=SpokenCommand, help=words("archive_export"))(export_)
archive.command("film", cls=SpokenCommand, help=words("archive_film"))(film_)
archive.command("import", cls=SpokenCommand, help=words("archive_import"))(import_)
archive.command("repair", cls=SpokenCommand, help=words("archive_repair"))(repair_)


@archive.command("plan", cls=SpokenCommand, help=words("archive_plan"))
def plan_(*, data_folder: DataFolder = None, as_json: AsJson = False) -> None:
    """What will be done with recordings when, and what is kept in spite of its rule."""
    from server.archive_plan import show_plan  # it reads in a database

    show_plan(data_folder, as_json=as_json)


@archive.command("history", cls=SpokenCommand, help=words("archive_history"))
def history_(*, data_folder: DataFolder = None, as_json: AsJson = False) -> None:
    """What was done with recordings, by which rule."""
    from server.archive_plan import show_history  # as above

    show_history(data_folder, as_json=as_json)


@archive.command("restore", cls=SpokenCommand, help=words("archive_restore"))
def restore_(
    recordings: Annotated[list[str], typer.Argument(help=words("archive_restored"))],
    *,
    data_folder: DataFolder = None,
) -> None:
    """Bring recordings back."""
    from server.archive_plan import bring_back  # as above

    bring_back(data_folder, recordings)


def _note_none(settings: Settings, folders: Sequence[Path]) -> None:
    if not folders:
        note(
            Text(f"{settings.recordings} 中没有录像。", f"No recordings in {settings.recordings}.")
        )


def _verified(folders: Iterable[Path]) -> Iterator[Verified]:
    for folder in folders:
        progress = Progress(look(folder).bytes)
        found = verify(folder, progress.tell)
        progress.clear()
        yield found


def _finished(folders: Iterable[Path]) -> Iterator[Verified]:
    queue, waiting = FinishingQueue(), {folder.name: folder for folder in folders}
    for recording_id, folder in waiting.items():
        queue.add(recording_id, folder)
    try:
        while waiting:
            for recording_id, refusal in queue.poll(time.monotonic()):
                folder = waiting.pop(recording_id)
                give_below(folder, like=folder.parent)
                found = look(folder)
                yield found if refusal is None else with_fault(found, refusal[1])
            time.sleep(_LOOK_S)
    finally:
        queue.stop()
