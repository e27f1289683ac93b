"""How many pixels a second this machine decodes and encodes, and whether its profile asks for more.

Judging is pure; measuring runs in a child.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from hardware_profiles.doctor.child import answer_of
from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.words import DECODING, ENCODING

_WITHIN_S = 20.0
# What is left for the browser, the desktop and a warm day.
_OF_ALL_CORES = 0.6
# The others' large picture in 720p at 25 a second and three small ones of 180p.
SHOWN_PIXELS_PER_S = 1280 * 720 * 25 + 3 * 320 * 180 * 25
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Speed:
    """Pixels a second of one core, and how many cores there are."""

    encode_pixels_per_s: float
    decode_pixels_per_s: float
    cores: int

    @property
    def encodes(self) -> float:
        """What may be asked of the machine."""
        return self.encode_pixels_per_s * self.cores * _OF_ALL_CORES

    @property
    def decodes(self) -> float:
        """What it shows beside that, in what its browser is given."""
        return self.decode_pixels_per_s * self.cores * (1 - _OF_ALL_CORES)


async def measure_speed(cores: int) -> Speed | None:
    """None where it could not be measured."""
    answer = await answer_of("hardware_profiles.doctor.speeding", (), b"", within_s=_WITHIN_S)
    if not answer:
        return None
    told = json.loads(answer)
    return Speed(told["encode_pixels_per_s"], told["decode_pixels_per_s"], cores)


def judge_speed(speed: Speed | None, *, asked_pixels_per_s: int) -> list[Checked]:
    """`asked_pixels_per_s` is what the room's profile has it encode."""
    if speed is None:
        return [_unmeasured("encode", ENCODING), _unmeasured("decode", DECODING)]
    return [
        _judged("decode", DECODING, speed.decodes, SHOWN_PIXELS_PER_S, _SLOW_TO_SHOW),
        _judged("encode", ENCODING, speed.encodes, asked_pixels_per_s, _SLOW_TO_ENCODE),
    ]


_SLOW_TO_SHOW = Both(
    zh='请关闭其他程序，或在教室配置中写 receives = "program"。',
    en='Close other programs, or write receives = "program" into the room\'s profile.',
)
_SLOW_TO_ENCODE = Both(
    zh="请在教室配置中写上这台电脑的 pc，或减小画面。",
    en="Name this machine's pc in the room's profile, or make its pictures smaller.",
)


def pixels_zh(pixels: float) -> str:
    """A number of pixels as Chinese counts: by ten thousands and hundreds of millions."""
    return f" {pixels / 1e8:.2f} 亿" if pixels >= 1e8 else f" {pixels / 1e4:.0f} 万"


def _judged(check: str, name: Both, has: float, asked: int, todo: Both) -> Checked:
    verdict = Grade.GOOD
    if has < asked:
        verdict = Grade.BAD if has < asked / 2 else Grade.WEAK
    zh = f"每秒{pixels_zh(has)}像素，需要{pixels_zh(asked)}。"
    en = f"{has / _MILLION:.0f} million pixels a second; {asked / _MILLION:.0f} are needed."
    return Checked(
        check=check,
        name=name,
        verdict=verdict,
        words=Both(zh=zh, en=en),
        todo=None if verdict is Grade.GOOD else todo,
        figures={"pixels_per_s": round(has), "needed_pixels_per_s": asked},
    )


def _unmeasured(check: str, name: Both) -> Checked:
    return Checked(
        check=check,
        name=name,
        verdict=Grade.WEAK,
        words=Both(zh="没有测出来。", en="It could not be measured."),
        todo=Both(zh="请关闭其他程序再试。", en="Close other programs and try again."),
    )
