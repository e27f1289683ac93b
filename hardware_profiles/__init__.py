"""What rooms and servers are made of: profiles that decide what a room sends and a server admits.

The profiles are TOML files, ours in `rooms/` and `servers/`, the user's in a folder of the same
shape. This package knows nothing of lessons in progress: it gives plain values, and the server
puts them into the words of the lesson protocol and the media core.
"""

from __future__ import annotations

from hardware_profiles.errors import ProfileError, ProfileNotFound, ProfileRefused
from hardware_profiles.loader import (
    find_problems,
    list_room_profiles,
    list_server_profiles,
    load_room_profile,
    load_server_profile,
)
from hardware_profiles.room import Layer, RoomProfile, Sound, VideoSource
from hardware_profiles.server import ServerProfile, fitting_profile

__all__ = [
    "Layer",
    "ProfileError",
    "ProfileNotFound",
    "ProfileRefused",
    "RoomProfile",
    "ServerProfile",
    "Sound",
    "VideoSource",
    "find_problems",
    "fitting_profile",
    "list_room_profiles",
    "list_server_profiles",
    "load_room_profile",
    "load_server_profile",
]
