"""The timetable on the room's disk, and the clocks it is read by: what touches the machine.

A file of its own in the state folder, written aside, synced and renamed: a power cut leaves the old
one or the new one. One that is torn all the same is told of, put aside and made anew from the
server's next answer; a disk that cannot be written keeps no room from its lesson.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from hardware_profiles.room_agent.timetable import (
    MOST_BYTES,
    KnownTimetable,
    Timetable,
    TimetableTornError,
)
from hardware_profiles.system_words import why_zh
from signaling.client.sentences import Say, Sentence

_NAME = "timetable"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def steady() -> float:
    """Seconds that nobody sets; on Linux they go on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def boot() -> str:
    """Names this start of the machine; "" where there is no telling, which fits no other."""
    with suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    return ""


class TimetableFile:
    """`read` once, then `write` what has changed. `say` is told what is wrong with it, once.

    `room` is whose it is: another server's or room's, from before, is another file.
    """

    def __init__(self, folder: Path | None, say: Say, *, room: str = "") -> None:
        self._folder = folder
        self._name = f"{_NAME}-{hashlib.sha256(room.encode()).hexdigest()[:12]}"
        self._say = say
        self._told: Sentence | None = None

    def read(self) -> Timetable:
        """The timetable as it was kept; without a folder, or a file, an empty one."""
        this_boot = boot() or f"process-{os.getpid()}-{time.time_ns()}"
        if self._folder is None:
            return Timetable(None, boot=this_boot)
        file = self._folder / self._name
        try:
            with file.open("rb") as kept:
                return Timetable(KnownTimetable.read(kept.read(MOST_BYTES)), boot=this_boot)
        except FileNotFoundError:
            pass
        except TimetableTornError as torn:
            self._tell(
                f"保存的课表 {file} 已损坏，连上服务器后会重新生成",
                f"the timetable kept in {file} is damaged ({torn}): it is made anew when the "
                "server is there",
            )
            with suppress(OSError):
                file.replace(file.with_suffix(".damaged"))
        except OSError as error:
            self._tell(
                f"无法读取课表 {file}：{why_zh(error)}",
                f"the timetable in {file} cannot be read: {error.strerror}",
            )
        return Timetable(None, boot=this_boot)

    def write(self, known: KnownTimetable) -> None:
        """Keep this one."""
        if self._folder is None:
            return
        file, aside = self._folder / self._name, self._folder / f".{self._name}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with aside.open("wb") as out:
                out.write(known.written())
                out.flush()
                os.fsync(out.fileno())
            aside.replace(file)
            _sync_folder(self._folder)
            self._told = None
        except OSError as error:
            self._tell(
                f"课表无法保存到 {self._folder}：{why_zh(error)}",
                f"the timetable cannot be kept in {self._folder}: {error.strerror}",
            )

    def _tell(self, zh: str, en: str) -> None:
        if (said := Sentence(zh, en)) != self._told:
            self._told = said
            self._say(said)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
