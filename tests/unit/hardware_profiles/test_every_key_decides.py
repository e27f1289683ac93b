"""No key of a profile is dead: with each of them changed, something else is sent, shown, admitted,
opened, judged or told.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from hardware_profiles import (
    LinkProfile,
    PcProfile,
    RoomProfile,
    ServerProfile,
    fitting_profile,
    load_link_profile,
    load_pc_profile,
    load_room_profile,
    load_server_profile,
)
from hardware_profiles.doctor.line import MeasuredLine, judge_line
from hardware_profiles.doctor.opening import open_cameras
from hardware_profiles.room_agent.agent import _cameras, _sound
from hardware_profiles.room_agent.sources.devices import DeviceLayer
from server.lessons.profiles import node_limits, send_profile
from server.node.hardware import first_layout
from signaling.protocol.messages import Mode, Role

TITLES = 'title_zh = "甲"\ntitle_en = "A"\ndescription_zh = "乙"\ndescription_en = "B"\n'
ROOM = (
    TITLES
    + """\
receives = "pictures"
largest_shown = 720
layout = "wall"
pc = "ours"
link = "ours"
sound = { max_bitrate_bps = 32_000, channels = 1, echo_cancellation = true, \
noise_suppression = true, auto_gain_control = true, \
microphone = { device = "Yeti" }, loudspeaker = { device = "Jabra" } }
[sources.teacher]
width = 1280
height = 720
frame_rate = 25
codec = "H264"
layers = [
  { rid = "q", scale_down_by = 4, max_bitrate_bps = 150_000, max_frame_rate = 15 },
  { rid = "f", scale_down_by = 1, max_bitrate_bps = 1_700_000, max_frame_rate = 25 },
]
[sources.students]
width = 640
height = 360
frame_rate = 15
layers = [
  { rid = "q", scale_down_by = 2, max_bitrate_bps = 100_000, max_frame_rate = 15 },
  { rid = "f", scale_down_by = 1, max_bitrate_bps = 400_000, max_frame_rate = 15 },
]
[sources.students.camera]
kind = "rtsp"
transport = "tcp"
user = "admin"
password = "front"
streams = [{ rid = "f", url = "rtsp://192.0.2.1/main" }]
[sources.board]
width = 640
height = 360
frame_rate = 5
layers = [{ rid = "f", scale_down_by = 1, max_bitrate_bps = 100_000, max_frame_rate = 5 }]
camera = { kind = "usb", device = "7F3A", streams = [{ rid = "f" }] }
[sources.screen]
width = 960
height = 540
frame_rate = 5
layers = [{ rid = "f", scale_down_by = 1, max_bitrate_bps = 300_000, max_frame_rate = 5 }]
[send.blended]
lead = ["teacher", "screen"]
room = ["teacher"]
assistant = ["teacher"]
[send.delivery]
lead = ["teacher"]
[send.research]
lead = ["teacher"]
"""
)
PC = TITLES + "decode = { largest_height = 1080 }\nencode = { pixels_per_s = 200_000_000 }\n"
LINK = TITLES + "line = { up_bps = 5_000_000, down_bps = 9_000_000, delay_ms = 40, share = 0.8 }\n"
SERVER = (
    TITLES
    + """\
