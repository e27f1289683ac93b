"""Puts hardware profiles into the words of the lesson protocol and the media core.

Owns the conversion and nothing else: the profiles' schema and files are `hardware_profiles`', what
a device does with its `SendProfile` is the device's, what the node does with its limits the node's.
"""

from __future__ import annotations

from hardware_profiles import Layer, RoomProfile, ServerProfile, VideoSource
from mixer.model import NodeLimits
from signaling.protocol.messages import (
    EncodingProfile,
    Mode,
    Role,
    SendProfile,
    SoundProfile,
    Source,
    SourceProfile,
)


def send_profile(profile: RoomProfile, mode: Mode, role: Role) -> SendProfile:
    """What a seat with this hardware sends in a lesson of this mode: sound first, then pictures.

    An observer sends nothing.
    """
    pictures = profile.sends(mode.value, role.value)
    if role is Role.OBSERVER:
        return SendProfile(name=profile.name, sources=[])
    sources = [_sound(profile)]
    for name in pictures:
        picture = profile.source(name)
        if picture is not None:
            sources.append(_picture(Source(name), picture))
    return SendProfile(
        name=profile.name,
        sources=sources,
        receives=profile.receives,
        largest_shown=profile.largest_shown,
    )


def node_limits(profile: ServerProfile) -> NodeLimits:
    """What a node on this hardware admits."""
    admit = profile.admit
    return NodeLimits(
        lessons=admit.lessons,
        devices_per_lesson=admit.devices_per_lesson,
        producers_per_device=admit.producers_per_device,
        encodings_per_producer=admit.encodings_per_producer,
        pending_handshakes=admit.pending_handshakes,
    )


def _sound(profile: RoomProfile) -> SourceProfile:
    sound = profile.sound
    return SourceProfile(
        source=Source.ROOM,
        codec="opus",
        max_bitrate_bps=sound.max_bitrate_bps,
        sound=SoundProfile(
            channels=sound.channels,
            echo_cancellation=sound.echo_cancellation,
            noise_suppression=sound.noise_suppression,
            auto_gain_control=sound.auto_gain_control,
        ),
    )


def _picture(source: Source, picture: VideoSource) -> SourceProfile:
    return SourceProfile(
        source=source,
        width=picture.width,
        height=picture.height,
        frame_rate=picture.frame_rate,
        codec=picture.codec,
        encodings=[_encoding(layer) for layer in picture.layers],
        max_bitrate_bps=picture.max_bitrate_bps,
        from_network=picture.camera is not None,
    )


def _encoding(layer: Layer) -> EncodingProfile:
    return EncodingProfile(
        rid=layer.rid,
        scale_down_by=layer.scale_down_by,
        max_bitrate_bps=layer.max_bitrate_bps,
        max_frame_rate=layer.max_frame_rate,
    )
