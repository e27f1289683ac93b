"""What a room sends by mode and role, and which server profile a machine gets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from hardware_profiles import (
    LinkProfile,
    PcProfile,
    RoomProfile,
    ServerProfile,
    fitting_profile,
    list_link_profiles,
    list_pc_profiles,
    list_room_profiles,
    list_server_profiles,
    load_room_profile,
    load_server_profile,
)
from hardware_profiles.room import VIDEO_SOURCES
from hardware_profiles.room import Mode as ProfileMode
from hardware_profiles.room import Role as ProfileRole
from mixer.model import NodeLimits
from server.lessons.profiles import node_limits, send_profile
from signaling.protocol.messages import EncodingProfile, Mode, Role, Source

DOCS = Path(__file__).parents[3] / "docs" / "hardware_profiles.md"


@pytest.mark.parametrize(
    ("profile", "mode", "role", "sources"),
    [
        ("standard", "delivery", "lead", ("teacher", "screen")),
        ("standard", "delivery", "room", ("students",)),
        ("standard", "blended", "lead", ("teacher", "students", "screen")),
        ("standard", "blended", "room", ("students", "teacher", "screen")),
        ("standard", "research", "room", ("teacher", "screen")),
        ("recording-room", "blended", "lead", ("teacher", "students", "board", "screen")),
        ("recording-room", "delivery", "lead", ("teacher", "students", "board", "screen")),
        ("old-pc", "research", "room", ("students", "screen")),  # the one camera it has
        ("teacher-laptop", "delivery", "room", ("teacher",)),
        ("tablet", "blended", "assistant", ("students",)),
        ("audio-only", "blended", "lead", ()),
        ("recording-room", "blended", "observer", ()),
    ],
)
def test_what_a_seat_sends(
    profile: str, mode: ProfileMode, role: ProfileRole, sources: tuple[str, ...]
) -> None:
    assert load_room_profile(profile).sends(mode, role) == sources


def test_a_profile_may_say_it_otherwise() -> None:
    text = load_room_profile("standard").model_dump()
    text["send"]["delivery"]["room"] = ()
    quiet = RoomProfile.model_validate(text)
    assert quiet.sends("delivery", "room") == ()
    assert quiet.sends("blended", "room") == ("students", "teacher", "screen")


def test_modes_roles_and_sources_are_those_of_the_lesson_protocol() -> None:
    assert set(get_args(ProfileMode)) == {mode.value for mode in Mode}
    assert set(get_args(ProfileRole)) == {role.value for role in Role}
    assert {*VIDEO_SOURCES, "room"} == {source.value for source in Source}


def test_the_send_profile_carries_the_files_numbers() -> None:
    sent = send_profile(load_room_profile("old-pc"), Mode.DELIVERY, Role.ROOM)
    sound, students = sent.sources
    assert sent.name == "old-pc"
    assert (sound.source, sound.codec, sound.max_bitrate_bps) == (Source.ROOM, "opus", 24_000)
    assert sound.sound is not None and sound.sound.echo_cancellation
    assert (students.source, students.width, students.height) == (Source.STUDENTS, 640, 360)
    assert (students.codec, students.frame_rate, students.sound) == ("H264", 15, None)
    assert students.max_bitrate_bps == 500_000
    assert students.encodings[0] == EncodingProfile(
        rid="q", scale_down_by=2, max_bitrate_bps=100_000, max_frame_rate=10
    )


def test_every_profile_converts_for_every_mode_and_role() -> None:
    for profile in list_room_profiles():
        for mode in Mode:
            for role in Role:
                sent = send_profile(profile, mode, role)
                assert (sent.sources == []) == (role is Role.OBSERVER)


def test_a_server_profile_decides_what_the_node_admits() -> None:
    limits = node_limits(load_server_profile("small"))
    assert limits == NodeLimits(
        lessons=6,
        devices_per_lesson=24,
        producers_per_device=6,
        encodings_per_producer=3,
        pending_handshakes=64,
    )


@pytest.mark.parametrize(
    ("cores", "memory_mib", "name"),
    [(1, 512, "tiny"), (2, 4_000, "small"), (4, 24_000, "medium"), (64, 4_000, "small")],
)
def test_the_largest_profile_the_machine_carries(cores: int, memory_mib: int, name: str) -> None:
    profiles = list_server_profiles()
    assert fitting_profile(profiles, cores=cores, memory_mib=memory_mib).name == name
    with pytest.raises(ValueError, match="no server profiles"):
        fitting_profile([], cores=cores, memory_mib=memory_mib)


def documented_keys(section: str) -> set[str]:
    text = DOCS.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def model_keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = next(
            (k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)),
            None,
        )
        keys.add(prefix + name)
        if inner is not None:
            below = prefix + ("*" if prefix in ("sources.", "send.") else name) + "."
            keys |= model_keys(inner, below)
    return keys


def test_the_page_documents_every_key_and_no_other() -> None:
    tables = {"name", "sound", "sources", "send", "machine", "media", "admit", "program", "line"}
    tables |= {"decode", "encode"}
    for section, model, profiles in (
        ("Lines", LinkProfile, list_link_profiles()),
        ("Rooms", RoomProfile, list_room_profiles()),
        ("Room PCs", PcProfile, list_pc_profiles()),
        ("Servers", ServerProfile, list_server_profiles()),
    ):
        known = {profile.name for profile in profiles}
        modes = {mode.value for mode in Mode}
        assert documented_keys(section) - modes == model_keys(model) - tables | known
