"""One file of a whole lesson, made when somebody asks for it, and kept for some hours.

Owns which are made, wait, or stand there; what is in them is `recorder.lesson_file`'s, which makes
each in a child with limits. One at a time: lessons and recordings go before. A file that stands in
the folder is whole; what an earlier server left is removed at the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from recorder.lesson_file_order import FileMade, FileOrder, PartOrder, TrackOrder, temporary_of
from recorder.lesson_tracks import LessonTrack, lesson_tracks
from recorder.manifest import Manifest
from recorder.records import PROGRAM_SOURCE
from server.children.once import ChildFailed, Limits, ask_once
from server.clock import Clock
from server.errors import Refusal, Text, not_found
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

# An hour of four seats takes two to four minutes of a processor.
_PROCESSOR_S = 120.0
_PROCESSOR_PER_S = 0.2  # of each sound's second
_PROCESSOR_BYTES_PER_S = 2e6
_WAIT_FACTOR = 4.0  # while lessons run it gets a part of the machine
_MEMORY_BYTES = 1 << 30
_SUM_BYTES_PER_S = 8_000
_OVERHEAD_BYTES = 64 << 20

_SOURCES: dict[str, Text] = {
    "program": Text("节目", "Program"),
    "teacher": Text("教师", "Teacher"),
    "students": Text("学生", "Pupils"),
    "board": Text("板书", "Board"),
    "screen": Text("屏幕", "Screen"),
    "room": Text("声音", "Sound"),
}
_ALL_SOUNDS = Text("全部声音", "All sounds")
_NO_ROOM = Text(
    "服务器的磁盘空间不足，无法生成这个文件。请联系管理员，或下载单路画面。",
    "The server's disk has no room for this file. Tell an administrator, or download single "
    "pictures.",
)
_NOT_MADE = Text(
    "文件没有生成成功，请再试一次，或下载单路画面。",
    "The file could not be made. Try again, or download single pictures.",
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
    """Where it stands: how far it is (0 to 1), its size when it is ready, why it failed."""

    phase: FilePhase = FilePhase.NONE
    share: float = 0.0
    bytes: int = 0
    why: Text | None = None


@dataclass(slots=True)
class _File:
    order: FileOrder
    content: str
    expected_bytes: int
    used_at: float
    phase: FilePhase = FilePhase.WAITING
    bytes: int = 0
    why: Text | None = None
    askers: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it was ready, and somebody (IT, who needed room) has removed the file."""
        return self.phase is FilePhase.READY and not self.order.path.is_file()

    def standing(self) -> FileStanding:
        if self.is_gone:
            return FileStanding()
        share = 1.0 if self.phase is FilePhase.READY else 0.0
        if self.phase is FilePhase.MAKING:
            with contextlib.suppress(OSError):
                written = temporary_of(self.order.path).stat().st_size
                share = min(0.99, written / max(1, self.expected_bytes))
        return FileStanding(self.phase, share, self.bytes, self.why)


