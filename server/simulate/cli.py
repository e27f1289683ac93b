"""`tongke simulate`: rooms full of pupils that are not there.

Owns the command line and its words; `crew` runs the seats.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from server.command_words import words
from server.errors import Text
from server.simulate.behaviour import Habits, Talk
from server.simulate.errors import SimulateError, WrongOptions
from server.simulate.settings import Appearance, Receive, SeatSettings
from server.spoken import spoken
from server.system_errors import why
from signaling.client.address import ServerAddress
from signaling.client.token_providers import OneToken, RoomTokens, TokenProvider
from signaling.protocol.messages import Source

if TYPE_CHECKING:
    from server.simulate.crew import Plan

# With a credential a room stays for ever; a wrong list of ten thousand would take the machine.
_MOST_SEATS = 500
# A load that nobody looks after ends by itself: by the time that a school lesson takes, at most.
_USUAL_LOAD_S = 60.0
_LONGEST_LOAD_S = 4 * 3600.0
_MOST_ROOMS = 16  # of a lesson, as the server has it


def simulate(  # noqa: PLR0917 - options of a command, all named
    server: Annotated[str, typer.Option(help=words("simulate_server"))],
    credential: Annotated[list[str] | None, typer.Option(help=words("simulate_credential"))] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(help=words("simulate_credentials_file"))
    ] = None,
    token: Annotated[list[str] | None, typer.Option(help=words("simulate_token"))] = None,
    lessons: Annotated[
        int | None, typer.Option(min=1, max=_MOST_SEATS // 2, help=words("simulate_lessons"))
    ] = None,
    rooms: Annotated[int, typer.Option(min=1, max=_MOST_ROOMS, help=words("simulate_rooms"))] = 3,
    administrator: Annotated[str | None, typer.Option(help=words("simulate_administrator"))] = None,
    password_file: Annotated[
        Path | None, typer.Option(help=words("simulate_password_file"))
    ] = None,
    seats: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_SEATS, help=words("simulate_seats")),
    ] = None,
    video: Annotated[Path | None, typer.Option(help=words("simulate_video"))] = None,
    source: Annotated[list[Source] | None, typer.Option(help=words("simulate_source"))] = None,
    pictures: Annotated[int, typer.Option(min=0, max=4, help=words("simulate_pictures"))] = 1,
    height: Annotated[int, typer.Option(min=90, max=1080, help=words("simulate_height"))] = 360,
    frame_rate: Annotated[
        float, typer.Option(min=1, max=60, help=words("simulate_frame_rate"))
    ] = 15,
    hands: Annotated[bool, typer.Option(help=words("simulate_hands"))] = True,
    talk: Annotated[Talk, typer.Option(help=words("simulate_talk"))] = Talk.TURNS,
    receive: Annotated[Receive, typer.Option(help=words("simulate_receive"))] = Receive.NOTHING,
    watch: Annotated[bool, typer.Option("--watch", help=words("simulate_watch"))] = False,
    identity: Annotated[int, typer.Option(min=0, max=255, help=words("simulate_identity"))] = 1,
    duration: Annotated[float | None, typer.Option(min=1, help=words("simulate_duration"))] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
    seed: Annotated[int, typer.Option(help=words("simulate_seed"))] = 0,
    json_line: Annotated[bool, typer.Option("--json", help=words("simulate_json"))] = False,
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", hidden=True, help="Stop when stdin closes.")
    ] = False,
) -> None:
    """Send simulated classrooms into lessons: for demonstrations, tests and load."""
    from server.simulate.crew import Plan  # codecs, not for --help
    from server.simulate.media_file import check_media_file

    console = Console(stderr=True)
    try:
        address = ServerAddress.parse(server, insecure=insecure)
        credentials = [*(credential or []), *_read_credentials(credentials_file)]
        load = None
        if lessons is None:
            token_providers = _token_providers(address, credentials, token or [], seats)
        else:
            if credentials or token or seats:
                raise WrongOptions(
                    "--lessons makes its own seats: leave --credential, --token and --seats out",
                    "--lessons 自己安排教室和教师：请不要给出 --credential、--token 和 --seats",
                )
            receives = Receive.ALL if watch else receive
            load = _load(address, lessons, rooms, administrator, password_file, receive=receives)
            token_providers = []
            duration = min(duration or _USUAL_LOAD_S, _LONGEST_LOAD_S)
        if video is not None:
            check_media_file(video)
    except OSError as error:
        reason = why(error)
        _say(
            console,
            Text(
                f"无法读取 {error.filename}：{reason.zh}",
                f"{error.filename} cannot be read: {reason.en}",
            ),
            style="red",
        )
        raise typer.Exit(2) from None
    except (ValueError, SimulateError) as error:
        text = error.text if isinstance(error, SimulateError) else Text(str(error), str(error))
        _say(console, text, style="red")
        raise typer.Exit(2) from None

    def settings(count: int) -> list[SeatSettings]:
        return [
            SeatSettings(
                appearance=Appearance(
                    identity=(identity + number) % 256,
                    pictures=pictures,
                    sources=tuple(source or ()),
                    max_height=height,
                    max_frame_rate=frame_rate,
                    media_file=video,
                ),
                habits=Habits(hands=hands, talk=talk, turn=number, turns=count),
                receive=Receive.ALL if watch else receive,
            )
            for number in range(count)
        ]

    def plan(token_providers: list[TokenProvider]) -> Plan:
        return Plan(
            server=address,
            token_providers=token_providers,
            settings=settings(len(token_providers)),
            duration_s=duration,
            report=watch,
            json_line=json_line,
            parent_pipe=stop_with_parent,
            seed=seed,
            quiet=stop_with_parent,
        )

    raise typer.Exit(asyncio.run(_run(plan, token_providers, load, console)))


@dataclass(frozen=True, slots=True)
class _Load:
    """Lessons to be made on a server, and who may make them."""

    server: ServerAddress
    lessons: int
    rooms: int
    administrator: str
    password: str
    receive: Receive


def _load(
    server: ServerAddress,
    lessons: int,
    rooms: int,
    administrator: str | None,
    password_file: Path | None,
    *,
    receive: Receive,
) -> _Load:
    """Raises `WrongOptions` when it is too much or nobody may make it; OSError."""
    if administrator is None:
        raise WrongOptions(
            "--lessons makes a county on the server: give --administrator",
            "--lessons 会在服务器上建立学校和课：请给出 --administrator",
        )
    if lessons * (rooms + 1) > _MOST_SEATS:
        seats = lessons * (rooms + 1)
        raise WrongOptions(
            f"{lessons} lessons with {rooms} rooms are {seats} seats; at most {_MOST_SEATS}",
            f"{lessons} 节课、每节 {rooms} 间教室，共 {seats} 台设备；最多 {_MOST_SEATS} 台",
        )
    if password_file is None:
        if not sys.stdin.isatty():
            raise WrongOptions(
                "give --password-file, with the administrator's password in it",
                "请给出 --password-file，其中是管理员的密码",
            )
        password = typer.prompt(_ask_password(administrator), hide_input=True, err=True)
    elif str(password_file) == "-":
        password = sys.stdin.readline()
    else:
        password = password_file.read_text(encoding="utf-8")
    return _Load(server, lessons, rooms, administrator, str(password).strip("\r\n"), receive)


async def _run(
    plan: Callable[[list[TokenProvider]], Plan],
    token_providers: list[TokenProvider],
    load: _Load | None,
    console: Console,
) -> int:
    """The exit code. Ctrl-C and SIGTERM stop in order from here on."""
    from server.simulate.crew import run_crew  # see above

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if load is None:
        return await run_crew(plan(token_providers), console, stop)
    return await _run_load(plan, load, console, stop)


async def _run_load(
    plan: Callable[[list[TokenProvider]], Plan], load: _Load, console: Console, stop: asyncio.Event
) -> int:
    from server.simulate.county import LoadCounty, Stopped  # see above
    from server.simulate.crew import run_crew
    from server.simulate.office import Office

    def say(en: str, zh: str) -> None:
        _say(console, Text(zh, en))

    office = Office(load.server)
    county = LoadCounty(office, load.lessons, load.rooms, stop)
    code = 1
    try:
        await office.sign_in(load.administrator, load.password)
        say(
            f"making {county.name}: {load.lessons} lessons with {load.rooms} rooms each",
            f"正在建立 {county.name}：{load.lessons} 节课，每节 {load.rooms} 间教室",
        )
        await county.make()
        if load.receive is Receive.NOTHING:
            say(
                "its seats receive nothing, so nothing is forwarded to them: see --receive",
                "这些设备什么也不接收，所以服务器不向它们转发：见 --receive",
            )
        code = await run_crew(plan(county.token_providers), console, stop)
    except SimulateError as error:
        _say(console, error.text)
    except Stopped:
        say("stopped before the lessons were made", "课还没有建好就停止了")
    finally:
        stood = county.stands
        left = await county.remove()
        for each in left:
            say(f"could not be removed: {each.en}", f"未能删除：{each.zh}")
        if stood and not left:
            say(f"removed {county.name}", f"已删除 {county.name}")
        with contextlib.suppress(SimulateError):
            await office.sign_out()
    return 1 if left else code


def _ask_password(administrator: str) -> str:
    text = Text(f"{administrator} 的密码", f"Password of {administrator}")
    return " ".join(spoken(text, encoding=sys.stderr.encoding))


def _say(console: Console, text: Text, *, style: str = "") -> None:
    for line in spoken(text, encoding=console.encoding):
        console.print(line, style=style, highlight=False, markup=False)


def _read_credentials(file: Path | None) -> list[str]:
    if file is None:
        return []
    text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    return text.split()


def _token_providers(
    server: ServerAddress, credentials: list[str], tokens: list[str], seats: int | None
) -> list[TokenProvider]:
    """One a device. Raises `WrongOptions` when there is none to be had."""
    known = len(credentials) + len(tokens)
    if not known:
        raise WrongOptions(
            "give --credential or --token, one for each seat",
            "请给出 --credential 或 --token，每台设备一个",
        )
    count = seats or known
    if count > known:
        raise WrongOptions(
            f"{count} seats on {known} credentials and tokens: two devices of one seat send only "
            "once, so they would be half a load. Give one for each seat, or --lessons",
            f"{count} 台设备只有 {known} 个凭证：用同一凭证的两台设备只有一台发送，"
            "达不到应有的负载。请为每台设备给出一个凭证，或使用 --lessons",
        )
    if count > _MOST_SEATS:
        raise WrongOptions(f"at most {_MOST_SEATS} seats", f"最多 {_MOST_SEATS} 台设备")
    found: list[TokenProvider] = []
    for index in range(count):
        if index < len(credentials):
            found.append(RoomTokens(server, credentials[index]))
        else:
            found.append(OneToken(tokens[index - len(credentials)]))
    return found
