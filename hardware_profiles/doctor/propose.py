"""A room profile proposed from what a machine has: which of ours is nearest, and what differs.

Pure. The text is a profile as people write them, with the reason beside each line; a person decides
whether it is right, for only people know where a camera looks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hardware_profiles.doctor.found import FoundCamera, FoundSound
from hardware_profiles.doctor.line import MeasuredLine
from hardware_profiles.doctor.speed import Speed, pixels_zh
from hardware_profiles.link import PICTURES_BPS, LinkProfile
from hardware_profiles.pc import PcProfile
from hardware_profiles.room import RoomProfile, VideoSourceName

# A satellite's is 600 ms; nothing on the ground takes half of that.
_BY_SATELLITE_MS = 400.0
# Whom cameras are for, in the order in which a room gets them.
_PLACES: tuple[VideoSourceName, ...] = ("teacher", "students", "board")
_USUAL_RATE = 15.0


@dataclass(frozen=True, slots=True)
class Found:
    """What was found and measured; None where it was not."""

    cameras: Sequence[FoundCamera]
    sounds: Sequence[FoundSound]
    speed: Speed | None
    line: MeasuredLine | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of the profile and why it is so, in both languages."""

    line: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """`text` is the file; `inherits`, `pc` and `link` name profiles of ours ("" is none)."""

    inherits: str
    pc: str
    link: str
    reasons: tuple[Reason, ...]
    tables: tuple[tuple[str, tuple[Reason, ...]], ...]

    @property
    def text(self) -> str:
        head = (
            "# 由 tongke profile fit 提出：请核对，尤其是哪个摄像头对着谁。\n"
            "# Proposed by tongke profile fit. Look it over, above all which camera looks where.\n"
        )
        tables = "".join(f"\n[{name}]\n{_lines(reasons)}" for name, reasons in self.tables)
        return head + _lines(self.reasons) + tables


def propose(
    found: Found,
    *,
    title_zh: str,
    title_en: str,
    rooms: Sequence[RoomProfile],
    pcs: Sequence[PcProfile],
    links: Sequence[LinkProfile],
) -> Proposal:
    """The nearest of ours, and what of it differs here."""
    pc = fitting_pc(found.speed, pcs)
    inherits, base_reason = _base(found, pc)
    base = next(room for room in rooms if room.name == inherits)
    reasons = [
        base_reason,
        Reason(f"title_zh = {json.dumps(title_zh, ensure_ascii=False)}", "", ""),
        Reason(f"title_en = {json.dumps(title_en, ensure_ascii=False)}", "", ""),
    ]
    without = _too_many(base, len(found.cameras))
    if without:
        listed = ", ".join(f'"sources.{name}"' for name in without)
        reasons.append(
            Reason(
                f"without = [{listed}]",
                f"本机只有 {len(found.cameras)} 个摄像头",
                f"this machine has {len(found.cameras)} cameras",
            )
        )
    if pc is not None and found.speed is not None:
        million = found.speed.encodes / 1e6
        reasons.append(
            Reason(
                f'pc = "{pc.name}"',
                f"测得每秒可编码{pixels_zh(found.speed.encodes)}像素",
                f"measured: it encodes {million:.0f} million pixels a second",
            )
        )
    link = fitting_link(found.line, links)
    reasons += _of_the_line(found.line, link, base)
    return Proposal(
        inherits,
        pc.name if pc is not None else "",
        link.name if link is not None else "",
        tuple(reasons),
        tuple(_tables(found, base, without)),
    )


def fitting_pc(speed: Speed | None, pcs: Sequence[PcProfile]) -> PcProfile | None:
    """The largest that the machine carries, the smallest when none fits."""
    if speed is None or not pcs:
        return None
    ordered = sorted(pcs, key=lambda pc: pc.encode.pixels_per_s)
    fitting = [pc for pc in ordered if pc.encode.pixels_per_s <= speed.encodes]
    return fitting[-1] if fitting else ordered[0]


