"""What every command of `tongke archive` takes, in one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.archive_report import fail
from server.command_words import words
from server.errors import Text

DataFolder = Annotated[Path | None, typer.Option(help=words("data_folder"))]
Recordings = Annotated[list[str] | None, typer.Argument(help=words("archive_recordings"))]
AsJson = Annotated[bool, typer.Option("--json", help=words("archive_json"))]
To = Annotated[Path, typer.Option("--to", help=words("archive_to"))]


def refuse_no_folder(to: Path) -> None:
    """Ends the command where what it makes would have no folder."""
    if not to.is_dir():
        fail(Text(f"没有文件夹 {to}。请先建立。", f"There is no folder {to}. Make it first."))
