"""A server's machine, tried: what it carries, ports, certificate, disks, database, clock.

Owns the questions and their words. It asks beside a server that runs, within it, or before its
first start, and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from hardware_profiles import ServerProfile, fitting_profile, list_server_profiles
from hardware_profiles.doctor import words
from hardware_profiles.doctor.findings import Both, Checked, CheckReport, Grade
from hardware_profiles.doctor.machine import cores, judge_disk, look_at_memory, machine_name
from hardware_profiles.doctor.speed import Speed, measure_speed
from server.clock_fault import NOT_SET, clock_fault
from server.config import Settings
from server.database.engine import Database
from server.database.free_space import space_in
from server.database.refusing import DatabaseRefused
from server.door.certificates import given_certificate
from server.door.condition import SHUT, Condition, examine
from server.door.tls import utc_now
from server.errors import StartRefused, Text
from server.node.hardware import choose_server_profile

# What one core of the machine encodes of `doctor.speeding`'s pictures on which the profiles of
# `servers/` were reckoned (`benchmarks.program`, `benchmarks.forward`), when nothing else runs.
REFERENCE_PIXELS_PER_S = 170_000_000
_ASK_S = 3.0


async def check_server(
    settings: Settings,
    *,
    database: Database | None = None,
    condition: Condition | None = None,
) -> CheckReport:
    """Within a server that runs, its own database and certificate are handed in."""
    began = time.time()
    findings = [
        await _capacity(settings),
        *_machine(),
        await _pages_port(settings),
        *_media_ports(settings),
        await _certificate(settings, condition),
        *_disks(settings),
        await _database(settings, database),
        _clock(),
    ]
    return CheckReport(
        side="server",
        made_at=began,
        took_s=round(max(0.0, time.time() - began), 1),
        place=settings.address[:200],
        machine=machine_name(),
        profile=settings.server_profile[:40],
        findings=tuple(finding for finding in findings if finding is not None),
    )


# --- what it carries --------------------------------------------------------------------------


async def _capacity(settings: Settings) -> Checked:
    speed = await measure_speed(cores())
    try:
        chosen = choose_server_profile(settings.server_profile, settings.profile_folders)
    except StartRefused as refused:
        return _finding(
            "server.capacity",
            words.CAPACITY,
            Grade.BAD,
            Both(zh="–", en="–"),
            refused.text,
        )
    return judge_capacity(speed, chosen, list_server_profiles(settings.profile_folders))


def judge_capacity(
    speed: Speed | None, chosen: ServerProfile, known: Sequence[ServerProfile]
) -> Checked:
    """The profile in force beside what the machine was measured to do. Pure."""
    admits = chosen.admit
    said = Both(
        zh=f"硬件配置 {chosen.name}：同时 {admits.lessons} 节课、{admits.programs} 路节目。",
        en=f"Profile {chosen.name}: {admits.lessons} lessons and {admits.programs} programs "
        "at once.",
    )
    if speed is None:
        todo = Text("没有测出速度：请稍后再试。", "Its speed could not be measured: try again.")
        return _finding("server.capacity", words.CAPACITY, Grade.WEAK, said, todo)
    worth = speed.cores * speed.encode_pixels_per_s / REFERENCE_PIXELS_PER_S
    figures: dict[str, float | int | bool | str] = {
        "cores": speed.cores,
        "worth_cores": round(worth, 1),
        "encode_pixels_per_s": round(speed.encode_pixels_per_s),
        "decode_pixels_per_s": round(speed.decode_pixels_per_s),
        "lessons": admits.lessons,
        "programs": admits.programs,
    }
    # A tenth is what another program takes while it is measured.
    if worth >= 0.9 * chosen.machine.cores:
        return _finding("server.capacity", words.CAPACITY, Grade.GOOD, said, figures=figures)
    fits = fitting_profile(known, cores=max(1, int(worth)), memory_mib=1 << 40)
    todo = Text(
        f"这台机器相当于 {worth:.1f} 个核，而配置按 {chosen.machine.cores} 个核计："
        f"请停止其他程序再测，或改用配置 {fits.name}（{fits.admit.lessons} 节课、"
        f"{fits.admit.programs} 路节目）。",
        f"It does what {worth:.1f} cores do, and the profile reckons with "
        f"{chosen.machine.cores}: stop other programs and try again, or take the profile "
        f"{fits.name} ({fits.admit.lessons} lessons, {fits.admit.programs} programs).",
    )
    return _finding("server.capacity", words.CAPACITY, Grade.WEAK, said, todo, figures)


def _machine() -> list[Checked]:
    with contextlib.suppress(OSError, ValueError):
        return [look_at_memory()]
    return []


def _clock() -> Checked:
    fault = clock_fault(time.time())
    if fault == "ok":
        said = Both(zh="由系统保持准确。", en="The system keeps it right.")
        return _finding("clock", words.CLOCK, Grade.GOOD, said)
    bad = fault == NOT_SET
    return _finding(
        "clock",
        words.CLOCK,
        Grade.BAD if bad else Grade.WEAK,
        Both(zh="没有设置。", en="It was never set.")
        if bad
        else Both(zh="没有人保持它准确。", en="Nothing keeps it right."),
        Text("请启用 chrony 或 systemd-timesyncd。", "Switch on chrony or systemd-timesyncd."),
    )


# --- ports ------------------------------------------------------------------------------------


async def _pages_port(settings: Settings) -> Checked:
    """Is it ours that listens, nobody, or somebody else?"""
    port = settings.port
    state = await asyncio.to_thread(_who_listens, settings)
    said = Both(zh=f"网页 TCP {port}", en=f"pages TCP {port}")
    if state == "ours":
        said = Both(zh=f"{said.zh}：服务器正在监听。", en=f"{said.en}: the server listens.")
        return _finding("server.port.pages", words.PORTS, Grade.GOOD, said)
    if state == "free":
        said = Both(zh=f"{said.zh}：空闲，服务器没有运行。", en=f"{said.en}: free; no server runs.")
        return _finding("server.port.pages", words.PORTS, Grade.UNTRIED, said)
    return _finding(
        "server.port.pages",
        words.PORTS,
        Grade.BAD,
        Both(zh=f"{said.zh}：用不了。", en=f"{said.en}: not to be had."),
        Text(
            "端口被其他程序占用，或需要更多权限：请停止那个程序，或改用别的端口（设置 port）。",
            "Another program has it, or it needs more rights: stop that program, or take another "
            "port (setting port).",
        ),
    )


def _who_listens(settings: Settings) -> str:
    """`ours`, `free` or `taken`."""
    host = "127.0.0.1" if settings.host in ("", "0.0.0.0", "::") else settings.host  # noqa: S104 - read
    try:
        with (
            socket.create_connection((host, settings.port), timeout=_ASK_S) as plain,
            _spoken_to(plain, settings) as connection,
        ):
            connection.settimeout(_ASK_S)
            connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = connection.recv(4096)
            return "ours" if answer.startswith(b"HTTP/1.1 200") else "taken"
    except ConnectionRefusedError:
        return "free" if _can_bind(socket.SOCK_STREAM, settings.port) else "taken"
    except OSError:
        return "taken"


def _spoken_to(plain: socket.socket, settings: Settings) -> socket.socket:
    if not settings.secure:
        return plain
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


def _media_ports(settings: Settings) -> list[Checked]:
    """While a server runs they are its own: then nothing is to be tried."""
    first, count = settings.media_port, max(1, settings.media_pumps or 1)
    if not first:
        return []
    ports = f"{first}" if count == 1 else f"{first}–{first + count - 1}"
    if all(_can_bind(socket.SOCK_DGRAM, first + number) for number in range(count)):
        said = Both(zh=f"音视频 UDP {ports}：空闲。", en=f"media UDP {ports}: free.")
        return [_finding("server.port.media", words.PORTS, Grade.UNTRIED, said)]
    if _who_listens(settings) == "ours":
        said = Both(zh=f"音视频 UDP {ports}：服务器在用。", en=f"media UDP {ports}: in use by it.")
        return [_finding("server.port.media", words.PORTS, Grade.GOOD, said)]
    return [
        _finding(
            "server.port.media",
            words.PORTS,
            Grade.BAD,
            Both(zh=f"音视频 UDP {ports}：被占用。", en=f"media UDP {ports}: taken."),
            Text(
                "请停止占用它的程序，或改用别的端口（设置 media_port）。",
                "Stop the program that has it, or take another port (setting media_port).",
            ),
        )
    ]


def _can_bind(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as one:
        if kind is socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("", port))
        except OSError:
            return False
        return True


# --- certificate ------------------------------------------------------------------------------


async def _certificate(settings: Settings, condition: Condition | None) -> Checked | None:
    if not settings.secure:
        said = Both(zh="不用证书（plain_http）。", en="None is used (plain_http).")
        return _finding("server.certificate", words.CERTIFICATE, Grade.UNTRIED, said)
    if condition is None:
        try:
            condition = await asyncio.to_thread(_examined, settings)
        except StartRefused as refused:
            said = Both(zh="用不了。", en="It cannot be used.")
            return _finding("server.certificate", words.CERTIFICATE, Grade.BAD, said, refused.text)
    if condition is None:
        said = Both(zh="第一次启动时生成。", en="It will be made at the first start.")
        return _finding("server.certificate", words.CERTIFICATE, Grade.UNTRIED, said)
    end = condition.leaf.not_valid_after_utc
    day = end.astimezone().strftime("%Y-%m-%d")
    verdict = Grade.GOOD
    if condition.findings:
        verdict = Grade.BAD if condition.faults & SHUT else Grade.WEAK
    texts = [finding.text for finding in condition.findings]
    todo = Text("".join(one.zh for one in texts)[:600], " ".join(one.en for one in texts)[:600])
    return _finding(
        "server.certificate",
        words.CERTIFICATE,
        verdict,
        Both(zh=f"有效到 {day}。", en=f"Good until {day}."),
        todo if texts else None,
        {"days": (end - utc_now()) // datetime.timedelta(days=1)},
    )


def _examined(settings: Settings) -> Condition | None:
    """What lies in the files. Raises `StartRefused` where they cannot be used."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        chain = given_certificate(settings.tls_cert, settings.tls_key).chain()
        return examine(chain, now=utc_now())
    try:
        chain = x509.load_pem_x509_certificates((settings.data_folder / "tls.crt").read_bytes())
    except (OSError, ValueError):
        return None
    return examine(chain, now=utc_now(), authority=chain[-1])


