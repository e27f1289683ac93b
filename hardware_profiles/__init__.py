"""What rooms and servers are made of: profiles that decide what a room sends and a server admits.

The profiles are TOML files, ours in `rooms/`, `pcs/`, `links/` and `servers/`, the user's in a
folder of the same shape. The profiles know nothing of lessons in progress: they are plain values,
and the server puts them into the words of the lesson protocol and the media core.

`room_agent` is the program that runs in a room and sends what its profile's cameras see.
"""

from __future__ import annotations

from hardware_profiles.camera import Camera, CameraStream
from hardware_profiles.errors import ProfileError, ProfileNotFound, ProfileRefused
from hardware_profiles.link import LinkProfile
from hardware_profiles.loader import (
    count_own,
    find_problems,
    list_link_profiles,
    list_pc_profiles,
    list_room_profiles,
    list_server_profiles,
    load_link_profile,
    load_pc_profile,
    load_room_profile,
    load_server_profile,
)
from hardware_profiles.pc import PcProfile
from hardware_profiles.room import Layer, RoomProfile, Sound, VideoSource
from hardware_profiles.server import ServerProfile, fitting_profile

__all__ = [
    "Camera",
    "CameraStream",
    "Layer",
    "LinkProfile",
    "PcProfile",
    "ProfileError",
    "ProfileNotFound",
    "ProfileRefused",
    "RoomProfile",
    "ServerProfile",
    "Sound",
    "VideoSource",
    "count_own",
    "find_problems",
    "fitting_profile",
    "list_link_profiles",
    "list_pc_profiles",
    "list_room_profiles",
    "list_server_profiles",
    "load_link_profile",
    "load_pc_profile",
    "load_room_profile",
    "load_server_profile",
]
