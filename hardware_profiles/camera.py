"""Where a picture comes from when no browser takes it: a camera in the room's own network, or a
device of the room's machine.

Owns the schema of a source's `camera`. A password never stands in a profile, which is copied and
shown: the profile names it, the room's machine keeps it (`room_agent.passwords`).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hardware_profiles.model import ProfileModel, rule_broken

# `usb` is a camera on the machine, `screen` its X11 screen, `file` a film in a loop, `pattern` a
# test picture.
Kind = Literal["rtsp", "usb", "screen", "file", "pattern"]


class CameraStream(ProfileModel):
    """One stream of a camera, sent as the layer `rid`: its main stream, or its sub stream.

    Only network cameras have an address; of other devices each stream is made here.
    """

    rid: Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")]
    url: Annotated[str, Field(max_length=1_000)] = ""

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        if not self.url:
            return self
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
    """A network camera: its streams, and who it is told to be asked by. Or a device by its name."""

    kind: Kind = "rtsp"
    device: Annotated[str, Field(max_length=400)] = ""
    transport: Literal["tcp", "udp"] = "tcp"
    user: Annotated[str, Field(max_length=100)] = ""
    password: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$")] = ""  # its name, not itself
    onvif: Annotated[str, Field(max_length=1_000)] = ""
    streams: Annotated[tuple[CameraStream, ...], Field(min_length=1, max_length=3)]

    @model_validator(mode="after")
    def _each_layer_once(self) -> Self:
        if len({stream.rid for stream in self.streams}) < len(self.streams):
            raise rule_broken("two streams have the same rid", "有两路码流的 rid 相同", "streams")
        return self

    @model_validator(mode="after")
    def _onvif_is_an_address(self) -> Self:
        if not self.onvif:
            return self
        try:
            parts = urlsplit(self.onvif)
            usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or "@" in self.onvif or not self.onvif.isprintable() or " " in self.onvif:
            raise rule_broken(
                "is no ONVIF address; write it as http://192.168.1.64/onvif/device_service, "
                "without user and password",
                "不是 ONVIF 地址；请写成 http://192.168.1.64/onvif/device_service，不写用户名和密码",
                "onvif",
            )
        if self.kind != "rtsp":
            raise rule_broken(
                "only a network camera has one; remove this key",
                "只有网络摄像机才有；请删去这一项",
                "onvif",
            )
        return self

    @model_validator(mode="after")
    def _names_what_its_kind_has(self) -> Self:
        network = self.kind == "rtsp"
        for place, stream in enumerate(self.streams):
            if bool(stream.url) != network:
                raise rule_broken(
                    "is missing: a network camera's stream has an address"
                    if network
                    else "only a network camera's stream has an address; remove this key",
                    "缺少：网络摄像机的码流须有地址"
                    if network
                    else "只有网络摄像机的码流有地址；请删去这一项",
                    "streams",
                    place,
                    "url",
                )
        if bool(self.device) != (self.kind in ("usb", "screen", "file")):
            raise rule_broken(
                "names the USB camera, screen or file, and nothing else has it",
                "写明 USB 摄像头、屏幕或文件；其他类型不写这一项",
                "device",
            )
        return self