# --- disks and database -----------------------------------------------------------------------


def _disks(settings: Settings) -> list[Checked]:
    """Of the data folder and the recordings, where these lie on disks of their own."""
    folders = {"data": settings.data_folder, "recordings": settings.recordings}
    found, seen = [], set()
    for name, folder in folders.items():
        there = _nearest(folder)
        device = there.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        found.append(_disk(name, folder, there))
    return found


def _disk(name: str, folder: Path, there: Path) -> Checked:
    if folder.exists() and not folder.is_dir():
        return _finding(
            f"server.disk.{name}",
            words.DISK,
            Grade.BAD,
            Both(zh=f"{folder} 是文件，不是文件夹。", en=f"{folder} is a file, and no folder."),
            Text("请指明一个文件夹。", "Name a folder."),
        )
    usage = judge_disk(*_free(there)).model_copy(update={"check": f"server.disk.{name}"})
    if folder == there and space_in(folder) == "not writable":
        return _finding(
            f"server.disk.{name}",
            words.DISK,
            Grade.BAD,
            Both(zh="不能写入。", en="It cannot be written."),
            Text(
                f"运行同课的用户须有权写入 {folder}。",
                f"The user that runs Tongke must have the right to write to {folder}.",
            ),
        )
    return usage


def _free(folder: Path) -> tuple[int, int]:
    import shutil  # noqa: PLC0415 - for this alone

    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    whole = folder.resolve()
    return next(one for one in (whole, *whole.parents) if one.is_dir())


