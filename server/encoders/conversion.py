"""What it costs that an encoder's picture is encoded again here, in words for the school's IT."""

from __future__ import annotations

from hardware_profiles.room_agent.converting.converted import ConvertedCamera
from hardware_profiles.room_agent.passing.fitness import Unfit
from server.errors import Text

_WHY: dict[Unfit, Text] = {
    Unfit.H265: Text("画面是 H.265", "The picture is H.265"),
    Unfit.JPEG: Text("画面是 JPEG", "The picture is JPEG"),
    Unfit.B_FRAMES: Text("画面使用 B 帧", "The picture has B-frames"),
    Unfit.INTERLACED: Text("画面是隔行扫描", "The picture is interlaced"),
    Unfit.DEPTH: Text(
        "画面的色彩格式浏览器不支持", "No browser plays the picture's kind of colours"
    ),
}


def conversion_notice(converted: ConvertedCamera) -> Text:
    """Why it is converted, what that takes of this machine now, and how to be rid of it."""
    why, percent = _WHY[converted.reason], round(100 * converted.price)
    costs_zh = f"，占用一个处理器核心的 {percent} %" if percent else ""
    costs_en = f", which takes {percent} % of a processor core" if percent else ""
    slow_zh = f"；服务器太慢，已略过 {converted.left_out} 帧" if converted.left_out else ""
    slow_en = (
        f"; it is too slow: {converted.left_out} pictures left out" if converted.left_out else ""
    )
    return Text(
        f"{why.zh}，由服务器重新编码{costs_zh}{slow_zh}。"
        "请在编码器上选择 H.264、逐行、不用 B 帧，即可省去。",
        f"{why.en}: the server encodes it again{costs_en}{slow_en}. "
        "Choose H.264, progressive, without B-frames on the encoder to save that.",
    )
