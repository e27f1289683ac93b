"""The whole acceptance test of a room: one thing after the other, each within its time.

What is tried is what the room's profile says it has. Nothing that is wrong with one thing keeps the
others from being tried; whatever raises is a finding.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hardware_profiles.doctor.findings import Both, Checked, CheckReport, Grade
from hardware_profiles.doctor.found import FoundCamera, list_cameras
from hardware_profiles.doctor.line import judge_line
from hardware_profiles.doctor.line_probe import (
    MediaWays,
    Reached,
    RoomServer,
    ServerAnswer,
    ServerUnreachable,
    by_relay,
    by_tcp,
    by_udp,
    first_by_udp,
    measured,
)
from hardware_profiles.doctor.look import watch
from hardware_profiles.doctor.machine import (
    cores,
    judge_clock,
    look_at_disk,
    look_at_memory,
    machine_name,
)
from hardware_profiles.doctor.opening import OpenedCamera, open_cameras, open_found
from hardware_profiles.doctor.pictures import AskedPicture, Watched, judge_picture
from hardware_profiles.doctor.sound import SoundDevices, try_sound
from hardware_profiles.doctor.speed import judge_speed, measure_speed
from hardware_profiles.doctor.words import (
    CAMERAS,
    LINE,
    MACHINE,
    MICROPHONE,
    SERVER,
    TCP,
    TURN,
    UDP,
)
from hardware_profiles.link import LinkProfile
from hardware_profiles.pc import encoded_pixels_per_s
from hardware_profiles.room import RoomProfile, VideoSource
from signaling.client.address import ServerAddress

# Whatever is tried together: a report is never later than its parts' times.
_CAMERA_S, _LINE_S = 60.0, 60.0
_NO_TIME = 1e11  # seconds since 1970, in the year 5138


@dataclass(slots=True)
class RoomCheck:
    """What is to be tried, and how. `say` tells whoever stands by what happens now."""

    profile: RoomProfile
    passwords: Mapping[str, str]
    server: ServerAddress | None
    credential: str = ""
    link: LinkProfile | None = None
    sound: SoundDevices = field(default_factory=SoundDevices)
    speaks: bool = True
    cameras: bool = True
    folder: Path = field(default_factory=Path.home)
    found: Callable[[], Sequence[FoundCamera]] = list_cameras
    say: Callable[[Both], None] = lambda _said: None

    async def run(self, now: Callable[[], float] = time.time) -> CheckReport:
        """Never raises for what is wrong with a room. Cancel it to stop."""
        began = now()
        findings: list[Checked] = []
        parts: list[tuple[Both, Both, Callable[[], Awaitable[Sequence[Checked]]]]] = [
            (CAMERAS, Both(zh="正在看摄像机……", en="Looking at the cameras …"), self._cameras),
            (MICROPHONE, Both(zh="正在试麦克风和扬声器……", en="Trying the sound …"), self._sound),
            (
                MACHINE,
                Both(zh="正在测这台电脑的速度……", en="Measuring this machine …"),
                self._machine,
            ),
            (LINE, Both(zh="正在测到服务器的线路……", en="Measuring the line …"), self._line),
        ]
        for name, said, part in parts:
            if name is not MICROPHONE or self.sound.microphone:  # else nothing is tried
                self.say(said)
            try:
                findings += await part()
            except Exception as error:  # the other parts are tried all the same
                findings.append(failed(name, error))
        return CheckReport(
            side="room",
            made_at=began,
            took_s=max(0.0, round(now() - began, 1)),
            place=self.profile.title_zh,
            machine=machine_name(),
            profile=self.profile.name,
            findings=tuple(findings),
        )

    async def _cameras(self) -> Sequence[Checked]:
        if not self.cameras:
            return []
        opened = open_cameras(self.profile, self.passwords, Random())  # noqa: S311 - stream numbers
        own = self._of_the_page()
        seen = await asyncio.gather(*(self._camera(camera) for camera in [*opened, *own]))
        findings = [finding for findings in seen for finding in findings]
        number = judge_number(len(self._page_sources()), len(own), agents=len(opened))
        return [*findings, *number]

    def _page_sources(self) -> list[VideoSource]:
        """What the room page takes by itself."""
        return [
            source
            for name, source in self.profile.sources
            if source is not None and source.camera is None and name != "screen"
        ]

    def _of_the_page(self) -> list[OpenedCamera]:
        """This machine's cameras in their order: which looks where only people know."""
        taken = {
            source.camera.device
            for _, source in self.profile.sources
            if source is not None and source.camera is not None and source.camera.kind == "usb"
        }
        free = [one for one in self.found() if not any(name in one.name for name in taken if name)]
        return [
            open_found(number, camera.name, source)
            for number, (camera, source) in enumerate(
                zip(free, self._page_sources(), strict=False), start=1
            )
        ]

    async def _camera(self, camera: OpenedCamera) -> list[Checked]:
        """Its streams, one after the other: many cameras give only one at a time."""
        return [
            judge_picture(asked, watched, trouble)
            for asked, watched, trouble in [
                (asked, *await _watched(camera, number))
                for number, asked in enumerate(_asked(camera))
            ]
        ]

    async def _sound(self) -> Sequence[Checked]:
        return await try_sound(
            self.sound,
            cancels_echo=self.profile.sound.echo_cancellation,
            say=self.say,
            spoke=self.speaks,
        )

    async def _machine(self) -> Sequence[Checked]:
        speed = await measure_speed(cores())
        asked = encoded_pixels_per_s(self.profile)
        found = judge_speed(speed, asked_pixels_per_s=asked)
        # Where the system does not say there is nothing to be judged.
        with suppress(OSError):
            found.append(look_at_disk(self.folder))
        with suppress(OSError, ValueError):
            found.append(look_at_memory())
        return found

    async def _line(self) -> Sequence[Checked]:
        if self.server is None:
            return []
        try:
            async with asyncio.timeout(_LINE_S):
                return await self._line_to(RoomServer(self.server, self.credential))
        except TimeoutError:
            return [unreachable("away")]

    async def _line_to(self, server: RoomServer) -> Sequence[Checked]:
        try:
            room = await server.ask("/api/room")
            ways = MediaWays.of((await server.ask("/api/room/line")).body)
        except ServerUnreachable as fault:
            return [unreachable(fault.word)]
        except (KeyError, TypeError, ValueError):
            return [unreachable("old")]
        found = [
            Checked(
                check="server",
                name=SERVER,
                verdict=Grade.GOOD,
                words=Both(zh="连得上，设备凭证有效。", en="Reached; the credential is good."),
            )
        ]
        found += _clock(room)
        place = await first_by_udp(ways, ways.udp)
        reached: Reached | None = await by_udp(ways, place) if place is not None else None
        tcp = await asyncio.gather(*(by_tcp(ways, one) for one in ways.tcp))
        relays = await asyncio.gather(*(by_relay(one) for one in ways.relays))
        rates = await server.rates()
        found.append(judge_line(measured(reached, rates), self.link))
        return found + judge_ways(
            udp=place is not None,
            tcp=any(tcp) if tcp else None,
            turn=any(relays) if relays else None,
        )


