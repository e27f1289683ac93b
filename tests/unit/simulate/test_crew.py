"""What a crew of seats says while it works is in the machine's language."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from server.simulate.behaviour import Habits, Talk
from server.simulate.crew import Plan, run_crew
from server.simulate.settings import Appearance, Receive, SeatSettings
from signaling.client.address import ServerAddress
from signaling.client.token_providers import OneToken
from signaling.protocol.messages import Join, LessonEnded
from tests.unit.simulate.test_seat import fake_server


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh_CN.UTF-8", ["Class 1：已进入课堂（教室）", "Class 1：本节课已结束"]),
        ("en_US.UTF-8", ["Class 1: in the lesson as room", "Class 1: the lesson is over"]),
    ],
)
async def test_joining_and_leaving_is_told(
    language: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    shown = io.StringIO()
    async with fake_server() as server:
        plan = Plan(
            server=ServerAddress.parse(server.origin),
            token_providers=[OneToken("token")],
            settings=[
                SeatSettings(
                    appearance=Appearance(identity=3, max_height=180),
                    habits=Habits(hands=False, talk=Talk.NEVER),
                    receive=Receive.NOTHING,
                )
            ],
            duration_s=None,
            report=False,
            json_line=False,
            parent_pipe=False,
            seed=0,
            quiet=True,
        )
        async with asyncio.timeout(20):
            crew = asyncio.create_task(run_crew(plan, Console(file=shown), asyncio.Event()))
            await server.until(lambda: server.count(Join))
            await server.say(LessonEnded(reason="by-lead"))
            await crew
    told = shown.getvalue().splitlines()
    assert [line for line in told if "Class 1" in line][:2] == words
