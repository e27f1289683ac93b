"""Is a camera's picture there, moving, and as large and as frequent as the profile says? Pure.

A camera's own words are not believed: its pictures were decoded. A real sensor's noise makes every
picture differ a little from the last one; a box that repeats one picture makes none differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.words import camera_name

# Of 255 levels, on average over a picture, between one and the next. What is repeated differs by
# nothing, a dark room at the strongest noise reduction still by more than this.
STILL_LEVELS = 0.02
# Below both it is a lens cap, or a wall in the dark.
DARK_LEVELS, DARK_SPREAD = 20.0, 4.0
# Of what the profile asks.
_FEW, _FAR_TOO_FEW = 0.8, 0.4


@dataclass(frozen=True, slots=True)
class Watched:
    """What was decoded in `seconds`: how many pictures, how large, how bright, and by how much a
    quarter of them at least differed from the one before (levels of 255, on average).
    """

    pictures: int
    seconds: float
    width: int
    height: int
    brightness: float
    spread: float
    change: float
    broken: int = 0


@dataclass(frozen=True, slots=True)
class AskedPicture:
    """The layer of the profile: its size and pictures a second. A screen may stand still."""

    source: str
    layer: str
    width: int
    height: int
    frame_rate: float
    own_size: bool  # the camera makes this size itself; else it is made here and cannot be wrong

    @property
    def check(self) -> str:
        return f"camera.{self.source}.{self.layer}"


def judge_picture(asked: AskedPicture, watched: Watched | None, trouble: Both | None) -> Checked:
    """`trouble` is why there was no picture, in the source's own words."""
    name = camera_name(asked.source, asked.layer)
    if watched is None or not watched.pictures:
        return Checked(
            check=asked.check,
            name=name,
            verdict=Grade.BAD,
            words=Both(zh="没有画面。", en="No picture."),
            todo=trouble or _NO_PICTURE,
        )
    rate = watched.pictures / watched.seconds
    verdict, todo = _judged(asked, watched, rate)
    return Checked(
        check=asked.check,
        name=name,
        verdict=verdict,
        words=Both(
            zh=f"{watched.width}×{watched.height}，每秒 {rate:.0f} 帧"
            f"{'，画面在动' if watched.change > STILL_LEVELS else ''}。",
            en=f"{watched.width}×{watched.height}, {rate:.0f} pictures a second"
            f"{', moving' if watched.change > STILL_LEVELS else ''}.",
        ),
        todo=todo,
        figures={
            "width": watched.width,
            "height": watched.height,
            "frame_rate": round(rate, 1),
            "brightness": round(watched.brightness, 1),
            "change": round(watched.change, 3),
            "broken": watched.broken,
        },
    )


_NO_PICTURE = Both(zh="请检查摄像机的电源和连接线。", en="Check the camera's power and its cable.")


def _judged(asked: AskedPicture, watched: Watched, rate: float) -> tuple[Grade, Both | None]:
    if watched.brightness < DARK_LEVELS and watched.spread < DARK_SPREAD:
        return Grade.BAD, Both(
            zh="画面是黑的：请取下镜头盖，打开灯。",
            en="It is black: take off the lens cap, switch on the light.",
        )
    if watched.change <= STILL_LEVELS and asked.source != "screen":
        return Grade.BAD, Both(
            zh="画面不动：请重新启动摄像机，并检查它的设置。",
            en="It stands still: start the camera anew, and look at its settings.",
        )
    if rate < _FAR_TOO_FEW * asked.frame_rate and asked.source != "screen":
        return Grade.BAD, _too_few(asked)
    if asked.own_size and (watched.width, watched.height) != (asked.width, asked.height):
        return Grade.WEAK, Both(
            zh=f"配置写的是 {asked.width}×{asked.height}：请在摄像机网页上或配置中改正。",
            en=f"The profile says {asked.width}×{asked.height}: correct it on the camera's own "
            "page, or in the profile.",
        )
    if rate < _FEW * asked.frame_rate and asked.source != "screen":
        return Grade.WEAK, _too_few(asked)
    return Grade.GOOD, None


def _too_few(asked: AskedPicture) -> Both:
    return Both(
        zh=f"应为每秒 {asked.frame_rate:g} 帧：光线暗时摄像机会放慢，也可能是本机太慢。",
        en=f"It should be {asked.frame_rate:g} a second: cameras slow down in the dark, or this "
        "machine is too slow.",
    )
