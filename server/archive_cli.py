"""`tongke archive`: what stands in the recordings folder, whether it is what was finished, and
finishing by hand.

For IT staff, beside a running server or without one: only `finish` writes, and it waits for nobody
who is at work on the same recording. One line a recording, as each is done; with `--json` one JSON
object a line. The exit code says the worst: 0 all is whole and proved, 3 something is missing,
unfinished or unproved, 1 something is damaged or cannot be read, 2 the command could not be carried
out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from recorder.finishing import FinishingQueue
from recorder.verification import ArchiveCondition, Verified, look, told, verify
from server.command_words import words
from server.config import load_settings
from server.errors import StartRefused, Text
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup

CONDITIONS: dict[ArchiveCondition, Text] = {
    ArchiveCondition.WHOLE: Text("完整", "whole"),
    ArchiveCondition.INCOMPLETE: Text("有缺失", "incomplete"),
    ArchiveCondition.RECORDING: Text("正在录制或整理", "being recorded or finished"),
    ArchiveCondition.UNFINISHED: Text("尚未整理", "not finished"),
    ArchiveCondition.DAMAGED: Text("已损坏", "damaged"),
    ArchiveCondition.UNREADABLE: Text("无法读取", "cannot be read"),
}
UNPROVED = Text("没有校验值", "no checksum was taken")

_EXIT_DAMAGED, _EXIT_LACKING = 1, 3
_BAD = {ArchiveCondition.DAMAGED, ArchiveCondition.UNREADABLE}
_LACKING = {ArchiveCondition.INCOMPLETE, ArchiveCondition.UNFINISHED}
# How often it is looked whether a child that finishes a recording is done.
_LOOK_S = 0.1

DataFolder = Annotated[Path | None, typer.Option(help=words("data_folder"))]
Recordings = Annotated[list[str] | None, typer.Argument(help=words("archive_recordings"))]
AsJson = Annotated[bool, typer.Option("--json", help=words("archive_json"))]

archive = typer.Typer(cls=SpokenGroup, help=words("archive"), no_args_is_help=True)


@archive.command("list", cls=SpokenCommand, help=words("archive_list"))
def list_(*, data_folder: DataFolder = None, as_json: AsJson = False) -> None:
    """What stands in the recordings folder, without reading the media."""
    folders = _folders(data_folder, None)
    _end(_report((look(folder) for folder in folders), as_json=as_json))


@archive.command("verify", cls=SpokenCommand, help=words("archive_verify"))
def verify_(
    recordings: Recordings = None, *, data_folder: DataFolder = None, as_json: AsJson = False
) -> None:
    """Read every file and compare it with the checksum taken when it was finished."""
    folders = _folders(data_folder, recordings)
    _end(_report((verify(folder) for folder in folders), as_json=as_json))


@archive.command("finish", cls=SpokenCommand, help=words("archive_finish"))
def finish_(
    recordings: Recordings = None, *, data_folder: DataFolder = None, as_json: AsJson = False
) -> None:
    """Make recordings playable that are not, a few at a time, at low priority."""
    folders = [
        folder
        for folder in _folders(data_folder, recordings)
        if recordings or look(folder).condition is ArchiveCondition.UNFINISHED
    ]
    _end(_report(_finished(folders), as_json=as_json))


def _finished(folders: Iterable[Path]) -> Iterable[Verified]:
    queue, waiting = FinishingQueue(), {folder.name: folder for folder in folders}
    for recording_id, folder in waiting.items():
        queue.add(recording_id, folder)
    try:
        while waiting:
            for recording_id, refusal in queue.poll(time.monotonic()):
                found = look(waiting.pop(recording_id))
                if refusal is not None:
                    found = _refused(found, refusal[1])
                yield found
            time.sleep(_LOOK_S)
    finally:
        queue.stop()


def _refused(found: Verified, why: str) -> Verified:
    return replace(found, faults=(*found.faults, why))


def _folders(data_folder: Path | None, wanted: list[str] | None) -> list[Path]:
    """Those asked for, or all, oldest name first."""
    try:
        settings = load_settings(data_folder=data_folder)
    except StartRefused as refused:
        _fail(refused.text)
    root = settings.recordings
    try:
        found = {p.name: p for p in sorted(root.iterdir()) if p.is_dir() and p.name[0] != "."}
    except OSError:
        _fail(
            Text(
                f"这里没有录制文件夹：{root}。请用 --data-folder 指明服务器的数据文件夹。",
                f"There is no recordings folder at {root}. Name the server's data folder with "
                "--data-folder.",
            )
        )
    unknown = [name for name in wanted or () if name not in found]
    if unknown:
        names = ", ".join(unknown)
        _fail(
            Text(
                f"{root} 中没有这些录制：{names}。用 tongke archive list 查看有哪些。",
                f"There is no such recording in {root}: {names}. tongke archive list says which "
                "there are.",
            )
        )
    return [found[name] for name in wanted] if wanted else list(found.values())


def _report(found: Iterable[Verified], *, as_json: bool) -> int:
    """Say each as it comes; the exit code."""
    worst = 0
    show: Callable[[Verified], None] = _show_json if as_json else _show
    for one in found:
        show(one)
        if one.condition in _BAD:
            worst = _EXIT_DAMAGED
        elif worst == 0 and (one.condition in _LACKING or one.unproved or one.faults):
            worst = _EXIT_LACKING
    return worst


def _show_json(found: Verified) -> None:
    typer.echo(told(found))


def _show(found: Verified) -> None:
    began = "-"
    if found.started_at is not None:
        began = f"{datetime.fromtimestamp(found.started_at):%Y-%m-%d %H:%M}"  # noqa: DTZ006 - theirs
    length = "-" if found.duration_s is None else f"{found.duration_s / 60:.1f} min"
    parts = [found.recording_id, began, length, f"{found.bytes / 1e6:.1f} MB"]
    typer.echo("  ".join([*parts, _words(CONDITIONS[found.condition]), found.title]).rstrip())
    for fault in found.faults:
        typer.echo(f"    {fault}")
    if found.unproved:
        typer.echo(f"    {_words(UNPROVED)}: {', '.join(found.unproved)}")


def _words(text: Text) -> str:
    return " / ".join(spoken(text, encoding=sys.stdout.encoding))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _fail(text: Text) -> NoReturn:
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    raise typer.Exit(2)
