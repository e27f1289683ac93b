"""Where a picture comes from when no browser takes it: a camera in the room's own network.

Owns the schema of a source's `camera`. A password never stands in a profile, which is copied and
shown: the profile names it, the room's machine keeps it (`room_agent.passwords`).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hardware_profiles.model import ProfileModel, rule_broken

Kind = Literal["rtsp"]


class CameraStream(ProfileModel):
    """One stream of a camera, sent as the layer `rid`: its main stream, or its sub stream."""

    rid: Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")]
    url: Annotated[str, Field(min_length=1, max_length=1_000)]

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        # The text is never quoted: it may hold a password, though it must not.
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme == "rtsp" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not self.url.isprintable() or " " in self.url:
            raise rule_broken(
                "is no camera's address; write it as rtsp://192.168.1.64:554/main",
                "不是摄像机地址；请写成 rtsp://192.168.1.64:554/main",
                "url",
            )
        if "@" in parts.netloc:
            raise rule_broken(
                "an address holds no user and password; write user = and password =, the name "
                "under which the room's machine keeps the password",
                "地址中不得写用户名和密码；请用 user = 和 password =，"
                "后者是本机保存该密码所用的名称",
                "url",
            )
        return self


class Camera(ProfileModel):
    """A network camera: its streams, and who it is told to be asked by."""

    kind: Kind = "rtsp"
    transport: Literal["tcp", "udp"] = "tcp"
    user: Annotated[str, Field(max_length=100)] = ""
    password: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$")] = ""  # its name, not itself
    streams: Annotated[tuple[CameraStream, ...], Field(min_length=1, max_length=3)]

    @model_validator(mode="after")
    def _each_layer_once(self) -> Self:
        if len({stream.rid for stream in self.streams}) < len(self.streams):
            raise rule_broken("two streams have the same rid", "有两路码流的 rid 相同", "streams")
        return self
