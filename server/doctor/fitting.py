"""`tongke profile fit`: what this machine has, and the room profile proposed from it.

Owns the order of things and the file that is written; what is proposed is `doctor.propose`'s.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hardware_profiles import (
    ProfileError,
    RoomProfile,
    list_link_profiles,
    list_pc_profiles,
    list_room_profiles,
)
from hardware_profiles.doctor.found import list_cameras, list_sounds
from hardware_profiles.doctor.line import MeasuredLine
from hardware_profiles.doctor.line_probe import (
    MediaWays,
    RoomServer,
    ServerUnreachable,
    by_udp,
    first_by_udp,
    measured,
)
from hardware_profiles.doctor.machine import cores
from hardware_profiles.doctor.propose import Found, Proposal, propose
from hardware_profiles.doctor.speed import measure_speed
from hardware_profiles.loader import read_profile
from server.doctor.room_side import RoomOptions, server_of
from server.errors import StartRefused
from server.system_errors import why


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was found, and what is proposed."""

    found: Found
    proposal: Proposal

    def as_json(self) -> str:
        """For programs."""
        told = {
            "found": asdict(self.found),
            "inherits": self.proposal.inherits,
            "pc": self.proposal.pc,
            "link": self.proposal.link,
            "profile": self.proposal.text,
        }
        return json.dumps(told, ensure_ascii=False, indent=2)


async def fit(options: RoomOptions, folders: Sequence[Path]) -> Fitted:
    """Look and measure; nothing is written. Raises `StartRefused` for a server that is no such."""
    speed = await measure_speed(cores())
    found = Found(list_cameras(), list_sounds(), speed, await _line(options))
    proposal = propose(
        found,
        title_zh="本教室",
        title_en="This room",
        rooms=list_room_profiles(folders),
        pcs=list_pc_profiles(folders),
        links=list_link_profiles(folders),
    )
    return Fitted(found, proposal)


def write_profile(file: Path, proposal: Proposal, folders: Sequence[Path]) -> None:
    """Checked before it is written; a file that is there stays. Raises `StartRefused`."""
    if file.suffix != ".toml":
        raise StartRefused(
            f"{file} would not be read: a profile's file ends in .toml.",
            f"{file} 不会被读取：配置的文件名须以 .toml 结尾。",
        )
    if file.exists():
        raise StartRefused(
            f"{file} is there already: name another file, or move it away.",
            f"{file} 已存在：请换一个文件名，或先移走它。",
        )
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / file.name
        tried.write_text(proposal.text, encoding="utf-8")
        try:
            read_profile(RoomProfile, tried, folders)
        except ProfileError as error:
            raise StartRefused(
                error.message_en.replace(str(tried), str(file)),
                error.message_zh.replace(str(tried), str(file)),
            ) from None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(proposal.text, encoding="utf-8")
    except OSError as error:
        reason = why(error)
        raise StartRefused(
            f"{file} cannot be written: {reason.en}", f"无法写入 {file}：{reason.zh}"
        ) from None


async def _line(options: RoomOptions) -> MeasuredLine | None:
    asked = server_of(options)
    if asked is None:
        return None
    server = RoomServer(*asked)
    try:
        ways = MediaWays.of((await server.ask("/api/room/line")).body)
    except (ServerUnreachable, KeyError, TypeError, ValueError):
        raise StartRefused(
            "The server cannot be asked: look at its address and the credential, or leave "
            "--server out.",
            "连不上服务器：请核对地址和设备凭证，或不写 --server。",
        ) from None
    place = await first_by_udp(ways, ways.udp)
    reached = await by_udp(ways, place) if place is not None else None
    return measured(reached, await server.rates())
