"""Files of a whole lesson, made when somebody asks for one, and kept for some hours.

Owns which are made, wait, or stand there; what is in them is `lesson_file_kinds`'s. Each is made in
a child with limits, one at a time: lessons and recordings go before. A file that stands in the
folder is whole; what an earlier server left is removed at the start, and what it had not done is
told (`asked_files`).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

import structlog

from recorder.lesson_file_order import FileMade, asides_of, share_file_of, temporary_of
from server.children.once import ChildFailed, ask_once
from server.clock import Clock
from server.errors import Refusal, Text, not_found
from server.recordings.asked_files import left_by_another, note, note_of
from server.recordings.lesson_file_kinds import (
    AnyOrder,
    Wanted,
    bytes_for,
    limits_for,
    order_for,
)
from server.recordings.store import Store

_log = structlog.get_logger("tongke.library")

# Where they lie, below the recordings: no recording is called so.
LESSON_FILES = ".lesson_files"

MOST_WAITING = 4  # a file takes a minute or two: who would be sixth comes back sooner than it does
# At once of one person, made or waiting: the others' lessons have places too.
MOST_OF_ONE = 2
MOST_KEPT = 8
KEPT_S = 6 * 3600.0
# What is being recorded needs its room: as much as three lessons of four seats.
RESERVE_BYTES = 3 << 30

_NO_ROOM = Text(
    "服务器的磁盘空间不足，无法生成这个文件。请联系管理员，或下载单路画面。",
    "The server's disk has no room for this file. Tell an administrator, or download single "
    "pictures.",
)
_NOT_MADE = Text(
    "文件没有生成成功，请再试一次，或下载单路画面。",
    "The file could not be made. Try again, or download single pictures.",
)
_CUT_SHORT = Text(
    "服务器重新启动，这个文件没有生成完。请再生成一次。",
    "The server was started again before this file was made. Have it made again.",
)


class FilePhase(StrEnum):
    """Where a lesson's file stands."""

    NONE = "none"
    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileStanding:
    """Where it stands: how far it is (0 to 1), its size when it is ready, why it failed, or why
    there is none of what was asked for."""

    phase: FilePhase = FilePhase.NONE
    share: float = 0.0
    bytes: int = 0
    why: Text | None = None


