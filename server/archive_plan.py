"""`tongke archive plan|history|restore`: what rules will do with recordings, did, and its undoing.

All three ask the server's database, beside a running server or without one. Read in by who types
one of them alone: a database is half a second of a start.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError

from recorder.ownership import give_below
from recorder.plain_text import plain
from recorder.stored_pieces import LedgerError, read_ledger, write_ledger
from server.archive_report import (
    EXIT_LACKING,
    EXIT_REFUSED,
    end,
    fail,
    in_words,
    moment,
    note,
    settings_of,
)
from server.clock import wall_clock
from server.config import Settings
from server.database.deletion import DAY_S
from server.database.engine import Database
from server.database.models import ArchiveAct, Retention
from server.database.private_files import keep_new_files_private
from server.database.refusing import DatabaseRefused
from server.errors import Refusal, StartRefused, Text
from server.recordings.retention import Deed, Obstacle, Planned, QuotaState, usage_by_community
from server.recordings.retention import plan as planned_by_rules
from server.recordings.retiring import BROUGHT_BACK, BY_HAND, KEPT, acts, undo

MOST_ACTS = 100_000
Found = TypeVar("Found")

DEEDS: dict[str, Text] = {
    Deed.PUT_ASIDE: Text("仅保留节目，其余可恢复", "all but the program is put aside"),
    Deed.DELETE: Text("删除，可恢复", "deleted, can come back"),
    Deed.DROP: Text("节目以外的内容彻底清除", "all but the program goes for good"),
    Deed.PURGE: Text("彻底清除", "goes for good"),
    KEPT: Text("无法读取，未清除", "cannot be read, and was kept"),
    BROUGHT_BACK: Text("已恢复", "brought back"),
}
OBSTACLES: dict[Obstacle, Text] = {
    Obstacle.UNFINISHED: Text("尚未整理，无法播放", "it is not finished: nothing plays it"),
    Obstacle.NO_PROGRAM: Text("没有节目", "it has no program"),
    Obstacle.TRACKS: Text("有内容只在音视频轨中", "something of it is in its tracks alone"),
    Obstacle.DAMAGED: Text("文件已损坏或缺失", "files of it are damaged or not there"),
    Obstacle.UNREADABLE: Text("无法读取", "it cannot be read"),
    Obstacle.SPARED: Text("有人恢复了它", "somebody brought it back"),
}
RULES: dict[str, Text] = {
    Retention.KEEP: Text("保留", "keep"),
    Retention.PROGRAM: Text("{days} 天后仅保留节目", "after {days} days the program alone"),
    Retention.DELETE: Text("{days} 天后删除", "after {days} days deleted"),
    BY_HAND: Text("人工", "by hand"),
}
NOTHING_PLANNED = Text(
    "各共同体的规则不会删除任何录像。", "By the communities' rules nothing will be deleted."
)
NOTHING_DONE = Text(
    "还没有删除、精简或恢复过录像。", "Nothing was deleted, reduced or brought back yet."
)
KEPT_LINE = Text("保留", "kept")
QUOTAS: dict[QuotaState, Text] = {
    QuotaState.NEAR: Text("{name}：录像配额即将用完", "{name}: the quota is nearly used up"),
    QuotaState.OVER: Text("{name}：录像已超出配额", "{name}: more than the quota is used"),
}


def show_plan(data_folder: Path | None, *, as_json: bool) -> None:
    """What will be done when, the next first; then what is kept in spite of its rule."""
    settings = settings_of(data_folder)

    async def ask(database: Database) -> tuple[list[Planned], list[tuple[str, QuotaState]]]:
        async with database.read() as session:
            found = await planned_by_rules(session, kept_s=settings.deleted_kept_days * DAY_S)
            usage = await usage_by_community(session)
        return found, [(one.name, one.quota_state) for one in usage]

    found, quotas = _ask(settings, ask)
    if not found:
        note(NOTHING_PLANNED)
    now = wall_clock()
    kept = [one for one in found if one.obstacle is not None and one.at <= now]
    for one in [*(one for one in found if one.obstacle is None), *kept]:
        typer.echo(_as_json(one) if as_json else _line(one))
    for name, state in quotas:
        if state in QUOTAS:
            note(Text(QUOTAS[state].zh.format(name=name), QUOTAS[state].en.format(name=name)))
    end(EXIT_LACKING if kept else 0)


def show_history(data_folder: Path | None, *, as_json: bool) -> None:
    """What was deleted, put aside or brought back, by which rule; the last first."""
    settings = settings_of(data_folder)

    async def ask(database: Database) -> list[ArchiveAct]:
        async with database.read() as session:
            return await acts(session, most=MOST_ACTS)

    done = _ask(settings, ask)
    if not done:
        note(NOTHING_DONE)
    for one in done:
        if as_json:
            names = ("at", "act", "rule", "days", "recording_id", "title", "community", "bytes")
            typer.echo(json.dumps({name: getattr(one, name) for name in names}, ensure_ascii=False))
        else:
            typer.echo(
                _told(
                    one.recording_id,
                    one.title,
                    at=one.at,
                    size=one.bytes,
                    act=one.act,
                    rule=one.rule,
                    days=one.days,
                )
            )


def bring_back(data_folder: Path | None, recordings: list[str]) -> None:
    """Bring back what was deleted or put aside; rules pass over it from now on."""
    keep_new_files_private()
    settings = settings_of(data_folder)

    async def ask(database: Database) -> list[tuple[str, Text | None]]:
        done: list[tuple[str, Text | None]] = []
        for name in recordings:
            try:
                async with database.write() as session:
                    await undo(session, settings.recordings, name, wall_clock())
            except Refusal as refusal:
                done.append((name, refusal.text))
            else:
                await asyncio.to_thread(_say_changed, settings.recordings / name)
                done.append((name, None))
        return done

    code = 0
    for name, refused in _ask(settings, ask):
        typer.echo(f"{plain(name)}  {in_words(refused or DEEDS[BROUGHT_BACK])}")
        code = EXIT_REFUSED if refused is not None else code
    end(code)


def _say_changed(folder: Path) -> None:
    """The manifest is another: where the recording lies elsewhere too, the server sends it."""
    give_below(folder, like=folder.parent)
    try:
        ledger = read_ledger(folder)
    except (LedgerError, OSError):
        return
    if ledger.stored:
        ledger.stored = False
        write_ledger(folder, ledger)


def _ask(settings: Settings, ask: Callable[[Database], Awaitable[Found]]) -> Found:
    async def asked() -> Found:
        database = Database(settings.database)
        try:
            return await ask(database)
        finally:
            await database.close()

    if not settings.database_url and not (settings.data_folder / "tongke.db").is_file():
        fail(
            Text(
                f"{settings.data_folder} 中没有数据库。请用 --data-folder 指明服务器的数据文件夹。",
                f"There is no database in {settings.data_folder}. Name the server's data folder "
                "with --data-folder.",
            )
        )
    try:
        return asyncio.run(asked())
    except StartRefused as refused:
        fail(refused.text)
    except (DatabaseRefused, SQLAlchemyError):
        fail(
            Text(
                "数据库没有应答，或由另一版本的同课建立。请稍后重试；升级后先启动一次服务器。",
                "The database does not answer, or another version of Tongke made it. Try again "
                "later; after an update start the server once.",
            )
        )


def _line(one: Planned) -> str:
    rule = BY_HAND if one.rule is None else one.rule.value
    line = _told(
        one.recording_id,
        one.title,
        at=one.at,
        size=one.bytes,
        act=one.deed.value,
        rule=rule,
        days=one.days,
    )
    if one.obstacle is None:
        return line
    return f"{line}\n    {in_words(KEPT_LINE)}: {in_words(OBSTACLES[one.obstacle])}"


def _told(
    recording_id: str,
    title: str,
    *,
    at: float,
    size: int,
    act: str,
    rule: str,
    days: int | None,
) -> str:
    by = Text(RULES[rule].zh.format(days=days), RULES[rule].en.format(days=days))
    parts = [
        moment(at),
        plain(recording_id),
        f"{size / 1e6:.1f} MB",
        in_words(DEEDS[act]),
        f"({in_words(by)})",
    ]
    return "  ".join([*parts, plain(title)]).rstrip()


def _as_json(one: Planned) -> str:
    members = {
        "recording_id": one.recording_id,
        "title": one.title,
        "community": one.community,
        "deed": one.deed.value,
        "at": one.at,
        "bytes": one.bytes,
        "rule": None if one.rule is None else one.rule.value,
        "days": one.days,
        "obstacle": None if one.obstacle is None else one.obstacle.value,
    }
    return json.dumps(members, ensure_ascii=False)
