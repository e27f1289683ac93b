"""What `tongke archive` says: one line a recording, progress beside it, and the exit code.

With `--json` one JSON object a line on standard output, in which all that is said stands in both
languages, whatever this machine is set to. Progress goes to standard error, and only where somebody
looks: a terminal. Titles were written by strangers and steer no terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TextIO

import typer

from recorder.errors import EXCHANGE, ExchangeError
from recorder.plain_text import plain
from recorder.repairing import FAULTS, REPAIRS, Mended
from recorder.verification import ArchiveCondition, Verified, told
from server.archive_faults import fault_text
from server.config import Settings, load_settings
from server.door.last_start import with_its_places
from server.errors import StartRefused, Text
from server.spoken import spoken

CONDITIONS: dict[ArchiveCondition, Text] = {
    ArchiveCondition.WHOLE: Text("完整", "whole"),
    ArchiveCondition.INCOMPLETE: Text("有缺失", "incomplete"),
    ArchiveCondition.RECORDING: Text("正在录制或整理", "being recorded or finished"),
    ArchiveCondition.UNFINISHED: Text("尚未整理", "not finished"),
    ArchiveCondition.DAMAGED: Text("已损坏", "damaged"),
    ArchiveCondition.UNREADABLE: Text("无法读取", "cannot be read"),
}
UNPROVED = Text("没有校验值", "no checksum was taken")
EXCHANGE_ZH = {
    "at-work": "正在录制或整理 {where}。请在完成后重试。",
    "damaged": "{where} 不存在，或已不是整理时的内容。用 tongke archive repair 可挽救其余部分。",
    "elsewhere": "{where} 在对象存储中，但无法取得。请在其恢复后重试；"
    "设置 store_bucket 和 store_keys_file 指明其位置。",
    "export-newer": "这份导出由更新版本的同课制作。请用该版本导入。",
    "export-unreadable": "{where} 的内容不是同课的导出；已损坏，或本来就不是。",
    "no-export": "{where} 不是导出：既不是含有 export.json 的文件夹，也不是这样的 ZIP。",
    "no-room": "{where} 的剩余空间不足。",
    "not-finished": "{where} 尚未整理；用 tongke archive finish 使其可播放。",
    "other-stands": "{where} 处已有另一个录像。什么也没有改动。",
    "packed": "{where} 经过压缩。请先解压 ZIP，再导入其文件夹。",
    "stands": "{where} 已存在。什么也没有写入；请另选位置。",
    "unsafe": "{where} 是链接，或其名称、位置不属于导出。",
    "wrong-bytes": "{where} 不是导出时的内容：字节有变，或有缺失。",
}

REPAIRS_ZH = {
    "finished-again": "已用保留的音视频轨重新整理",
    "journal-rebuilt": "日志没有说明录的是什么；已采用其中可读的行",
    "manifest-from-library": "已用课程库中的副本恢复清单",
    "manifest-from-parts": "已按现有文件重建清单；它们在课中的位置已无从得知",
    "part-lost": "{file}：完全无法读取；保留在 before_repair 中",
    "part-saved": "{file}：已挽救可读的部分，{saved_s:.1f} 秒（共 {whole_s:.1f} 秒）",
    "strip-lost": "{file}：预览图无法读取；其余都在",
    "low-lost": "{file}：小画面无法读取；大画面仍在",
    "playlist-again": "{file}：已重新写出播放列表",
    "poster-again": "已重新生成封面",
    "at-work": "正在录制或整理。",
    "newer": "这个录像由更新版本的同课整理。请用该版本修复。",
    "nothing-to-save": "这里没有可播放的内容；一切保持原样。",
    "disk-full": "磁盘已满（{file}）。录像保持原样。请腾出空间，再修复一次。",
    "folder-unwritable": "无法写入 {file}。录像保持原样。请以运行同课的用户或 root 再修复一次。",
    "disk-error": "磁盘出错（{file}）。录像保持原样。请检查磁盘，再修复一次。",
}

EXIT_DAMAGED, EXIT_REFUSED, EXIT_LACKING = 1, 2, 3
# A year: no lesson is so long, and no line has room for what a damaged file may say.
_NO_LENGTH_S = 365 * 86_400.0
_BAD = {ArchiveCondition.DAMAGED, ArchiveCondition.UNREADABLE}
_LACKING = {ArchiveCondition.INCOMPLETE, ArchiveCondition.UNFINISHED}


@dataclass(frozen=True, slots=True)
class Reported:
    """A recording, or an export, and what was done with it: `more` are further members in JSON,
    `lines` what is said of it (a place as it is, no sentence), `faults` what is wrong besides what
    the archive tells itself; `refused` says that it was not done.
    """

    found: Verified
    more: dict[str, Any] = field(default_factory=dict)
    lines: tuple[Text | str, ...] = ()
    faults: tuple[Text, ...] = ()
    refused: bool = False


def exchange_text(error: ExchangeError) -> Text:
    """An export's or import's refusal in both languages."""
    where = plain(error.where)
    why = f"（{plain(error.why)}）" if error.why else ""
    return Text(
        EXCHANGE_ZH[error.code].format(where=where) + why,
        EXCHANGE[error.code].format(where=where) + (f" ({plain(error.why)})" if error.why else ""),
    )


def repair_text(one: Mended) -> Text:
    """What a repair did, or why it did nothing, in both languages."""
    values = {"file": plain(one.file), "saved_s": one.saved_s, "whole_s": one.whole_s}
    english = {**REPAIRS, **FAULTS}[one.code]
    return Text(REPAIRS_ZH[one.code].format(**values), english.format(**values))


def report(found: Iterable[Verified | Reported], *, as_json: bool) -> int:
    """Say each as it comes; the exit code."""
    worst = 0
    for each in found:
        one = each if isinstance(each, Reported) else Reported(each)
        (_show_json if as_json else _show)(one)
        stands = one.found
        if stands.condition in _BAD or one.refused:
            worst = EXIT_DAMAGED
        elif worst == 0 and (stands.condition in _LACKING or stands.unproved or _faults(one, str)):
            worst = EXIT_LACKING
    return worst


def _faults(one: Reported, shown: Callable[[str], str]) -> list[Text]:
    """Each once; `shown` makes of the archive's sentences what may be shown."""
    own = (fault_text(shown(fault)) for fault in one.found.faults)
    return list(dict.fromkeys((*own, *one.faults)))