@dataclass(slots=True)
class _File:
    wanted: Wanted
    order: AnyOrder
    expected_bytes: int
    used_at: float
    phase: FilePhase = FilePhase.WAITING
    bytes: int = 0
    why: Text | None = None
    askers: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    noted: asyncio.Task[None] | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it was ready, and somebody (IT, who needed room) has removed the file."""
        return self.phase is FilePhase.READY and not self.order.path.is_file()

    def standing(self) -> FileStanding:
        if self.is_gone:
            return FileStanding()
        share = 1.0 if self.phase is FilePhase.READY else 0.0
        if self.phase is FilePhase.MAKING:
            with contextlib.suppress(OSError, ValueError):
                share = min(0.99, self._share())
        return FileStanding(self.phase, share, self.bytes, self.why)

    def _share(self) -> float:
        """Raises `OSError` and `ValueError` before it is known."""
        told = share_file_of(self.order.path)
        if told.is_file():
            return float(told.read_text(encoding="ascii"))
        return temporary_of(self.order.path).stat().st_size / max(1, self.expected_bytes)


class LessonFiles:
    """`start` it, `close` it; people `ask` for a file, look where it stands, `give_up`."""

    def __init__(self, folder: Path, store: Store, clock: Clock) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._turn = asyncio.Semaphore(1)
        self._sweeping = asyncio.Lock()
        self._files: dict[str, _File] = {}
        self._cut_short: dict[str, float] = {}  # with an earlier server, asked for at
        self._is_closing = False

    async def start(self) -> None:
        """Nothing of an earlier server's is kept: nobody knows any more what it is of."""
        self._cut_short = await asyncio.to_thread(left_by_another, self._folder, self._clock())

    async def close(self) -> None:
        """Stop what is being made; the next server says that it was."""
        self._is_closing = True
        await _stopped([one.task for one in self._files.values() if one.task])

    async def done(self) -> None:
        """Until nothing is made, or waits for it."""
        await asyncio.gather(*(one.task for one in self._files.values() if one.task))

    async def ask(self, wanted: Wanted, *, person: str) -> FileStanding:
        """Have it made, unless it stands there or is being made.

        Refuses (429) who waits for several, (503) while too many wait, and (507) when there is no
        room.
        """
        name = wanted.name
        await self._leave(wanted.content, person, but=name)
        if self._is_to_be_made(name):
            order = await self._order(wanted)
            expected, free = await asyncio.to_thread(_bytes, order, self._folder.parent)
            if self._is_to_be_made(name):  # nobody else has asked meanwhile
                self._begin(_File(wanted, order, expected, self._clock()), free, person)
        one = self._files[name]
        one.askers.add(person)
        one.used_at = self._clock()
        if one.noted is not None:  # what is promised is told even if the server is killed
            await asyncio.shield(one.noted)
        return one.standing()

    def _is_to_be_made(self, name: str) -> bool:
        one = self._files.get(name)
        return one is None or one.phase is FilePhase.FAILED or one.is_gone

    def _begin(self, one: _File, free_bytes: int, person: str) -> None:
        under_way = [one for one in self._files.values() if one.phase not in _OVER]
        if sum(person in one.askers for one in under_way) >= MOST_OF_ONE:
            raise _enough()
        if sum(one.phase is FilePhase.WAITING for one in under_way) >= MOST_WAITING:
            raise _busy()
        # What half a file has written is counted twice: rather too little than too much.
        promised = sum(one.expected_bytes for one in under_way)
        if free_bytes < promised + one.expected_bytes + RESERVE_BYTES:
            raise Refusal(507, "no-room", _NO_ROOM)
        self._files[one.wanted.name] = one
        self._cut_short.pop(one.wanted.name, None)
        one.noted = asyncio.create_task(_noted(one), name="lesson-file-noted")
        one.task = asyncio.create_task(self._make(one, one.noted), name="lesson-file")

    def standing(self, wanted: Wanted) -> FileStanding:
        """Where the file stands that `ask` would have made."""
        one = self._files.get(wanted.name)
        if one is None and wanted.name in self._cut_short:
            return FileStanding(why=_CUT_SHORT)
        return one.standing() if one else FileStanding()

    async def give_up(self, wanted: Wanted, *, person: str) -> None:
        """This person no longer wants it: it is not made when nobody does."""
        await self._leave(wanted.content, person)
        await self._forget([wanted.name])

    async def _leave(self, content: str, person: str, *, but: str = "") -> None:
        """This person wants none of these any more: under an earlier title neither, which nobody
        could give up by the present one."""
        left = [
            (name, one)
            for name, one in self._files.items()
            if name != but and one.wanted.content == content and person in one.askers
        ]
        for name, one in left:
            one.askers.discard(person)
            if not one.askers and one.phase is not FilePhase.READY:
                del self._files[name]
                await _stopped([one.task] if one.task else [])

    def file(self, wanted: Wanted) -> Path:
        """The file, whole. Refuses (404) what is not made."""
        one = self._files.get(wanted.name)
        if one is None or one.phase is not FilePhase.READY or not one.order.path.is_file():
            raise not_found("文件", "file")
        one.used_at = self._clock()
        return one.order.path

    async def sweep(self, now: float) -> None:
        """Remove what nobody has asked for in the last hours, and the oldest beyond the most.

        The file goes first: while it stands there nobody has it made anew under the same name.
        """
        async with self._sweeping:
            done = [one for one in self._files.items() if one[1].phase in _OVER]
            done.sort(key=lambda one: one[1].used_at, reverse=True)
            for place, (name, one) in enumerate(done):
                if self._files.get(name) is not one:
                    continue  # asked for anew meanwhile, or given up
                if place >= MOST_KEPT or now - one.used_at >= KEPT_S:
                    if one.phase is FilePhase.READY:
                        await asyncio.to_thread(one.order.path.unlink, missing_ok=True)
                    if self._files.get(name) is one:
                        del self._files[name]
            await self._forget([n for n, at in self._cut_short.items() if now - at >= KEPT_S])

    async def _forget(self, names: list[str]) -> None:
        """That an earlier server has not made them."""
        for name in names:
            if self._cut_short.pop(name, None) is not None:
                await asyncio.to_thread(note_of(self._folder / name).unlink, missing_ok=True)

    async def _make(self, one: _File, noted: asyncio.Task[None]) -> None:
        path = one.order.path
        try:
            await asyncio.shield(noted)  # it makes the folder
            async with self._turn:
                one.phase = FilePhase.MAKING
                try:
                    await self._made_by_child(one)
                finally:  # before another's turn, who may want it under the same name
                    # A child that is killed may have renamed it, and not said so.
                    whole = () if one.phase is FilePhase.READY else (path,)
                    await asyncio.to_thread(_removed, (*asides_of(path), *whole))
        except (ChildFailed, OSError, ValueError) as error:
            _log.warning("a lesson's file was not made", why=str(error))
            one.phase, one.why = FilePhase.FAILED, _NOT_MADE
        finally:
            await asyncio.wait({noted})
            if not self._is_closing and self._files.get(one.wanted.name, one) is one:
                await asyncio.to_thread(_removed, (note_of(path),))
        await self.sweep(self._clock())

    async def _made_by_child(self, one: _File) -> None:
        """Raises `ChildFailed`, and `ValueError` when what it answers is not understood."""
        answer = await ask_once(
            one.wanted.kind.module,
            one.order.model_dump_json().encode(),
            limits=limits_for(one.order, one.expected_bytes),
        )
        made = FileMade.model_validate_json(answer)
        one.bytes = made.bytes
        one.phase = FilePhase.FAILED if made.code else FilePhase.READY
        if made.undecoded:
            _log.warning("a lesson's sounds are not all in their sum", packets=made.undecoded)
        if made.code:
            _log.warning("a lesson's file was not made", code=made.code, why=made.text)
            one.why = _NO_ROOM if made.code == "disk-full" else _NOT_MADE

    async def _order(self, wanted: Wanted) -> AnyOrder:
        """Refuses (404) when a file of it is gone."""
        order = await order_for(
            wanted,
            self._folder / wanted.name,
            self._folder.parent,
            partial(self._store.bring, wanted.recording_id),
            made_at=self._clock(),
        )
        if order is None:
            raise not_found("文件", "file")
        return order


_bytes = bytes_for
_OVER = frozenset({FilePhase.READY, FilePhase.FAILED})


def _busy() -> Refusal:
    return Refusal(
        503,
        "too-many-files",
        Text(
            "已有几个文件在等待生成，请过几分钟再试。",
            "Several files are waiting to be made. Try again in a few minutes.",
        ),
        retry_after_s=60.0,
    )


def _enough() -> Refusal:
    return Refusal(
        429,
        "files-under-way",
        Text(
            f"您已有 {MOST_OF_ONE} 个文件正在生成或等待。请等其中一个完成，或取消一个，再试。",
            f"{MOST_OF_ONE} files are being made for you already. Wait until one is done, or "
            "cancel one, then try again.",
        ),
        retry_after_s=60.0,
    )


async def _noted(one: _File) -> None:
    """That it is wanted. What the disk refuses is told by who writes the file there."""
    with contextlib.suppress(OSError):
        await asyncio.to_thread(note, one.order.path, one.used_at)


def _removed(paths: tuple[Path, ...]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


async def _stopped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