class LessonFiles:
    """`start` it, `close` it; people `ask` for a file, look where it stands, `give_up`."""

    def __init__(self, folder: Path, store: Store, clock: Clock) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._turn = asyncio.Semaphore(1)
        self._sweeping = asyncio.Lock()
        self._files: dict[str, _File] = {}

    async def start(self) -> None:
        """Nothing of an earlier server's is kept: nobody knows any more what it is of."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def close(self) -> None:
        """Stop what is being made."""
        await _stopped([one.task for one in self._files.values() if one.task])

    async def done(self) -> None:
        """Until nothing is made, or waits for it."""
        await asyncio.gather(*(one.task for one in self._files.values() if one.task))

    async def ask(
        self, recording_id: str, title: str, manifest: Manifest, *, person: str, chinese: bool
    ) -> FileStanding:
        """Have it made, unless it stands there or is being made.

        Refuses (429) who waits for several, (503) while too many wait, and (507) when there is no
        room.
        """
        order = self._order(recording_id, title, manifest, chinese=chinese)
        name = order.path.stem
        content = _content(order)
        await self._leave(content, person, but=name)
        if self._is_to_be_made(name):
            order = await self._found(recording_id, order)
            expected, free = await asyncio.to_thread(_bytes, order, self._folder.parent)
            if self._is_to_be_made(name):  # nobody else has asked meanwhile
                self._begin(order, content, expected, free, person)
        one = self._files[name]
        one.askers.add(person)
        one.used_at = self._clock()
        return one.standing()

    def _is_to_be_made(self, name: str) -> bool:
        one = self._files.get(name)
        return one is None or one.phase is FilePhase.FAILED or one.is_gone

    def _begin(
        self, order: FileOrder, content: str, expected_bytes: int, free_bytes: int, person: str
    ) -> None:
        under_way = [one for one in self._files.values() if one.phase not in _OVER]
        if sum(person in one.askers for one in under_way) >= MOST_OF_ONE:
            raise _enough()
        if sum(one.phase is FilePhase.WAITING for one in under_way) >= MOST_WAITING:
            raise _busy()
        # What half a file has written is counted twice: rather too little than too much.
        promised = sum(one.expected_bytes for one in under_way)
        if free_bytes < promised + expected_bytes + RESERVE_BYTES:
            raise Refusal(507, "no-room", _NO_ROOM)
        one = self._files[order.path.stem] = _File(order, content, expected_bytes, self._clock())
        one.task = asyncio.create_task(self._make(one), name="lesson-file")

    def standing(
        self, recording_id: str, title: str, manifest: Manifest, *, chinese: bool
    ) -> FileStanding:
        """Where the file stands that `ask` would have made."""
        order = self._order(recording_id, title, manifest, chinese=chinese)
        one = self._files.get(order.path.stem)
        return one.standing() if one else FileStanding()

    async def give_up(
        self, recording_id: str, title: str, manifest: Manifest, *, person: str, chinese: bool
    ) -> None:
        """This person no longer wants it: it is not made when nobody does."""
        order = self._order(recording_id, title, manifest, chinese=chinese)
        await self._leave(_content(order), person)

    async def _leave(self, content: str, person: str, *, but: str = "") -> None:
        """This person wants none of these any more: under an earlier title neither, which nobody
        could give up by the present one."""
        left = [
            (name, one)
            for name, one in self._files.items()
            if name != but and one.content == content and person in one.askers
        ]
        for name, one in left:
            one.askers.discard(person)
            if not one.askers and one.phase is not FilePhase.READY:
                del self._files[name]
                await _stopped([one.task] if one.task else [])

    def file(self, recording_id: str, title: str, manifest: Manifest, *, chinese: bool) -> Path:
        """The file, whole. Refuses (404) what is not made."""
        order = self._order(recording_id, title, manifest, chinese=chinese)
        one = self._files.get(order.path.stem)
        if one is None or one.phase is not FilePhase.READY or not order.path.is_file():
            raise not_found("文件", "file")
        one.used_at = self._clock()
        return order.path

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

    async def _make(self, one: _File) -> None:
        try:
            async with self._turn:
                one.phase = FilePhase.MAKING
                await asyncio.to_thread(self._folder.mkdir, mode=0o700, exist_ok=True)
                order = one.order.model_dump_json().encode()
                answer = await ask_once("recorder.lesson_file", order, limits=_limits(one))
            made = FileMade.model_validate_json(answer)
            one.bytes = made.bytes
            one.phase = FilePhase.FAILED if made.code else FilePhase.READY
            if made.undecoded:
                _log.warning("a lesson's sounds are not all in their sum", packets=made.undecoded)
            if made.code:
                _log.warning("a lesson's file was not made", code=made.code, why=made.text)
                one.why = _NO_ROOM if made.code == "disk-full" else _NOT_MADE
        except (ChildFailed, OSError, ValueError) as error:
            _log.warning("a lesson's file was not made", why=str(error))
            one.phase, one.why = FilePhase.FAILED, _NOT_MADE
        finally:
            await asyncio.to_thread(temporary_of(one.order.path).unlink, missing_ok=True)
        await self.sweep(self._clock())

    def _order(
        self, recording_id: str, title: str, manifest: Manifest, *, chinese: bool
    ) -> FileOrder:
        """What is to be made, under a name that says all of it: what changes is another file.

        The parts' paths are below the recordings.
        """
        order = FileOrder(
            path=self._folder,
            title=title,
            sum_title=_ALL_SOUNDS.zh if chinese else _ALL_SOUNDS.en,
            duration_s=manifest.duration_s,
            tracks=tuple(
                TrackOrder(
                    kind=track.kind,
                    title=_title(track, chinese=chinese),
                    parts=tuple(
                        PartOrder(path=Path(recording_id, part.file), start_s=part.start_s)
                        for part in track.parts
                    ),
                )
                for track in lesson_tracks(manifest)
            ),
        )
        name = hashlib.sha256(order.model_dump_json().encode()).hexdigest()[:32]
        return order.model_copy(update={"path": self._folder / f"{name}.mkv"})

    async def _found(self, recording_id: str, order: FileOrder) -> FileOrder:
        """The order with its parts where this machine reads them. Refuses (404) what is gone."""
        tracks = []
        for track in order.tracks:
            parts = []
            for part in track.parts:
                name = str(part.path.relative_to(recording_id))
                path = await self._store.bring(recording_id, name)
                if path is None:
                    raise not_found("文件", "file")
                parts.append(PartOrder(path=path, start_s=part.start_s))
            tracks.append(track.model_copy(update={"parts": tuple(parts)}))
        return order.model_copy(update={"tracks": tuple(tracks)})


_OVER = frozenset({FilePhase.READY, FilePhase.FAILED})


def _content(order: FileOrder) -> str:
    """What is in the file but for its title: the same for one recording in one language."""
    return order.model_copy(update={"title": ""}).model_dump_json(exclude={"path"})


def _title(track: LessonTrack, *, chinese: bool) -> str:
    if track.source == PROGRAM_SOURCE:
        return track.name  # which says it
    source = _SOURCES.get(track.source, Text(track.source, track.source))
    return f"{track.name}：{source.zh}" if chinese else f"{track.name}: {source.en}"


def _bytes(order: FileOrder, folder: Path) -> tuple[int, int]:
    """About how much the file will have (its parts, and the sum of the sounds), and is free."""
    paths = {part.path for track in order.tracks for part in track.parts}
    parts = sum(path.stat().st_size for path in paths)
    return parts + round(order.duration_s * _SUM_BYTES_PER_S), shutil.disk_usage(folder).free


def _limits(one: _File) -> Limits:
    sounds = sum(track.kind == "sound" for track in one.order.tracks)
    processor_s = (
        _PROCESSOR_S
        + one.order.duration_s * (sounds + 1) * _PROCESSOR_PER_S
        + one.expected_bytes / _PROCESSOR_BYTES_PER_S
    )
    return Limits(
        memory_bytes=_MEMORY_BYTES,
        processor_s=round(processor_s),
        output_bytes=2 * one.expected_bytes + _OVERHEAD_BYTES,
        wait_s=processor_s * _WAIT_FACTOR,
    )


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


async def _stopped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
