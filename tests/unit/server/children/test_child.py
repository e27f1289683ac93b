"""A process beside the server, with real processes: however it ends, another is there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from server.children.child import Allowances, Child, Program

PATIENCE_S = 60.0
LONGEST_LINE = 1 << 12
AT_ONCE = Allowances(backoff_s=(0.0,))

# Greets, and does BODY with each line until it is told nothing more.
ECHO = """
import signal, socket, sys
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
end = socket.socket(fileno=int(sys.argv[-1]))
def say(text, last="\\n"): end.sendall((text + last).encode())
say('{"type": "hello"}')
for line in end.makefile(): BODY
"""


@dataclass(frozen=True)
class Word:
    """A message in either direction."""

    type: str
    text: str = ""


def encode(word: Word) -> bytes:
    return json.dumps({"type": word.type, "text": word.text}).encode() + b"\n"


def parse(line: bytes) -> Word:
    members = json.loads(line)
    if not isinstance(members, dict):
        raise ValueError("no object")
    return Word(**members)


def program(script: str) -> Program[Word, Word]:
    return Program(
        name="parrot",
        arguments=(sys.executable, "-S", "-c", script),
        encode=encode,
        parse=parse,
        greets=lambda word: word.type == "hello",
        max_line_bytes=LONGEST_LINE,
    )


def echo(body: str = "say(line.strip())") -> str:
    return ECHO.replace("BODY", body)


@dataclass
class Heard:
    """What a child's user was told, in order; `until` waits for what is to come."""

    told: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()

    def has_told(self, what: str, times: int) -> bool:
        return self.told.count(what) == times

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(
    script: str, allowed: Allowances = AT_ONCE, *, silent_s: float | None = None
) -> AsyncIterator[tuple[Child[Word, Word], Heard]]:
    heard = Heard()
    child = Child(
        replace(program(script), silent_s=silent_s),
        on_up=lambda: heard.tell("up"),
        on_report=lambda word: heard.tell(word.text),
        on_down=lambda: heard.tell("down"),
        allowed=allowed,
    )
    await child.start()
    try:
        yield child, heard
    finally:
        await child.close()
        assert child.pid is None and not child.up


