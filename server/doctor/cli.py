"""`tongke doctor`: a room's equipment with `--profile` or `--server`, else this server's machine.

Owns the options, the words on the terminal and the exit code: 0 when all is well, 1 for a fault
that keeps lessons from being held, 3 where something needs care, 2 when it could not be tried.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from server.command_words import words
from server.errors import StartRefused, Text
from server.spoken import spoken
from server.system_errors import why

if TYPE_CHECKING:
    from hardware_profiles.doctor.findings import Both, CheckReport
    from server.doctor.room_side import RoomOptions

_EXIT = {"good": 0, "untried": 0, "bad": 1, "weak": 3}
_SIGNS = {"good": "✓", "weak": "!", "bad": "✗", "untried": "–"}
_PLAIN_SIGNS = {"good": "+", "weak": "!", "bad": "x", "untried": "-"}


def doctor(
    *,
    server: Annotated[str, typer.Option(help=words("doctor_server"))] = "",
    credential_file: Annotated[
        Path | None, typer.Option(help=words("room_credential_file"))
    ] = None,
    profile: Annotated[str, typer.Option(help=words("doctor_profile"))] = "",
    profiles_folder: Annotated[
        Path | None, typer.Option(help=words("room_profiles_folder"))
    ] = None,
    passwords: Annotated[Path | None, typer.Option(help=words("room_passwords"))] = None,
    microphone: Annotated[str | None, typer.Option(help=words("doctor_microphone"))] = None,
    speaker: Annotated[str | None, typer.Option(help=words("doctor_speaker"))] = None,
    silent: Annotated[bool, typer.Option("--silent", help=words("doctor_silent"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help=words("doctor_json"))] = False,
    page: Annotated[Path | None, typer.Option("--page", help=words("doctor_page"))] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
    data_folder: Annotated[Path | None, typer.Option(help=words("data_folder"))] = None,
) -> None:
    """Try a room's equipment and line, or a server's machine, and say what to do."""
    from hardware_profiles.doctor.page import page as printed  # not for --help
    from server.doctor.room_side import RoomOptions

    try:
        if server or profile:
            options = RoomOptions(
                server=server,
                credential_file=credential_file,
                profile=profile or "standard",
                profiles_folder=profiles_folder,
                passwords=passwords,
                insecure=insecure,
                microphone="" if silent else microphone,
                speaker="" if silent else speaker,
                speaks=sys.stdin.isatty(),
            )
            report, kept = asyncio.run(_room(options))
        else:
            report, kept = asyncio.run(_server(data_folder)), None
    except StartRefused as refused:
        _fail(refused.text)
    except KeyboardInterrupt:
        sys.exit(130)
    if page is not None:
        try:
            page.write_text(printed(report), encoding="utf-8")
        except OSError as error:
            reason = why(error)
            _fail(Text(f"无法写入 {page}：{reason.zh}", f"{page} cannot be written: {reason.en}"))
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        _tell(report)
        if kept is not None:
            _say(_KEPT if kept else _NOT_KEPT)
    raise typer.Exit(_EXIT[report.verdict.value])


_KEPT = Text("报告已送到服务器。", "The report is kept on the server.")
_NOT_KEPT = Text(
    "报告没有送到服务器：可以用 --page 写成文件。",
    "The report did not reach the server: write it into a file with --page.",
)


async def _room(options: RoomOptions) -> tuple[CheckReport, bool | None]:
    """The report, and whether the server has it; None where no server was named."""
    from server.doctor.room_side import keep_on_server, room_check, server_of

    check = room_check(options, lambda said: _say(Text(said.zh, said.en), err=True))
    report = await check.run()
    asked = server_of(options)
    return report, None if asked is None else await keep_on_server(*asked, report)


async def _server(data_folder: Path | None) -> CheckReport:
    from server.config import load_settings
    from server.doctor.server_check import check_server
    from server.door.last_start import (
        as_it_started,
        of_the_running_server,
        with_its_places,
    )

    settings = with_its_places(of_the_running_server(load_settings(data_folder=data_folder)))
    return await check_server(as_it_started(settings) or settings)


def _tell(report: CheckReport) -> None:
    for finding in report.findings:
        sign = _sign(finding.verdict.value)
        for name, said, todo in zip(
            _lines(finding.name),
            _lines(finding.words),
            _lines(finding.todo) if finding.todo is not None else ["", ""],
            strict=False,
        ):
            typer.echo(f"{sign} {name}  {said}" + (f"\n    → {todo}" if todo else ""))
    _say(Text(report.words.zh, report.words.en))


def _sign(verdict: str) -> str:
    try:
        _SIGNS[verdict].encode(sys.stdout.encoding)
    except (UnicodeEncodeError, LookupError):
        return _PLAIN_SIGNS[verdict]
    return _SIGNS[verdict]


def _lines(said: Both) -> list[str]:
    return list(spoken(Text(said.zh, said.en), encoding=sys.stdout.encoding))


def _say(text: Text, *, err: bool = False) -> None:
    for line in spoken(text, encoding=sys.stdout.encoding):
        typer.echo(line, err=err)


def _fail(text: Text) -> NoReturn:
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    raise typer.Exit(2)
