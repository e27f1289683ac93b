"""What can go wrong with a source of pictures.

    SourceError
    ├── RtspError      a network camera (`sources.rtsp.errors`)
    └── NotConverted   its pictures cannot be decoded and encoded here

Every error says in both languages what to do.
"""

from __future__ import annotations


class SourceError(Exception):
    """A source cannot be used (now). `message_en` and `message_zh` say why and what to do."""

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


class NotConverted(SourceError):  # noqa: N818 - named as what was found
    """The child that decodes and encodes ended, or does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "this machine fails to convert the camera's picture; it is tried again. Better set the "
            "camera to H.264 without B-frames, progressive",
            "本机转换摄像机画面失败，将重试。建议把摄像机改为 H.264、逐行、不用 B 帧",
        )