def fitting_link(line: MeasuredLine | None, links: Sequence[LinkProfile]) -> LinkProfile | None:
    """The richest line that promises no more than was measured, as late as was measured."""
    if line is None or line.up_bps is None or line.down_bps is None:
        return None
    far = (line.round_trip_ms or 0.0) > _BY_SATELLITE_MS
    fitting = [
        link
        for link in links
        if link.lesson_up_bps <= line.up_bps
        and link.lesson_down_bps <= line.down_bps
        and (2 * link.line.delay_ms > _BY_SATELLITE_MS) == far
    ]
    return max(fitting, key=lambda link: link.lesson_up_bps, default=None)


def _base(found: Found, pc: PcProfile | None) -> tuple[str, Reason]:
    count = len(found.cameras)
    if not count:
        name, zh, en = "audio-only", "没有找到摄像头", "no camera was found"
    elif pc is not None and pc.decode.largest_height < 720:
        name, zh, en = "old-pc", "电脑较慢", "the machine is slow"
    elif count >= 3:
        name, zh, en = "recording-room", f"有 {count} 个摄像头", f"{count} cameras"
    elif pc is not None and pc.decode.largest_height < 1080:
        name, zh, en = "basic-room", "两核电脑", "a PC as quick as two cores"
    else:
        name, zh, en = "standard", "近年的电脑", "a recent PC"
    return name, Reason(f'inherits = "{name}"', zh, en)


def _too_many(base: RoomProfile, cameras: int) -> Sequence[VideoSourceName]:
    """Of the base's cameras those that are not there, the last ones first to go."""
    has = [name for name in _PLACES if base.source(name) is not None]
    return has[max(1, cameras) :] if cameras else []


def _of_the_line(
    line: MeasuredLine | None, link: LinkProfile | None, base: RoomProfile
) -> list[Reason]:
    if line is None or line.up_bps is None or line.down_bps is None:
        return []
    up, down = line.up_bps / 1e6, line.down_bps / 1e6
    zh = f"测得上行 {up:.1f} Mb/s、下行 {down:.1f} Mb/s"
    en = f"measured: {up:.1f} Mb/s up, {down:.1f} Mb/s down"
    reasons = [Reason(f'link = "{link.name}"', zh, en)] if link is not None else []
    thin = line.down_bps < PICTURES_BPS
    if thin and base.receives == "pictures":
        reasons.append(Reason('receives = "either"', zh, en))
    return reasons


def _tables(
    found: Found, base: RoomProfile, without: Sequence[str]
) -> list[tuple[str, tuple[Reason, ...]]]:
    tables = [("sound", tuple(_sound(found.sounds)))]
    places = [name for name in _PLACES if base.source(name) is not None and name not in without]
    for name, camera in zip(places, found.cameras, strict=False):
        source = base.source(name)
        assert source is not None  # chosen by it
        width, height = camera.largest(min(_USUAL_RATE, source.frame_rate))
        if not width or (width >= source.width and height >= source.height):
            continue
        why_zh = f"{camera.description.card} 最大 {width}×{height}"
        why_en = f"{camera.description.card}: {width}×{height} at the most"
        tables.append(
            (
                f"sources.{name}",
                (
                    Reason(f"width = {width - width % 2}", why_zh, why_en),
                    Reason(f"height = {height - height % 2}", "", ""),
                ),
            )
        )
    return [(name, reasons) for name, reasons in tables if reasons]


def _sound(sounds: Sequence[FoundSound]) -> list[Reason]:
    heard = [sound for sound in sounds if sound.hears]
    if not heard:
        return []
    both = next((sound for sound in heard if sound.plays), None)
    name = (both or heard[0]).name
    return [
        Reason(
            "echo_cancellation = true",
            f"{name}；只有教室的音频处理器消除回声时才写 false",
            f"{name}; false only where the room's sound processor removes the echo",
        )
    ]


def _lines(reasons: Sequence[Reason]) -> str:
    written = ""
    for reason in reasons:
        if reason.zh:
            written += f"# {_one_line(reason.zh)} · {_one_line(reason.en)}\n"
        written += f"{reason.line}\n"
    return written


def _one_line(text: str) -> str:
    """A device may call itself what it likes; in a comment it stays in its line."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
