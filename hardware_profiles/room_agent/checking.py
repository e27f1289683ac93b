"""The acceptance test on the agent's own page: `/check`, started by a button, one at a time.

Owns the running test, what it says meanwhile and its last report. Who may ask is the status page's;
what is tried is `doctor`'s. While a lesson goes on nothing is tried: its cameras are in use.
"""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from hardware_profiles.doctor.findings import MOST_CHARACTERS, Both, CheckReport
from hardware_profiles.doctor.page import STYLE, page
from hardware_profiles.doctor.room import RoomCheck
from hardware_profiles.errors import ProfileError

PATH = "/check"
_log = logging.getLogger(__name__)
_LESSON = Both(zh="正在上课，课后再检查。", en="A lesson is going on: check when it is over.")
_BEGIN = Both(
    zh="检查摄像机、声音、电脑和线路，约一分钟。中间会请您说话。",
    en="Cameras, sound, this machine and its line are tried; it takes a minute. You will be "
    "asked to speak.",
)
_FAILED = Both(
    zh="检查没有做成，请再试一次；若仍如此，请看教室程序的日志。",
    en="The check could not be made: try again; if it stays so, look at the room agent's log.",
)
_NOW = Both(zh="开始检查", en="Check now")
_AGAIN = Both(zh="再检查一次", en="Check again")
_KEPT = Both(zh="报告已送到服务器。", en="The report is kept on the server.")
_NOT_KEPT = Both(
    zh="报告没有送到服务器：请打印本页。",
    en="The report did not reach the server: print this page.",
)


class RoomChecking:
    """`start` it from the event loop; `page` says how it stands."""

    def __init__(
        self,
        make: Callable[[], RoomCheck],
        *,
        keep: Callable[[CheckReport], Awaitable[bool]],
        in_lesson: Callable[[], bool],
    ) -> None:
        self._make = make
        self._keep = keep
        self._in_lesson = in_lesson
        self._task: asyncio.Task[None] | None = None
        self._said = Both(zh="", en="")
        self.report: CheckReport | None = None
        self._told: Both | None = None
        self._trouble: Both | None = None  # why there is no report

    @property
    def runs(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Nothing while it runs, or while a lesson goes on."""
        if not self.runs and not self._in_lesson():
            self.report = self._trouble = None
            self._task = asyncio.create_task(self._run(), name="room-check")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            check = self._make()
            check.say = self._say
            report = await check.run()
            self._told = _KEPT if await self._keep(report) else _NOT_KEPT
            self.report = report
        except ProfileError as error:  # it was changed since the agent began
            zh, en = error.message_zh[:MOST_CHARACTERS], error.message_en[:MOST_CHARACTERS]
            self._trouble = Both(zh=zh, en=en)
        except Exception:  # the agent, and the lesson it is in, go on
            _log.exception("the room's check failed")
            self._trouble = _FAILED

    def _say(self, said: Both) -> None:
        self._said = said

    def page(self) -> str:
        """HTML in both languages: the button, what happens now, or the report with the button."""
        if self.runs:
            return (
                f'{_head(refresh=True)}<p class="whole">{_both(self._said)}</p>'
                "<p><progress></progress></html>"
            )
        if self.report is None:
            words = _LESSON if self._in_lesson() else _BEGIN
            trouble = f'<p class="bad">{_both(self._trouble)}</p>' if self._trouble else ""
            return f"{_head()}{trouble}<p>{_both(words)}</p>{self._button()}</html>"
        kept = f"<p>{_both(self._told)}</p>" if self._told is not None else ""
        above = f'<div class="screen">{kept}{self._button()}</div>'
        return page(self.report, back="/").replace("<h1>", f"{above}<h1>", 1)

    def _button(self) -> str:
        if self._in_lesson():
            return ""
        words = _NOW if self.report is None else _AGAIN
        return (
            f'<form method="post" action="{PATH}"><button>{words.zh} · '
            f"<span lang=en>{words.en}</span></button></form>"
        )


def _head(*, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="1">' if refresh else ""
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8">{again}'
        '<title>教室设备检查 · Tongke</title><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style>"
        '<p class="screen"><a href="/">← 返回 · Back</a></p>'
        "<h1>教室设备检查<small lang=en>Check of this room's equipment</small></h1>"
    )


def _both(said: Both) -> str:
    return f"{html.escape(said.zh)}<small lang=en>{html.escape(said.en)}</small>"