def _show_json(one: Reported) -> None:
    faults, said = _faults(one, str), [line for line in one.lines if isinstance(line, Text)]
    members = json.loads(told(one.found)) | one.more
    members |= {"faults": [each.en for each in faults], "faults_zh": [each.zh for each in faults]}
    if said:
        members["message_zh"] = "\n".join(each.zh for each in said)
        members["message_en"] = "\n".join(each.en for each in said)
    typer.echo(json.dumps(members, ensure_ascii=False).encode("utf-8", "replace").decode())


def _show(one: Reported) -> None:
    found = one.found
    began = "-" if found.started_at is None else moment(found.started_at)
    length = "-"
    if found.duration_s is not None and abs(found.duration_s) < _NO_LENGTH_S:
        length = f"{found.duration_s / 60:.1f} min"
    parts = [plain(found.recording_id), began, length, f"{found.bytes / 1e6:.1f} MB"]
    condition = in_words(CONDITIONS[found.condition])
    typer.echo("  ".join([*parts, condition, plain(found.title)]).rstrip())
    for line in (*one.lines, *_faults(one, plain)):
        typer.echo(f"    {plain(in_words(line) if isinstance(line, Text) else line)}")
    if found.unproved:
        typer.echo(f"    {in_words(UNPROVED)}: {plain(', '.join(found.unproved))}")


def moment(at: float) -> str:
    """By this machine's clock; a dash for what no calendar has, as a damaged file may say it."""
    try:
        return f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M}"  # noqa: DTZ006 - theirs
    except (ValueError, OverflowError, OSError):
        return "-"


def with_fault(found: Verified, why: str) -> Verified:
    """The same, and what is wrong with it besides."""
    return replace(found, faults=tuple(dict.fromkeys((*found.faults, why))))


class Progress:
    """How much of the work is done, in whole percents, on a terminal."""

    def __init__(self, total_bytes: int, stream: TextIO | None = None) -> None:
        self._total = max(1, total_bytes)
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._done, self._percent = 0, -1

    def tell(self, done_bytes: int) -> None:
        """So much more is done."""
        self._done += done_bytes
        percent = min(100, 100 * self._done // self._total)
        if self._shown and percent != self._percent:
            self._percent = percent
            self._stream.write(f"\r{percent:3d} %")
            self._stream.flush()

    def clear(self) -> None:
        """The line is free for what is said next."""
        if self._shown and self._percent >= 0:
            self._stream.write("\r      \r")
            self._stream.flush()
            self._percent = -1


def settings_of(data_folder: Path | None) -> Settings:
    """Those of the server whose data folder it is; ends the command when they cannot be used."""
    try:
        return with_its_places(load_settings(data_folder=data_folder))
    except StartRefused as refused:
        fail(refused.text)


def folders_of(settings: Settings, wanted: list[str] | None) -> list[Path]:
    """The recordings asked for, or all, oldest name first."""
    root = settings.recordings
    try:
        # A link is a recording on a further disk, also when that is away.
        found = {
            p.name: p
            for p in sorted(root.iterdir())
            if (p.is_dir() or p.is_symlink()) and p.name[0] != "."
        }
    except OSError:
        fail(
            Text(
                f"这里没有录像文件夹：{root}。请用 --data-folder 指明服务器的数据文件夹。",
                f"There is no recordings folder at {root}. Name the server's data folder with "
                "--data-folder.",
            )
        )
    unknown = [name for name in wanted or () if name not in found]
    if unknown:
        names = plain(", ".join(unknown))
        fail(
            Text(
                f"{root} 中没有这些录像：{names}。用 tongke archive list 查看有哪些。",
                f"There is no such recording in {root}: {names}. tongke archive list says which "
                "there are.",
            )
        )
    return [found[name] for name in wanted] if wanted else list(found.values())


def in_words(text: Text) -> str:
    """As this machine's user reads it."""
    return " / ".join(dict.fromkeys(spoken(text, encoding=sys.stdout.encoding)))


def end(code: int) -> None:
    """The command is over."""
    if code:
        raise typer.Exit(code)


def note(text: Text) -> None:
    """What is said beside the recordings: on standard error, which no program reads."""
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)


def fail(text: Text) -> NoReturn:
    """The command cannot be carried out."""
    note(text)
    raise typer.Exit(EXIT_REFUSED)


Tell = Callable[[int], None]
