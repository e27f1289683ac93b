"""`tongke profile fit`: what is found of a machine, and which profile is proposed from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware_profiles import (
    RoomProfile,
    list_link_profiles,
    list_pc_profiles,
    list_room_profiles,
)
from hardware_profiles.doctor.found import FoundCamera, FoundSound, list_cameras, list_sounds
from hardware_profiles.doctor.line import MeasuredLine
from hardware_profiles.doctor.propose import Found, Proposal, propose
from hardware_profiles.doctor.speed import Speed
from hardware_profiles.loader import read_profile
from hardware_profiles.room_agent.sources.usb.probe import DeviceDescription, describe
from tests.unit.hardware_profiles.room_agent.v4l2_camera import V4l2Camera

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7110000 irq 31
 1 [Speakerphone   ]: USB-Audio - Conference "Phone"
                      Maker at usb-0000:00:14.0-2, full speed
"""
QUICK, MIDDLE, SLOW = (Speed(n * 1e6, 4e8, 2) for n in (150, 35, 8))
FIBRE = MeasuredLine(18e6, 90e6, 0.0, 20.0, 1.0)
SATELLITE = MeasuredLine(2.6e6, 17e6, 0.0, 610.0, 5.0)
SHARED = MeasuredLine(1.5e6, 1.6e6, 0.0, 60.0, 5.0)


def camera(modes: V4l2Camera | None = None) -> FoundCamera:
    described = describe((modes or V4l2Camera()).ioctl)
    assert described is not None
    return FoundCamera("usb-Maker-video-index0", described)


def proposed(
    cameras: int, speed: Speed | None = QUICK, line: MeasuredLine | None = None
) -> Proposal:
    return propose(
        Found([camera()] * cameras, [FoundSound("Phone", True, True)], speed, line),
        title_zh="本教室",
        title_en="This room",
        rooms=list_room_profiles(),
        pcs=list_pc_profiles(),
        links=list_link_profiles(),
    )


def read(tmp_path: Path, proposal: Proposal) -> RoomProfile:
    file = tmp_path / "here.toml"
    file.write_text(proposal.text, encoding="utf-8")
    return read_profile(RoomProfile, file)


@pytest.mark.parametrize(
    ("cameras", "speed", "line", "names"),
    [
        (0, QUICK, None, ("audio-only", "four-cores", "")),
        (2, QUICK, FIBRE, ("standard", "four-cores", "fibre")),
        (1, QUICK, None, ("standard", "four-cores", "")),
        (2, MIDDLE, SHARED, ("basic-room", "two-cores", "shared-2mbit")),
        (1, SLOW, SATELLITE, ("old-pc", "two-slow-cores", "satellite")),
        (3, Speed(3e8, 9e8, 8), FIBRE, ("recording-room", "workstation", "fibre")),
        (2, None, None, ("standard", "", "")),
    ],
)
def test_the_nearest_of_ours_is_proposed_and_can_be_read(
    tmp_path: Path,
    cameras: int,
    speed: Speed | None,
    line: MeasuredLine | None,
    names: tuple[str, str, str],
) -> None:
    proposal = proposed(cameras, speed, line)
    assert (proposal.inherits, proposal.pc, proposal.link) == names
    profile = read(tmp_path, proposal)
    assert (profile.pc or "", profile.link) == (names[1] or profile.pc, names[2])
    # Every line but the titles has its reason above it.
    assert proposal.text.count("# ") >= len(proposal.reasons)


def test_what_is_not_there_is_left_out_and_what_is_smaller_is_said(tmp_path: Path) -> None:
    proposal = proposed(1)
    assert 'without = ["sources.students"]' in proposal.text
    assert read(tmp_path, proposal).sources.students is None
    small = V4l2Camera(modes={"MJPG": {(640, 480): [(1, 30)]}})
    text = propose(
        Found([camera(small)] * 2, [], QUICK),
        title_zh="甲",
        title_en="A",
        rooms=list_room_profiles(),
        pcs=list_pc_profiles(),
        links=[],
    ).text
    assert "[sources.teacher]" in text and "width = 640" in text and "height = 480" in text


def test_a_device_with_a_strange_name_stays_in_its_comment(tmp_path: Path) -> None:
    name = 'Cam\nsources = "x"'
    described = DeviceDescription(name, "usb", camera().description.modes[:1])
    proposal = propose(
        Found([FoundCamera("c", described)] * 2, [FoundSound("a\nb", True, False)], QUICK),
        title_zh="甲",
        title_en="A",
        rooms=list_room_profiles(),
        pcs=list_pc_profiles(),
        links=[],
    )
    read(tmp_path, proposal)
    assert "Cam?sources" in proposal.text


def test_a_thin_line_may_have_the_program(tmp_path: Path) -> None:
    thin = proposed(2, QUICK, SHARED)
    assert 'receives = "either"' in thin.text
    assert read(tmp_path, thin).receives == "either"


def test_cameras_and_sound_cards_are_found_by_the_kernels_lists(tmp_path: Path) -> None:
    for name in ("video0", "video1", "video10"):
        (tmp_path / name).touch()
    by_id = tmp_path / "v4l" / "by-id"
    by_id.mkdir(parents=True)
    (by_id / "usb-Maker_7F3A-video-index0").symlink_to("../../video10")

    def ask(device: Path) -> DeviceDescription | None:
        if device.name == "video1":
            raise OSError("gone")
        return describe(V4l2Camera().ioctl)

    found = list_cameras(tmp_path, ask)
    assert [one.name for one in found] == [
        str(tmp_path / "video0"),
        "usb-Maker_7F3A-video-index0",
    ]
    assert found[0].largest(25) == (1920, 1080)
    assert list_cameras(tmp_path / "none") == []

    (tmp_path / "cards").write_text(CARDS)
    for card, devices in ((0, ("pcm0p",)), (1, ("pcm0p", "pcm0c"))):
        for device in devices:
            (tmp_path / f"card{card}" / device).mkdir(parents=True)
    assert list_sounds(tmp_path) == [
        FoundSound("HDA Intel PCH", hears=False, plays=True),
        FoundSound('Conference "Phone"', hears=True, plays=True),
    ]
    assert list_sounds(tmp_path / "none") == []
