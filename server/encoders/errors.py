"""What can be wrong with an encoder of others.

    EncoderFault    it cannot be used now; `message_en`, `message_zh` say why and what to do

No key, password or address is in any text.
"""

from __future__ import annotations

from signaling.protocol.refusals import REFUSALS


class EncoderFault(Exception):
    """Why an encoder's picture does not come, for the school's IT."""

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


def no_ffmpeg() -> EncoderFault:
    """The program that reads RTMP and SRT is not there."""
    return EncoderFault(
        "FFmpeg is not installed on the server; install it (Debian, Ubuntu: apt install ffmpeg).",
        "服务器上没有安装 FFmpeg；请安装（Debian、Ubuntu：apt install ffmpeg）。",
    )


def no_h264() -> EncoderFault:
    """Its picture is none that browsers show, nor one that is converted here."""
    return EncoderFault(
        "The encoder sends neither an H.264 nor an H.265 picture; choose H.264 on it.",
        "编码器发送的既不是 H.264 也不是 H.265 画面；请在编码器上选择 H.264。",
    )


def no_h264_by_rtmp() -> EncoderFault:
    """By RTMP nothing else has one name that all programs know (FFmpeg before 6.1 has none)."""
    return EncoderFault(
        "The encoder sends no H.264 picture; choose H.264 (not H.265 or AV1) on it. "
        "H.265 can come by SRT, and is then encoded again here.",
        "编码器发送的不是 H.264 画面；请在编码器上选择 H.264（不要选 H.265 或 AV1）。"
        "H.265 可以通过 SRT 发送，由服务器重新编码。",
    )


def not_read() -> EncoderFault:
    """FFmpeg has ended, for a reason that the log has."""
    return EncoderFault(
        "What the encoder sends cannot be read; it is tried again. The server's log says more.",
        "无法读取编码器发送的内容，正在重试。详情见服务器日志。",
    )


def refused_by_lesson(code: str) -> EncoderFault:
    """The lesson does not take it; `code` is a `LessonRefusal`'s."""
    if code == "source-not-allowed":
        return EncoderFault(
            "In a lesson of this kind the room does not send this picture, or only while it has "
            "the floor; for what should always be seen make a key of another picture, such as the "
            "pupils'.",
            "这种类型的课中，这间教室不发送这一路画面，或只在发言时发送；"
            "需要一直看到的，请为另一路（如“学生”）新建密钥。",
        )
    told = REFUSALS[code]
    return EncoderFault(told.en, told.zh)


def port_taken(port: int) -> EncoderFault:
    """Another program has the UDP port of an SRT key."""
    return EncoderFault(
        f"UDP port {port} is taken by another program; end it, or choose another srt_port.",
        f"UDP 端口 {port} 已被其他程序占用；请结束该程序，或更改设置 srt_port。",
    )