def failed(name: Both, error: Exception) -> Checked:
    """The check itself went wrong: that is told, and the rest goes on. Of the error its kind alone,
    for its text may hold anything.
    """
    return Checked(
        check="failed",
        name=name,
        verdict=Grade.WEAK,
        words=Both(
            zh="检查时出错，这一项没有检查完。", en="The check itself failed: this was not tried."
        ),
        todo=Both(
            zh="请再检查一次；若仍如此，请把本报告交给管理员。",
            en="Check again; if it stays so, give this report to the administrator.",
        ),
        figures={"error": type(error).__name__},
    )


def judge_number(needed: int, there: int, *, agents: int = 0) -> list[Checked]:
    """Of the cameras that the room page is to open: are there as many?

    Where `agents` cameras are the room agent's, the page may be open on another machine.
    """
    if there >= needed:
        return []
    todo = Both(
        zh="请插上摄像头，或在配置中去掉没有的画面（without）。",
        en="Plug them in, or leave out of the profile what is not there (without).",
    )
    if agents and not there:
        todo = Both(
            zh=f"教室网页若在另一台电脑上打开，请在那台电脑的网页里检查；否则{todo.zh}",
            en=f"If the room's page is open on another PC, check them there. Else: {todo.en}",
        )
    return [
        Checked(
            check="camera.number",
            name=CAMERAS,
            verdict=Grade.WEAK if there or agents else Grade.BAD,
            words=Both(
                zh=f"配置中由网页打开的有 {needed} 个，本机找到 {there} 个。",
                en=f"The profile has {needed} for the room's page; {there} found on this machine.",
            ),
            todo=todo,
            figures={"needed": needed, "found": there},
        )
    ]


