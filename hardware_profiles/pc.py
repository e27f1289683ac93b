"""A room's PC: how large a picture it shows well, and how much it encodes at once.

Owns the schema of `pcs/*.toml` and what a PC lets a room send and be sent. Leaves reading files to
`loader`. What cameras on the network have encoded costs the PC nothing (`room_agent.passing`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hardware_profiles.model import ProfileModel, Title
from hardware_profiles.room import Layer, RoomProfile, Sources, VideoSource, sending_roles


class Decodes(ProfileModel):
    """What it shows of others."""

    # Lines of the largest picture it is sent. Several small ones cost no more than one large:
    # it is the size that an old machine stumbles over.
    largest_height: Annotated[int, Field(ge=180, le=2160)]


class Encodes(ProfileModel):
    """What it sends, in all layers of all sources that it encodes at the same time."""

    pixels_per_s: Annotated[int, Field(ge=500_000, le=4_000_000_000)]


class PcProfile(ProfileModel):
    """A kind of room PC."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]  # the file's name
    title_zh: Title
    title_en: Title
    description_zh: Annotated[str, Field(max_length=400)] = ""
    description_en: Annotated[str, Field(max_length=400)] = ""
    decode: Decodes
    encode: Encodes


def layer_pixels_per_s(source: VideoSource, layer: Layer) -> int:
    """What encoding one layer costs: its pixels times its pictures a second."""
    pixels = source.width * source.height / layer.scale_down_by**2
    return round(pixels * layer.max_frame_rate)


def encoded_pixels_per_s(profile: RoomProfile) -> int:
    """What the room encodes in the lesson that asks most of it. Screens count: they may be shared
    at any moment.
    """
    return max(
        sum(_cost(profile.source(name)) for name in profile.sends(mode, role))
        for mode, role in sending_roles()
    )


def on_pc(profile: RoomProfile, pc: PcProfile) -> RoomProfile:
    """The profile without the layers that are too much for the PC, the costliest first.

    The smallest layer of each picture stays: whether these are too much is the loader's to tell.
    """
    while encoded_pixels_per_s(profile) > pc.encode.pixels_per_s:
        lesser = _without_the_costliest(profile)
        if lesser is None:
            break
        profile = lesser
    shown = min(profile.largest_shown or pc.decode.largest_height, pc.decode.largest_height)
    return profile.model_copy(update={"largest_shown": shown})


def _without_the_costliest(profile: RoomProfile) -> RoomProfile | None:
    """One layer less; None when every picture has only its smallest left."""
    found = [
        (layer_pixels_per_s(source, source.layers[-1]), name)
        for name, source in profile.sources
        if source is not None and source.camera is None and len(source.layers) > 1
    ]
    if not found:
        return None
    _, name = max(found)
    source: VideoSource = getattr(profile.sources, name)
    smaller = source.model_copy(update={"layers": source.layers[:-1]})
    sources: Sources = profile.sources.model_copy(update={name: smaller})
    return profile.model_copy(update={"sources": sources})


def _cost(source: VideoSource | None) -> int:
    """What comes encoded from a camera on the network is passed on as it is."""
    if source is None or (source.camera is not None and source.camera.kind == "rtsp"):
        return 0
    return sum(layer_pixels_per_s(source, layer) for layer in source.layers)
