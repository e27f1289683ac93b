"""A room's line: how much goes up and down, and how long it takes.

Owns the schema of `links/*.toml` and what a line lets a room send. Leaves reading files to
`loader`. What really goes through is measured in the lesson; this is what can be known before it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hardware_profiles.model import ProfileModel, Title
from hardware_profiles.room import RoomProfile, VideoSource, sending_roles


class Line(ProfileModel):
    """What the line carries when nobody else uses it."""

    up_bps: Annotated[int, Field(ge=30_000, le=10_000_000_000)]
    down_bps: Annotated[int, Field(ge=30_000, le=10_000_000_000)]
    delay_ms: Annotated[int, Field(ge=0, le=5_000)] = 0
    # How much of it a lesson may take: the rest of a shared line is for those who share it.
    share: Annotated[float, Field(ge=0.1, le=1)] = 0.8


class LinkProfile(ProfileModel):
    """A kind of line."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]  # the file's name
    title_zh: Title
    title_en: Title
    description_zh: Annotated[str, Field(max_length=400)] = ""
    description_en: Annotated[str, Field(max_length=400)] = ""
    line: Line

    @property
    def lesson_up_bps(self) -> int:
        """What a lesson may send over it."""
        return int(self.line.up_bps * self.line.share)

    @property
    def lesson_down_bps(self) -> int:
        """What a lesson may bring over it."""
        return int(self.line.down_bps * self.line.share)


# The standard room's large picture and three small ones, with their sounds. On less the others'
# pictures come small or not at all, and the program is one that comes whole.
PICTURES_BPS = 1_700_000 + 3 * 150_000 + 4 * 40_000


def least_bitrate_bps(profile: RoomProfile) -> int:
    """What a room sends at the least, in the lesson that asks most of it: its sound, and of every
    picture the smallest layer. Screens count: they may be shared at any moment.
    """
    pictures = [
        sum(_least(profile.source(name)) for name in profile.sends(mode, role))
        for mode, role in sending_roles()
    ]
    return profile.sound.max_bitrate_bps + max(pictures)


def on_line(profile: RoomProfile, link: LinkProfile) -> RoomProfile:
    """The profile without the layers that the line could not carry even alone; and where the line
    does not bring the others' pictures, it may have the program for them.

    The smallest layer of each picture stays: whether these go at all is `least_bitrate_bps`'.
    """
    sources = profile.sources.model_copy(
        update={
            name: _fitted(source, link.lesson_up_bps)
            for name, source in profile.sources
            if source is not None
        }
    )
    thin = profile.receives == "pictures" and link.lesson_down_bps < PICTURES_BPS
    receives = "either" if thin else profile.receives
    return profile.model_copy(update={"sources": sources, "receives": receives})


def _fitted(source: VideoSource, most_bps: int) -> VideoSource:
    least = _smallest_sent(source)
    layers = tuple(
        layer
        for place, layer in enumerate(source.layers)
        if place <= least or layer.max_bitrate_bps <= most_bps
    )
    return source.model_copy(update={"layers": layers, "camera": source.camera_of(layers)})


def _least(source: VideoSource | None) -> int:
    return source.layers[_smallest_sent(source)].max_bitrate_bps if source is not None else 0


def _smallest_sent(source: VideoSource) -> int:
    """The place of the smallest layer there is: a camera gives its streams and no other."""
    if source.camera is None:
        return 0
    given = {stream.rid for stream in source.camera.streams}
    return next(place for place, layer in enumerate(source.layers) if layer.rid in given)