async def _database(settings: Settings, database: Database | None) -> Checked:
    file = settings.data_folder / "tongke.db"
    if database is None and not settings.database_url and not file.is_file():
        said = Both(zh="第一次启动时建立。", en="It will be made at the first start.")
        return _finding("server.database", words.DATABASE, Grade.UNTRIED, said)
    asked = database or Database(settings.database)
    fault = ""
    try:
        async with asyncio.timeout(_ASK_S), asked.write(wait_s=1.0):
            pass
    except DatabaseRefused as refusal:
        fault = refusal.cause.name.lower()
    except Exception as error:  # whatever it raises is a reason; it may quote an address: its kind
        fault = type(error).__name__
    finally:
        if database is None:
            await asked.close()
    if not fault:
        said = Both(zh="可以写入。", en="It can be written.")
        return _finding("server.database", words.DATABASE, Grade.GOOD, said)
    return _finding(
        "server.database",
        words.DATABASE,
        Grade.BAD,
        Both(zh=f"不能写入（{fault}）。", en=f"It cannot be written ({fault})."),
        Text(
            "请检查磁盘，以及 PostgreSQL 是否在运行（见 docs/zh/operating.md）。",
            "Look at the disk, and whether PostgreSQL runs (docs/operating.md).",
        ),
    )


def _finding(  # noqa: PLR0917 - a row of the report
    check: str,
    name: Both,
    verdict: Grade,
    said: Both,
    todo: Text | None = None,
    figures: dict[str, float | int | bool | str] | None = None,
) -> Checked:
    return Checked(
        check=check,
        name=name,
        verdict=verdict,
        words=said,
        todo=Both(zh=todo.zh, en=todo.en) if todo is not None else None,
        figures=figures or {},
    )
