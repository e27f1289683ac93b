"""`tongke demo`: a whole lesson on this machine, to look at.

Owns the demonstration's run: a folder of its own, free ports, the real server, the rooms in a
process beside it, and the words on the terminal. The county's story is `demo_county`'s. Nothing
outlives it: the rooms hang on a pipe, so even SIGKILL of this process ends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from server.command_words import words
from server.config import Settings, load_settings
from server.errors import StartRefused, Text
from server.logs import set_up_logs
from server.spoken import spoken

if TYPE_CHECKING:
    from server.demo.county import County

# Inside a folder of the demonstration: only such a folder is ever emptied.
_MARKER = "this-is-a-tongke-demonstration"
_PORTS_TRIED = 20
# Rooms that die are started again, but not for ever: something would be wrong with the machine.
_MOST_RESTARTS = 5
_RESTART_AFTER_S = 2.0
_STOP_TIMEOUT_S = 5.0


def demo(
    *,
    data_folder: Annotated[Path, typer.Option(help=words("demo_folder"))] = Path("var/demo"),
    port: Annotated[int, typer.Option(min=0, max=65_535, help=words("demo_port"))] = 7880,
    media_port: Annotated[
        int, typer.Option(min=0, max=65_535, help=words("demo_media_port"))
    ] = 7881,
    keep: Annotated[bool, typer.Option("--keep", help=words("keep"))] = False,
    rooms: Annotated[bool, typer.Option(help=words("rooms"))] = True,
    print_json: Annotated[bool, typer.Option("--print-json", help=words("print_json"))] = False,
) -> None:
    """Run a demonstration: a live lesson with three rural classrooms, on this machine alone."""
    console = Console(stderr=print_json, emoji=False)
    try:
        settings = _settings(data_folder, port, media_port, console)
        _prepare_folder(data_folder, keep=keep)
        asyncio.run(_run(settings, console, rooms=rooms, print_json=print_json))
    except StartRefused as refused:
        _say(console, *(f"tongke demo: {line}" for line in (refused.text.zh, refused.text.en)))
        raise typer.Exit(2) from None
    except KeyboardInterrupt:  # after the server has listened for it
        raise typer.Exit(130) from None


def _settings(data_folder: Path, port: int, media_port: int, console: Console) -> Settings:
    free_port = _free_port(port, socket.SOCK_STREAM)
    if free_port != port:
        _say(
            console,
            f"端口 {port} 已被占用，改用 {free_port}。",
            f"Port {port} is in use by another program; {free_port} is taken instead.",
        )
    settings = load_settings(
        data_folder=data_folder,
        host="127.0.0.1",
        port=free_port,
        plain_http=True,
        # Only this machine takes part, so only its loopback is told to browsers.
        media_host="127.0.0.1",
        media_port=_free_port(media_port, socket.SOCK_DGRAM, but=free_port),
        media_pumps=1,
        # People walk away from a demonstration and come back to it.
        empty_lesson_s=86_400,
        lead_absent_s=86_400,
        room_poll_s=1,
        log_level="warning",
    )
    set_up_logs(settings.log_level, settings.log_format)
    return settings


def _free_port(port: int, kind: socket.SocketKind, *, but: int = 0) -> int:
    """The port, else the next free one; 0 (the system chooses) when none of the next is."""
    for candidate in range(port, min(port + _PORTS_TRIED, 65_536)) if port else ():
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
        if candidate != but:
            return candidate
    return 0


def _prepare_folder(folder: Path, *, keep: bool) -> None:
    """An empty folder for a new demonstration; with `keep`, the old one as it is.

    Raises `StartRefused` for a folder in use, or one that is not a demonstration's.
    """
    from server.database.data_folder import DataFolder  # not for --help

    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise StartRefused(
            f"The folder {folder} holds something else than a demonstration, so it is left alone. "
            "Name another one with --data-folder.",
            f"文件夹 {folder} 中有演示以外的内容，未作改动。请用 --data-folder 另指定一个。",
        )
    lock = DataFolder(folder)  # so that no running demonstration is emptied
    try:
        for entry in () if keep else list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name not in {"lock", _MARKER}:  # it is a demonstration's to the last
                entry.unlink()
        (folder / _MARKER).touch()
    except OSError as error:
        raise StartRefused(
            f"The folder {folder} cannot be emptied: {error}.",
            f"无法清空文件夹 {folder}：{error}。",
        ) from None
    finally:
        lock.close()


async def _run(settings: Settings, console: Console, *, rooms: bool, print_json: bool) -> None:
    from server.accounts.people import administrators  # not for --help
    from server.demo.county import found_county, open_county
    from server.serving import heard_signals, running_server

    with heard_signals(hangup_stops=True) as signals:
        async with running_server(settings) as server:
            async with server.services.database.read() as session:
                is_new = not await administrators(session)
            if is_new:
                await found_county(server.services)
            county = await open_county(server.services)
            log = settings.data_folder / "rooms.log"
            async with _classrooms(county, log, console) if rooms else contextlib.nullcontext():
                _greet(county, console, rooms=rooms)
                if print_json:
                    print(json.dumps(_addresses(county)), flush=True)  # noqa: T201 - for programs
                await signals.stop.wait()
                _say(console, "正在停止…", "Stopping …")


@contextlib.asynccontextmanager
async def _classrooms(county: County, log: Path, console: Console) -> AsyncIterator[None]:
    """The simulated rooms, in a process of their own, for the time of the block."""
    keeper = asyncio.create_task(_keep_classrooms(county, log, console), name="classrooms")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep_classrooms(county: County, log: Path, console: Console) -> None:
    for restart in range(_MOST_RESTARTS + 1):
        if restart:
            _say(
                console,
                f"模拟教室意外停止，正在重新启动（见 {log}）。",
                f"The simulated classrooms stopped and are started again (see {log}).",
            )
            await asyncio.sleep(_RESTART_AFTER_S)
        await _run_classrooms(county, log)
    _say(
        console,
        f"模拟教室无法运行（见 {log}）。",
        f"The simulated classrooms cannot run (see {log}).",
        style="red",
    )


async def _run_classrooms(county: County, log: Path) -> None:
    """One life of the rooms' process. Its standard input is the pipe it hangs on."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "simulate"),
            *("--server", county.origin, "--credentials-file", "-", "--stop-with-parent"),
            *("--talk", "turns", "--receive", "nothing"),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            # Ctrl-C in the terminal reaches this process alone; it stops the rooms in order.
            start_new_session=True,
        )
    pipe = process.stdin
    assert pipe is not None  # asked for above
    try:
        pipe.write(" ".join(county.credentials).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # it died at once; its log says why
            await pipe.drain()
        await process.wait()
    finally:
        pipe.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _addresses(county: County) -> dict[str, object]:
    from server.demo.county import ADMINISTRATOR, TEACHER

    return {
        "address": county.teach_address,
        "room": county.room_address,
        "library": f"{county.origin}/library",
        "origin": county.origin,
        "lesson_id": county.lesson_id,
        "credentials": list(county.credentials),
        "teacher": TEACHER,
        "administrator": ADMINISTRATOR,
        "password": county.password,
    }


def _say(console: Console, zh: str, en: str, style: str = "") -> None:
    for line in spoken(Text(zh, en), encoding=console.encoding):
        console.print(line, style=style, soft_wrap=True, highlight=False, markup=False)


def _greet(county: County, console: Console, *, rooms: bool) -> None:
    """The one address large and on a line of its own: no frame that would break it in two."""
    known = _addresses(county)

    def say(zh: str, en: str, style: str = "") -> None:
        _say(console, zh, en, style)

    def show(address: object, style: str = "") -> None:
        console.print(f"  {address}", style=style, soft_wrap=True, highlight=False, markup=False)

    here = "三间乡村教室在等您。", " and three classrooms are in it."
    zh, en = here if rooms else ("没有带模拟教室。", ", without simulated classrooms.")
    console.rule("[bold green]同课 Tongke")
    console.print()
    say(
        f"课堂已经打开，{zh}请在浏览器中打开：",
        f"The lesson is open{en} Open in a browser:",
        "bold",
    )
    console.print()
    show(known["address"], "bold green")
    console.print()
    say("教室大屏", "A room's screen", "dim")
    show(known["room"])
    say("课程库", "Library", "dim")
    show(known["library"])
    console.print()
    say(
        "这些地址只能在本机打开；供其他电脑使用请运行 tongke serve。",
        "Only this computer can open these addresses; for others run tongke serve.",
    )
    say(
        f"第一个地址只能用一次；之后用 {known['teacher']} / {known['password']} 登录"
        f"（管理员 {known['administrator']}，密码相同）。",
        f"The first address works once; later sign in as {known['teacher']} / {known['password']} "
        f"(administrator: {known['administrator']}, same password).",
    )
    say("按 Ctrl-C 停止。", "Ctrl-C stops everything.", "dim")
    console.rule(style="green")
