"""What can go wrong with a source of pictures.

    SourceError
    ├── RtspError      a network camera (`sources.rtsp.errors`)
    ├── NotConverted   its pictures cannot be decoded and encoded here
    ├── OwnFault       this program itself failed with its pictures
    ├── DeviceFailed   a camera, screen or film of this machine cannot be read
    └── SoundFailed    a microphone or loudspeaker cannot be used

Every error says in both languages what to do.
"""

from __future__ import annotations

import sys


class SourceError(Exception):
    """A source cannot be used (now). `message_en` and `message_zh` say why and what to do."""

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


class NotConverted(SourceError):
    """The child that decodes and encodes ended, or does not answer; `word` says why."""

    def __init__(self, word: str) -> None:
        english, chinese = _CHILDREN.get(word, _CHILDREN["ended"])
        super().__init__(
            f"this machine fails to convert the camera's picture: {english}; it is tried again. "
            "Better set the camera to H.264 without B-frames, progressive",
            f"本机转换摄像机画面失败：{chinese}，将重试。建议把摄像机改为 H.264、逐行、不用 B 帧",
        )


class OwnFault(SourceError):
    """What the pictures are given to has failed: our fault, neither the camera's nor its child's.

    The kind of the exception is told, its text not: that may quote what nobody shall read.
    """

    def __init__(self, cause: Exception) -> None:
        kind = type(cause).__name__
        super().__init__(
            f"this program failed to send the picture on ({kind}); it is tried again. "
            "Its log says where: please tell the makers",
            f"本程序转发画面时出错（{kind}），将重试。日志中有详情，请告知开发者",
        )


class DeviceFailed(SourceError):
    """A device of this machine cannot be read; it is asked for again."""

    def __init__(self, word: str) -> None:
        english, chinese = _DEVICES.get(word, _DEVICES["lost"])
        super().__init__(english, chinese)


class SoundFailed(SourceError):
    """A microphone or loudspeaker cannot be used; it is asked for again."""

    def __init__(self, word: str) -> None:
        english, chinese = _SOUNDS.get(word, _SOUNDS["lost"])
        super().__init__(english, chinese)
        self.word = word


_SOUNDS = {
    "missing": (
        "it is not there: plug it in, or check its name in the profile (arecord -L)",
        "没有找到：请插好，或核对配置中的名称（arecord -L）",
    ),
    "ambiguous": (
        "more than one sound card has this name: write more of it in the profile",
        "有多个声卡符合此名称；请在配置中写得更完整",
    ),
    "busy": (
        "another program uses it; close that program",
        "正被其他程序使用；请关闭那个程序",
    ),
    "forbidden": (
        "this program may not open it: put its user into the group audio",
        "本程序无权打开；请把其用户加入 audio 组",
    ),
    "format": (
        "it gives no sound of a kind that is known here (16 bits, 1 to 8 channels)",
        "其声音格式不受支持（须为 16 位、1 至 8 声道）",
    ),
    "hangs": (
        "it is there and gives nothing at all: unplug it and plug it in again",
        "设备在，却没有任何数据；请拔下后重新插上",
    ),
    "lost": (
        "it has stopped: check its cable",
        "已停止；请检查连接线",
    ),
    "camera": (
        "the camera sends no sound: switch its microphone on, as AAC or G.711, on its own page",
        "摄像机没有发送声音；请在摄像机网页上打开麦克风，编码选 AAC 或 G.711",
    ),
    "no-alsa": (
        "this machine has no ALSA; install libasound2",
        "本机没有 ALSA；请安装 libasound2",
    ),
    "no-opus": (
        "this machine has no Opus; install libopus0",
        "本机没有 Opus；请安装 libopus0",
    ),
    "no-processing": (
        f"echo cancellation is not installed: {sys.prefix}/bin/pip install pywebrtc-audio",
        f"没有安装回声消除；请运行 {sys.prefix}/bin/pip install pywebrtc-audio",
    ),
}

_CHILDREN = {
    "start": ("its process cannot be started", "无法启动转换进程"),
    "silent": ("its process does not answer", "转换进程没有响应"),
    "killed": (
        "the system has ended its process (is there too little memory?)",
        "转换进程被系统终止（内存是否不足？）",
    ),
    "crashed": ("a picture has crashed its process", "某帧画面使转换进程崩溃"),
    "codec": ("the picture's codec is not known here", "不认识这种视频编码"),
    "ended": ("its process has ended by itself", "转换进程自行结束"),
}

_DEVICES = {
    "missing": (
        "it is not there: plug the camera in, or check its name in the profile (ls /dev/v4l/by-id)",
        "没有找到：请插上摄像头，或核对配置中的名称（ls /dev/v4l/by-id）",
    ),
    "busy": (
        "another program uses it; close that program",
        "正被其他程序使用；请关闭那个程序",
    ),
    "forbidden": (
        "this program may not open it: put its user into the group video",
        "本程序无权打开；请把其用户加入 video 组",
    ),
    "format": (
        "it gives no picture of a kind that is known here",
        "其画面格式不受支持",
    ),
    "lost": (
        "it has stopped: check its cable",
        "已停止；请检查连接线",
    ),
}
