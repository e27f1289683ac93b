"""The names of what is looked at, in both languages."""

from __future__ import annotations

from hardware_profiles.doctor.findings import Both

SOURCES = {
    "teacher": Both(zh="教师摄像机", en="Teacher's camera"),
    "students": Both(zh="学生摄像机", en="Pupils' camera"),
    "board": Both(zh="板书摄像机", en="Board camera"),
    "screen": Both(zh="屏幕", en="Screen"),
}
MICROPHONE = Both(zh="麦克风", en="Microphone")
SPEAKER = Both(zh="扬声器", en="Loudspeaker")
LOOP = Both(zh="说话与回声", en="Speech and echo")
DECODING = Both(zh="播放画面的能力", en="Showing pictures")
ENCODING = Both(zh="压缩画面的能力", en="Encoding pictures")
CAMERAS = Both(zh="摄像头", en="Cameras")
SERVER = Both(zh="服务器", en="Server")
LINE = Both(zh="到服务器的线路", en="Line to the server")
UDP = Both(zh="音视频（UDP）", en="Media by UDP")
TCP = Both(zh="音视频（TCP）", en="Media by TCP")
TURN = Both(zh="中继（TURN）", en="Relay (TURN)")
CLOCK = Both(zh="时钟", en="Clock")
DISK = Both(zh="磁盘", en="Disk")
MEMORY = Both(zh="内存", en="Memory")
MACHINE = Both(zh="这台电脑", en="This machine")
CAPACITY = Both(zh="可承担的课", en="Lessons it carries")
PORTS = Both(zh="端口", en="Ports")
CERTIFICATE = Both(zh="证书", en="Certificate")
DATABASE = Both(zh="数据库", en="Database")


# Of the pictures of one camera, by the names that profiles give them.
_LAYERS = {
    "q": Both(zh="小画面", en="small picture"),
    "h": Both(zh="中画面", en="medium picture"),
    "f": Both(zh="大画面", en="large picture"),
}


def layer_name(layer: str) -> Both:
    """A layer as people call it; one with another name keeps it."""
    return _LAYERS.get(layer) or Both(zh=layer, en=layer)


def camera_name(source: str, layer: str) -> Both:
    """A layer of a source, as people call it; `usb1` is this machine's first camera."""
    number = source.removeprefix("usb")
    name = SOURCES.get(source) or Both(zh=f"USB 摄像头 {number}", en=f"USB camera {number}")
    if source not in SOURCES:
        return name
    which = layer_name(layer)
    return Both(zh=f"{name.zh}（{which.zh}）", en=f"{name.en} ({which.en})")
