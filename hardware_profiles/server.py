"""A server's hardware profile: how many pumps it runs and how much it admits.

Owns the schema of `servers/*.toml` and the choice of a profile for a machine. Leaves reading
files to `loader`. Every key is described in `docs/hardware_profiles.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from hardware_profiles.model import ProfileModel, Title


class Machine(ProfileModel):
    """The least machine this profile is meant for; `auto` chooses by it."""

    cores: Annotated[int, Field(ge=1, le=1024)]
    memory_mib: Annotated[int, Field(ge=256, le=4_194_304)]


class PumpLayout(ProfileModel):
    """How the packet pumps are laid out: each is one native thread with its own UDP port."""

    pumps: Annotated[int, Field(ge=1, le=64)]


class Admit(ProfileModel):
    """What the server takes in; the next one is refused with a clear word, the others go on."""

    lessons: Annotated[int, Field(ge=1, le=10_000)]
    devices_per_lesson: Annotated[int, Field(ge=2, le=1_000)]
    producers_per_device: Annotated[int, Field(ge=2, le=16)] = 8
    encodings_per_producer: Annotated[int, Field(ge=1, le=3)] = 3
    pending_handshakes: Annotated[int, Field(ge=8, le=65_536)] = 256
    programs: Annotated[int, Field(ge=0, le=1_000)] = 0


class ProgramShape(ProfileModel):
    """The picture of lessons' programs: how high its largest layer is, how many a second."""

    height: Literal[360, 720, 1080] = 720
    frames_per_s: Literal[15, 25, 30] = 25


class ServerProfile(ProfileModel):
    """A kind of server."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]  # the file's name
    title_zh: Title
    title_en: Title
    description_zh: Annotated[str, Field(max_length=400)] = ""
    description_en: Annotated[str, Field(max_length=400)] = ""
    machine: Machine
    media: PumpLayout
    admit: Admit
    program: ProgramShape = ProgramShape()


def fitting_profile(
    profiles: Iterable[ServerProfile], *, cores: int, memory_mib: int
) -> ServerProfile:
    """The largest profile this machine carries; the smallest of all when none fits.

    Raises ValueError when `profiles` is empty.
    """

    def size(profile: ServerProfile) -> tuple[int, int]:
        return profile.machine.cores, profile.machine.memory_mib

    known = sorted(profiles, key=size)
    if not known:
        raise ValueError("no server profiles to choose from")
    fitting = [p for p in known if p.machine.cores <= cores and p.machine.memory_mib <= memory_mib]
    return fitting[-1] if fitting else known[0]