async def test_it_is_told_and_heard_and_ends_in_order() -> None:
    async with running(echo()) as (child, heard):
        await heard.until(lambda: child.up)
        pid = child.pid
        assert child.send(Word("say", "第一")) and child.send(Word("say", "b"))
        await heard.until(lambda: len(heard.told) == 3)
    assert heard.told == ["up", "第一", "b", "down"]
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not child.send(Word("say", "nobody"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_one_that_was_killed_is_followed_by_another(how: signal.Signals) -> None:
    async with running(echo()) as (child, heard):
        for count in range(1, 4):
            await heard.until(partial(heard.has_told, "up", count))
            assert child.pid is not None
            os.kill(child.pid, how)
            await heard.until(partial(heard.has_told, "down", count))
        await heard.until(lambda: heard.told.count("up") == 4)
        assert child.starts == 4
    assert heard.told == ["up", "down"] * 4


@pytest.mark.parametrize(
    "body",
    ["say('nonsense')", "say('[]')", "say('x' * 100_000)", "say('half', ''); sys.exit(1)"],
)
async def test_one_that_is_not_understood_is_replaced(body: str) -> None:
    async with running(echo(body)) as (child, heard):
        await heard.until(lambda: child.up)
        child.send(Word("say", "anything"))
        await heard.until(lambda: heard.told.count("up") == 2)
        assert heard.told[:3] == ["up", "down", "up"]


@pytest.mark.parametrize(
    "script",
    ["raise SystemExit(3)", echo().replace("hello", "goodbye"), "import time; time.sleep(99)"],
)
async def test_one_that_does_not_greet_is_never_up(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[str] = []
    start = subprocess.Popen

    def started(*arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        starts.append("started")
        begun.set()
        return start(*arguments, **named)

    begun = asyncio.Event()
    monkeypatch.setattr("server.children.child.subprocess.Popen", started)
    hasty = Allowances(greeting_s=0.5, stop_s=0.1, backoff_s=(0.0,))
    async with running(script, hasty) as (child, heard):
        async with asyncio.timeout(PATIENCE_S):
            while len(starts) < 3:
                begun.clear()
                await begun.wait()
        assert not child.up
        assert not child.send(Word("say", "anything"))
    assert heard.told == []


async def test_one_that_leaves_everything_unread_is_killed_and_replaced() -> None:
    never_reads = "import time\nprint\n" + echo("time.sleep(99)")
    allowed = Allowances(unread_bytes=1 << 20, backoff_s=(0.0,))
    async with running(never_reads, allowed) as (child, heard):
        await heard.until(lambda: child.up)
        first = child.pid
        for _ in range(2000):
            child.send(Word("say", "x" * 3000))
        await heard.until(lambda: heard.told.count("up") == 2)
        assert child.pid != first


# Says something twenty times a second from the first word on that it is told.
TALKS = "\n    import time\n    while True: say(line.strip()); time.sleep(0.05)"


async def test_one_that_falls_silent_is_killed_and_replaced() -> None:
    async with running(echo(TALKS), silent_s=0.5) as (child, heard):
        await heard.until(lambda: child.up)
        child.send(Word("say", "on"))
        await heard.until(lambda: heard.told.count("on") == 20)
        assert child.starts == 1, "it speaks"
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        await heard.until(lambda: heard.told.count("up") == 2)
        assert child.starts == 2


async def test_one_that_spoke_while_we_did_not_listen_is_not_silent() -> None:
    async with running(echo(TALKS), silent_s=0.5) as (child, heard):
        await heard.until(lambda: child.up)
        child.send(Word("say", "on"))
        await heard.until(lambda: heard.told.count("on") == 1)
        time.sleep(1.0)  # noqa: ASYNC251 - the machine stands still, and we with it
        said = heard.told.count("on")
        await heard.until(lambda: heard.told.count("on") >= said + 15)
        assert child.starts == 1


async def test_one_that_does_not_stop_is_killed() -> None:
    stays = echo().replace("for line", "import signal, time\nfor line") + "time.sleep(99)"
    async with running(stays, Allowances(stop_s=0.2)) as (child, heard):
        await heard.until(lambda: child.up)
    assert heard.told == ["up", "down"]


async def test_what_cannot_be_said_is_not_said_and_the_rest_is() -> None:
    async with running(echo()) as (child, heard):
        await heard.until(lambda: child.up)
        assert not child.send(Word("say", "x" * LONGEST_LINE))
        assert child.send(Word("say", "short"))
        await heard.until(lambda: "short" in heard.told)
    assert heard.told == ["up", "short", "down"]


async def test_a_program_that_is_not_there_is_tried_again() -> None:
    missing = Program(
        name="missing",
        arguments=("/nowhere/parrot",),
        encode=encode,
        parse=parse,
        greets=lambda _: True,
        max_line_bytes=LONGEST_LINE,
    )
    child = Child(
        missing, on_up=lambda: None, on_report=lambda _: None, on_down=lambda: None, allowed=AT_ONCE
    )
    await child.start()
    await asyncio.sleep(0)
    await child.close()
    assert child.starts == 0 and not child.up


STOPPED_WHILE_IT_READS_IN = """
import os, signal
for number in (signal.SIGINT, signal.SIGTERM):
    os.kill(os.getpid(), number)  # comes before the program has said how it takes it
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
for number in (signal.SIGINT, signal.SIGTERM):
    os.kill(os.getpid(), number)
""" + ECHO.replace("BODY", "say(line, last='')")


async def test_a_stop_of_the_whole_group_does_not_end_one_that_is_being_started() -> None:
    """As a terminal's Ctrl-C and a service's stop do: the server ends it, in order."""
    there, ends = asyncio.Event(), 0

    def down() -> None:
        nonlocal ends
        ends += 1

    child = Child(
        program(STOPPED_WHILE_IT_READS_IN),
        on_up=there.set,
        on_report=lambda word: None,
        on_down=down,
    )
    await child.start()
    async with asyncio.timeout(PATIENCE_S):
        await there.wait()
    assert (child.starts, ends) == (1, 0)
    # Ours are not held back.
    assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, ())
    await child.close()
