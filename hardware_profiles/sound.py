"""Who takes and plays a room's sound when no browser does: the room agent's microphone and
loudspeaker.

Owns the schema of `sound.microphone` and `sound.loudspeaker`. An echo can be taken out only where
what is played is known: so either the room's own sound processor does it, or the agent plays too.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hardware_profiles.model import ProfileModel, rule_broken

# As ALSA names it, a part of a card's name, or `default`.
DeviceName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class Microphone(ProfileModel):
    """A sound device of the agent's machine, or the sound track of one of the room's cameras."""

    kind: Literal["alsa", "camera"] = "alsa"
    device: DeviceName | None = None
    camera: Literal["teacher", "students", "board", "screen"] | None = None
    # Whether the room's page opens its own microphone when this one is lost.
    page_takes_over: bool = True

    @model_validator(mode="after")
    def _names_what_its_kind_has(self) -> Self:
        if (self.device is not None) != (self.kind == "alsa"):
            raise rule_broken(
                'names the machine\'s sound device, for kind "alsa" alone (arecord -L)',
                '写明本机声音设备的名称，仅用于 kind = "alsa"（arecord -L 可列出）',
                "device",
            )
        if (self.camera is not None) != (self.kind == "camera"):
            raise rule_broken(
                'names the source whose camera has the microphone, for kind "camera" alone',
                '写明带麦克风的摄像机所属画面，仅用于 kind = "camera"',
                "camera",
            )
        return self


class Loudspeaker(ProfileModel):
    """A sound device of the agent's machine that plays the other rooms."""

    device: DeviceName = "default"
