"""Damaged profile files. The invariant: a file is a profile or `ProfileRefused`, which names it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import hardware_profiles
from hardware_profiles.errors import ProfileRefused
from hardware_profiles.link import LinkProfile
from hardware_profiles.loader import read_profile
from hardware_profiles.room import RoomProfile
from hardware_profiles.server import ServerProfile
from tests.fuzz.rounds import SEED, rounds

FOLDER = Path(hardware_profiles.__file__).parent
CAMERA = b"""inherits = "recording-room"
without = ["sources.board", "send.delivery"]
link = "satellite"
[sources.teacher.camera]
streams = [{ rid = "q", url = "rtsp://10.0.0.5/sub" }]
"""
SHIPPED: list[tuple[Any, bytes]] = [
    (RoomProfile, CAMERA),
    *((LinkProfile, f.read_bytes()) for f in FOLDER.glob("links/*")),
]
SHIPPED += [(RoomProfile, file.read_bytes()) for file in sorted(FOLDER.glob("rooms/*.toml"))] + [
    (ServerProfile, file.read_bytes()) for file in sorted(FOLDER.glob("servers/*.toml"))
]
ODD = [
    b"[", b"]]", b"=", b'"""', b"\0", b"\xff", b"-1", b"1e400", b"nan", b"[[a]]", b"a.b.c=1\n",
    "课".encode(), b"true", b"9999999999999999999999", b"{}", b"[[[[[[]]]]]]", b"\r", b"#",
]  # fmt: skip


def damaged(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data) + 1), rng.randrange(20)
        match rng.randrange(3):
            case 0:
                data = data[:at] + data[at + length :]
            case 1:
                data = data[:at] + rng.choice(ODD) + data[at:]
            case _:
                data = data[:at] + data[at : at + length] * 2 + data[at + length :]
    return data


@pytest.mark.timeout(3600)
def test_a_damaged_file_is_a_profile_or_refused_by_name(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    file, refused = tmp_path / "mine.toml", 0
    tried = rounds(2000)
    for _ in range(tried):
        model, sample = rng.choice(SHIPPED)
        file.write_bytes(damaged(rng, sample))
        try:
            assert isinstance(read_profile(model, file), model)
        except ProfileRefused as refusal:
            assert "mine.toml" in str(refusal)
            refused += 1
    assert tried // 20 < refused < tried