def judge_ways(*, udp: bool, tcp: bool | None, turn: bool | None) -> list[Checked]:
    """By UDP a lesson is best; by one of the others it can be held. None: there is no such way."""
    detour = bool(tcp or turn)
    open_udp = Both(
        zh="请让学校的防火墙放行到服务器的 UDP 端口（见 docs/networks.md）。",
        en="Have the school's firewall let UDP through to the server (docs/networks.md).",
    )
    first = (
        _way("line.udp", UDP, Grade.GOOD, None)
        if udp
        else _way("line.udp", UDP, Grade.WEAK if detour else Grade.BAD, open_udp)
    )
    found = [first]
    for check, name, passes in (("line.tcp", TCP, tcp), ("line.turn", TURN, turn)):
        if passes is None:
            found.append(
                Checked(
                    check=check,
                    name=name,
                    verdict=Grade.UNTRIED,
                    words=Both(zh="服务器没有提供。", en="The server offers none."),
                )
            )
        else:
            verdict = Grade.GOOD if passes else Grade.WEAK
            found.append(_way(check, name, verdict, None if passes else open_udp))
    return found


def _way(check: str, name: Both, verdict: Grade, todo: Both | None) -> Checked:
    words = (
        Both(zh="通。", en="It comes through.")
        if verdict is Grade.GOOD
        else Both(zh="不通。", en="It does not come through.")
    )
    return Checked(check=check, name=name, verdict=verdict, words=words, todo=todo)


_UNREACHABLE = {
    "refused": Both(
        zh="服务器不接受本机的设备凭证：请管理员重新给出。",
        en="The server refuses this machine's credential: have the administrator give another.",
    ),
    "certificate": Both(
        zh="服务器的证书不受信任：请按服务器的 /trust 页面安装证书。",
        en="Its certificate is not trusted: install it as the server's page /trust says.",
    ),
    "old": Both(
        zh="这个地址不是同课服务器，或者版本太旧。",
        en="No Tongke server is there, or one of an older version.",
    ),
    "away": Both(
        zh="请检查网线、服务器地址，以及服务器是否开着。",
        en="Look at the cable, the server's address, and whether the server runs.",
    ),
}


def unreachable(word: str) -> Checked:
    """The server cannot be asked: why, and what to do."""
    return Checked(
        check="server",
        name=SERVER,
        verdict=Grade.BAD,
        words=Both(zh="连不上服务器。", en="The server cannot be asked."),
        todo=_UNREACHABLE.get(word, _UNREACHABLE["away"]),
    )


def _clock(room: ServerAnswer) -> Iterator[Checked]:
    said = room.body.get("server_time")
    if isinstance(said, int | float) and 0 <= said < _NO_TIME:
        yield judge_clock(float(said), room.before, room.after)


def _asked(camera: OpenedCamera) -> list[AskedPicture]:
    return [
        AskedPicture(
            camera.source,
            stream.rid,
            stream.target.width,
            stream.target.height,
            stream.target.frame_rate,
            own_size=camera.own_size,
        )
        for stream in camera.streams
    ]


async def _watched(camera: OpenedCamera, number: int) -> tuple[Watched | None, Both | None]:
    try:
        async with asyncio.timeout(_CAMERA_S):
            return await watch(camera.streams[number].packets)
    except TimeoutError:
        return None, None
