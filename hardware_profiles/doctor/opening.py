"""A room profile's cameras, as the room agent opens them, to be tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hardware_profiles.camera import Camera
from hardware_profiles.room import RoomProfile, VideoSource
from hardware_profiles.room_agent.agent import _packet_sources, _target
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sources.devices import LocalDevice
from hardware_profiles.room_agent.sources.source import PacketSource


@dataclass(frozen=True, slots=True)
class OpenedStream:
    """One layer: what is asked for, and what gives it."""

    rid: str
    target: Target
    packets: PacketSource


@dataclass(frozen=True, slots=True)
class OpenedCamera:
    """One source of the room, its smallest layer first. `own_size`: the camera makes the layers."""

    source: str
    streams: tuple[OpenedStream, ...]
    own_size: bool


def open_cameras(
    profile: RoomProfile, passwords: Mapping[str, str], rng: Random
) -> list[OpenedCamera]:
    """None is asked for yet. Raises `ProfileError` for a password that the machine has not."""
    return [
        _opened(name, source, source.camera, passwords, rng)
        for name, source in profile.sources
        if source is not None and source.camera is not None
    ]


def open_found(number: int, device: str, source: VideoSource) -> OpenedCamera:
    """A camera of this machine, in the size that the source asks for."""
    target = _target(source, source.layers[-1])
    (packets,) = LocalDevice("usb", device, (target,)).layers
    stream = OpenedStream(source.layers[-1].rid, target, packets)
    return OpenedCamera(f"usb{number}", (stream,), own_size=False)


def _opened(
    name: str, source: VideoSource, camera: Camera, passwords: Mapping[str, str], rng: Random
) -> OpenedCamera:
    layers = {layer.rid: layer for layer in source.layers}
    order = list(layers)
    streams = sorted(camera.streams, key=lambda one: order.index(one.rid))
    targets = tuple(_target(source, layers[stream.rid]) for stream in streams)
    packets = _packet_sources(camera, streams, targets, passwords, rng, sound=None)
    opened = zip(streams, targets, packets, strict=True)
    return OpenedCamera(
        name,
        tuple(OpenedStream(stream.rid, target, one) for stream, target, one in opened),
        own_size=camera.kind == "rtsp",
    )