machine = { cores = 4, memory_mib = 7000 }
media = { pumps = 2 }
[admit]
lessons = 20
devices_per_lesson = 64
producers_per_device = 8
encodings_per_producer = 3
pending_handshakes = 256
programs = 6
[program]
height = 720
frames_per_s = 25
"""
)

LEFT_OUT = object()
# Key, where it stands ("0" is a list's first), and what stands there instead.
TOLD = [(key, key, "丙") for key in ("title_zh", "title_en", "description_zh", "description_en")]
ROOM_CHANGES: list[tuple[str, str, Any]] = [
    *TOLD,
    ("receives", "receives", "program"),
    ("largest_shown", "largest_shown", 360),
    ("layout", "layout", "screen"),
    ("pc", "pc", "small"),
    ("link", "link", "thin"),
    ("sound.max_bitrate_bps", "sound.max_bitrate_bps", 24_000),
    ("sound.channels", "sound.channels", 2),
    ("sound.echo_cancellation", "sound.echo_cancellation", False),
    ("sound.noise_suppression", "sound.noise_suppression", False),
    ("sound.auto_gain_control", "sound.auto_gain_control", False),
    ("sound.microphone", "sound", {"max_bitrate_bps": 32_000}),
    ("sound.microphone.kind", "sound.microphone", {"kind": "camera", "camera": "students"}),
    ("sound.microphone.device", "sound.microphone.device", "Blue"),
    ("sound.microphone.camera", "sound.microphone", {"kind": "camera", "camera": "students"}),
    ("sound.microphone.page_takes_over", "sound.microphone.page_takes_over", False),
    ("sound.loudspeaker", "sound.loudspeaker.device", "Blue"),
    ("sound.loudspeaker.device", "sound.loudspeaker.device", "Blue"),
    ("sources.teacher", "sources.teacher.width", 960),
    ("sources.students", "sources.students", LEFT_OUT),
    ("sources.board", "sources.board", LEFT_OUT),
    ("sources.screen", "sources.screen.width", 640),
    ("sources.*.width", "sources.teacher.width", 960),
    ("sources.*.height", "sources.teacher.height", 540),
    ("sources.*.frame_rate", "sources.teacher.frame_rate", 30),
    ("sources.*.codec", "sources.teacher.codec", "VP8"),
    ("sources.*.layers", "sources.teacher.layers.1", LEFT_OUT),
    ("sources.*.layers.rid", "sources.teacher.layers.0.rid", "s"),
    ("sources.*.layers.scale_down_by", "sources.teacher.layers.0.scale_down_by", 2),
    ("sources.*.layers.max_bitrate_bps", "sources.teacher.layers.0.max_bitrate_bps", 90_000),
    ("sources.*.layers.max_frame_rate", "sources.teacher.layers.0.max_frame_rate", 10),
    ("sources.*.camera", "sources.board.camera", LEFT_OUT),
    ("sources.*.camera.kind", "sources.board.camera.kind", "file"),
    ("sources.*.camera.device", "sources.board.camera.device", "9B11"),
    ("sources.*.camera.transport", "sources.students.camera.transport", "udp"),
    ("sources.*.camera.user", "sources.students.camera.user", "viewer"),
    ("sources.*.camera.password", "sources.students.camera.password", "back"),
    ("sources.*.camera.onvif", "sources.students.camera.onvif", "http://192.0.2.1/onvif"),
    ("sources.*.camera.streams", "sources.students.camera.streams.1",
     {"rid": "q", "url": "rtsp://192.0.2.1/sub"}),
    ("sources.*.camera.streams.rid", "sources.students.camera.streams.0.rid", "q"),
    ("sources.*.camera.streams.url", "sources.students.camera.streams.0.url", "rtsp://192.0.2.2/"),
    ("send.blended", "send.blended.lead", ["screen"]),
    ("send.delivery", "send.delivery.lead", ["screen"]),
    ("send.research", "send.research.lead", ["screen"]),
    ("send.*.lead", "send.blended.lead", ["screen"]),
    ("send.*.room", "send.blended.room", []),
    ("send.*.assistant", "send.blended.assistant", []),
]  # fmt: skip
PC_CHANGES: list[tuple[str, str, Any]] = [
    *TOLD,
    ("decode.largest_height", "decode.largest_height", 540),
    ("encode.pixels_per_s", "encode.pixels_per_s", 8_000_000),
]
LINK_CHANGES: list[tuple[str, str, Any]] = [
    *TOLD,
    ("line.up_bps", "line.up_bps", 2_000_000),
    ("line.down_bps", "line.down_bps", 2_000_000),
    ("line.delay_ms", "line.delay_ms", 10),
    ("line.share", "line.share", 0.3),
]
SERVER_CHANGES: list[tuple[str, str, Any]] = [
    *TOLD,
    ("machine.cores", "machine.cores", 2),
    ("machine.memory_mib", "machine.memory_mib", 900),
    ("media.pumps", "media.pumps", 1),
    *((f"admit.{key}", f"admit.{key}", 3) for key in ("lessons", "devices_per_lesson", "programs")),
    ("admit.producers_per_device", "admit.producers_per_device", 4),
    ("admit.encodings_per_producer", "admit.encodings_per_producer", 2),
    ("admit.pending_handshakes", "admit.pending_handshakes", 9),
    ("program.height", "program.height", 360),
    ("program.frames_per_s", "program.frames_per_s", 15),
]


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def changed(text: str, place: str, value: Any) -> str:
    whole: Any = tomllib.loads(text)
    if place:
        *above, last = [int(part) if part.isdigit() else part for part in place.split(".")]
        table = whole
        for part in above:
            table = table[part]
        if value is LEFT_OUT:
            del table[last]
        elif isinstance(last, int) and last == len(table):
            table.append(value)
        else:
            table[last] = value
    return "\n".join(f"{key} = {toml(one)}" for key, one in whole.items())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind, name, text in (
        ("rooms", "ours", ROOM),
        ("pcs", "ours", PC),
        ("pcs", "small", changed(PC, "encode.pixels_per_s", 9_000_000)),
        ("links", "ours", LINK),
        ("links", "thin", changed(LINK, "line.up_bps", 2_000_000)),
        ("servers", "ours", SERVER),
    ):
        (tmp_path / kind).mkdir(exist_ok=True)
        (tmp_path / kind / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def of_a_room(folder: Path) -> Any:
    """What is sent, shown and opened by a room with this profile, and what people read of it."""
    profile = load_room_profile("ours", [folder])
    opened = {
        (camera.source, stream.rid): repr((stream.target, _inside(stream.packets)))
        for camera in open_cameras(profile, {"front": "1", "back": "2"}, Random(1))
        for stream in camera.streams
    }
    sent = [send_profile(profile, mode, role) for mode in Mode for role in Role]
    layout = first_layout("ours", [folder])
    return sent, opened, _agent(profile), layout, _read(profile)


def _agent(profile: RoomProfile) -> Any:
    """What the room agent hears, plays and sets at cameras."""
    feed = _sound(profile, Random(1))
    cameras = _cameras(profile, {"front": "1", "back": "2"}, Random(1), feed, lambda _said: None)
    # The last is taken where a microphone is lost (`carrying.py`).
    takes_over = profile.sound.microphone and profile.sound.microphone.page_takes_over
    return feed and feed._setup, [bool(camera.setting) for camera in cameras], takes_over


def _inside(source: Any) -> Any:
    if isinstance(source, DeviceLayer):
        return source.device._setup
    login = source._login  # it hides its words
    return source._address, login and (login.user, login.password), source._udp


def of_a_pc(folder: Path) -> Any:
    profile = load_pc_profile("ours", [folder])
    (folder / "rooms" / "ours.toml").write_text(
        changed(changed(ROOM, "largest_shown", 0), "link", ""), encoding="utf-8"
    )
    return _read(profile), of_a_room(folder)


def of_a_line(folder: Path) -> Any:
    """What a room on it sends and is sent, and how a measured line is judged by it."""
    profile = load_link_profile("ours", [folder])
    measured = MeasuredLine(
        up_bps=4_000_000, down_bps=8_000_000, loss=0.0, round_trip_ms=150, jitter_ms=2
    )
    return _read(profile), judge_line(measured, profile), of_a_room(folder)


def of_a_server(folder: Path) -> Any:
    profile = load_server_profile("ours", [folder])
    other = profile.model_copy(update={"name": "other"})
    chosen = [
        fitting_profile([profile, other.model_copy(update={"machine": other.machine.model_copy(
            update={"cores": 3, "memory_mib": 2_000})})], cores=cores, memory_mib=memory).name
        for cores, memory in ((2, 8_000), (4, 1_000), (4, 8_000))
    ]  # fmt: skip
    # The pumps and programs are taken by the server's start (`node/media.py`, `programs`).
    started = profile.media.pumps, profile.admit.programs, profile.program
    return _read(profile), chosen, node_limits(profile), started


def _read(profile: RoomProfile | PcProfile | LinkProfile | ServerProfile) -> list[str]:
    return [
        profile.title_zh,
        profile.title_en,
        profile.description_zh,
        profile.description_en,
    ]


KINDS: dict[str, tuple[type[BaseModel], str, Callable[[Path], Any], list[tuple[str, str, Any]]]] = {
    "rooms": (RoomProfile, ROOM, of_a_room, ROOM_CHANGES),
    "pcs": (PcProfile, PC, of_a_pc, PC_CHANGES),
    "links": (LinkProfile, LINK, of_a_line, LINK_CHANGES),
    "servers": (ServerProfile, SERVER, of_a_server, SERVER_CHANGES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_decides_something(folder: Path, kind: str) -> None:
    _model, text, observed, changes = KINDS[kind]
    before = deepcopy(observed(folder))
    assert observed(folder) == before, "nothing changed, nothing else"
    for key, place, value in changes:
        file = folder / kind / "ours.toml"
        if kind != "rooms":
            (folder / "rooms" / "ours.toml").write_text(ROOM, encoding="utf-8")
        file.write_text(changed(text, place, value), encoding="utf-8")
        assert observed(folder) != before, key


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_every_key(kind: str) -> None:
    model, _text, _observed, changes = KINDS[kind]
    tables = {"name", "sound", "sources", "send", "machine", "media", "admit", "line"}
    tables |= {"decode", "encode", "program"}
    assert {key for key, *_ in changes} == keys_of(model) - tables


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        keys.add(prefix + name)
        if inner is not None:
            below = prefix + ("*" if prefix in ("sources.", "send.") else name) + "."
            keys |= keys_of(inner, below)
    return keys
