"""Profile files: ours load, a user's win, a wrong one is named with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardware_profiles import (
    LinkProfile,
    PcProfile,
    ProfileNotFound,
    ProfileRefused,
    RoomProfile,
    ServerProfile,
    find_problems,
    list_link_profiles,
    list_pc_profiles,
    list_room_profiles,
    list_server_profiles,
    load_room_profile,
    load_server_profile,
)
from hardware_profiles.loader import SHIPPED_FOLDER
from hardware_profiles.pc import encoded_pixels_per_s
from hardware_profiles.profile_text import MAX_FILE_BYTES

DOCS = Path(__file__).parents[3] / "docs"
GOOD_ROOM = """\
title_zh = "山村"
title_en = "Village"

[sources.students]
width = 640
height = 360
frame_rate = 15
layers = [
  { rid = "q", scale_down_by = 2, max_bitrate_bps = 100_000, max_frame_rate = 10 },
  { rid = "f", scale_down_by = 1, max_bitrate_bps = 400_000, max_frame_rate = 15 },
]
"""


def write_room(folder: Path, name: str, text: str) -> Path:
    (folder / "rooms").mkdir(exist_ok=True)
    file = folder / "rooms" / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_shipped_profile_loads() -> None:
    assert find_problems() == []
    shipped = {file.stem for file in SHIPPED_FOLDER.glob("rooms/*.toml")}
    assert {profile.name for profile in list_room_profiles()} == shipped
    assert {"standard", "basic-room", "mobile-cart", "studio-lectern"} <= shipped
    assert {"old-pc", "recording-room", "audio-only"} <= shipped
    servers = list_server_profiles()
    assert [p.name for p in servers] == ["large", "medium", "region", "small", "tiny"]
    assert {p.machine.cores for p in servers} >= {2, 4, 16}
    assert [p.name for p in list_link_profiles()] == ["fibre", "satellite", "shared-2mbit"]
    pcs = ["four-cores", "two-cores", "two-slow-cores", "workstation"]
    assert [p.name for p in list_pc_profiles()] == pcs


def test_every_shipped_file_is_among_them() -> None:
    """A file in a folder nobody reads would be shipped and never checked."""
    files = {file.relative_to(SHIPPED_FOLDER) for file in SHIPPED_FOLDER.glob("*/*.toml")}
    listed = {
        Path(folder) / f"{profile.name}.toml"
        for folder, profiles in (
            ("rooms", list_room_profiles()),
            ("servers", list_server_profiles()),
            ("links", list_link_profiles()),
            ("pcs", list_pc_profiles()),
        )
        for profile in profiles
    }
    assert files == listed


def test_a_pc_takes_away_what_is_too_much_for_it(tmp_path: Path) -> None:
    """The costliest layer first; what a camera on the network has encoded costs nothing."""
    write_room(tmp_path, "weak", 'inherits = "standard"\npc = "two-cores"\n')
    weak = load_room_profile("weak", [tmp_path])
    layers = {name: len(s.layers) for name, s in weak.sources if s is not None}
    assert layers == {"teacher": 2, "students": 2, "screen": 1}
    assert (
        encoded_pixels_per_s(weak)
        <= 36_000_000
        < encoded_pixels_per_s(load_room_profile("standard"))
    )
    assert weak.largest_shown == 720
    text = 'inherits = "standard"\npc = "two-cores"\n'
    for name in ("teacher", "students"):
        text += f"[sources.{name}.camera]\n"
        text += 'streams = [{ rid = "f", url = "rtsp://192.0.2.1/" }]\n'
    write_room(tmp_path, "network", text)
    network = load_room_profile("network", [tmp_path])
    assert network.sources.teacher is not None and len(network.sources.teacher.layers) == 3


def test_too_much_for_its_pc_in_the_smallest_layers_is_refused(tmp_path: Path) -> None:
    write_room(
        tmp_path,
        "weak",
        'inherits = "standard"\npc = "two-slow-cores"\n[sources.board]\nwidth = 1920\n'
        "height = 1080\nframe_rate = 25\nlayers = [{ rid = 'f', scale_down_by = 1, "
        "max_bitrate_bps = 2_000_000, max_frame_rate = 25 }]\n",
    )
    with pytest.raises(ProfileRefused, match="'two-slow-cores' does 8,000,000") as caught:
        load_room_profile("weak", [tmp_path])
    assert (caught.value.line, caught.value.key) == (2, "pc")


def test_every_shipped_room_is_within_its_pc(tmp_path: Path) -> None:
    """What the PC takes away would stand in our file and never be sent."""
    (tmp_path / "pcs").mkdir()
    for pc in list_pc_profiles():
        (tmp_path / "pcs" / f"{pc.name}.toml").write_text(
            f'inherits = "{pc.name}"\n[encode]\npixels_per_s = 4_000_000_000\n'
        )
    for profile in list_room_profiles():
        assert load_room_profile(profile.name, [tmp_path]).sources == profile.sources


def test_shipped_profiles_speak_both_languages() -> None:
    profiles: list[RoomProfile | ServerProfile | LinkProfile | PcProfile] = [
        *list_room_profiles(),
        *list_server_profiles(),
        *list_link_profiles(),
        *list_pc_profiles(),
    ]
    for profile in profiles:
        assert profile.title_zh != profile.title_en
        assert profile.description_zh and profile.description_en


def test_a_users_profile_is_found_and_wins_over_ours(tmp_path: Path) -> None:
    write_room(tmp_path, "village", GOOD_ROOM)
    write_room(tmp_path, "standard", GOOD_ROOM)
    assert load_room_profile("village", [tmp_path]).title_en == "Village"
    assert load_room_profile("standard", [tmp_path]).title_en == "Village"
    assert load_room_profile("standard").title_en == "Standard classroom"
    assert "village" in [profile.name for profile in list_room_profiles([tmp_path])]


@pytest.mark.parametrize(
    ("wrong", "right", "line", "key", "problem"),
    [
        ("heigth = 360", "height = 360", 6, "sources.students.heigth", "did you mean 'height'?"),
        ("width = 0", "width = 640", 5, "sources.students.width", "at least 160, not 0"),
        ("width = 641", "width = 640", 5, "sources.students.width", "multiple of 2"),
        ('width = "640"', "width = 640", 5, "sources.students.width", "a whole number"),
        ('height = 360\ncodec = "AV2"', "height = 360", 7, "sources.students.codec", "or 'VP8'"),
        ("frame_rate = 900", "frame_rate = 15", 7, "sources.students.frame_rate", "at most 60"),
        ('rid = "Q!"', 'rid = "q"', 9, "sources.students.layers[0].rid", "must match"),
        ('rid = "q"', 'rid = "f"', 8, "sources.students.layers", "same rid"),
        ("_down_by = 3", "_down_by = 1", 8, "sources.students.layers", "smallest"),
        ("max_frame_rate = 20", "max_frame_rate = 15", 8, "sources.students.layers", "above"),
        ("bitrate = 4", "max_bitrate_bps = 400_000", 10, "sources.students.layers[1].bitrate", "?"),
        ("[sources.studnets]", "[sources.students]", 4, "sources.studnets", "'students'"),
        ("[cameras.students]", "[sources.students]", 4, "cameras", "known here: title_zh"),
        ("height 360", "height = 360", 6, "", "not TOML"),
        ("sound = 3", 'title_en = "Village"', 2, "sound", "a table"),
        ('title_zh = ""', 'title_zh = "山村"', 1, "title_zh", "must not be empty"),
        ('name = "other"', 'title_en = "Village"', 0, "title_en", "missing"),
        ("", "height = 360", 4, "sources.students.height", "missing"),
    ],
)
def test_a_mistake_is_named(
    tmp_path: Path, wrong: str, right: str, line: int, key: str, problem: str
) -> None:
    assert right in GOOD_ROOM
    file = write_room(tmp_path, "village", GOOD_ROOM.replace(right, wrong))
    with pytest.raises(ProfileRefused) as caught:
        load_room_profile("village", [tmp_path])
    refused = caught.value
    assert (refused.file, refused.line, refused.key) == (file, line, key)
    assert problem in refused.message_en
    place = f"{file}:{line}:" if line else f"{file}:"
    assert refused.message_en.startswith(place) and refused.message_zh.startswith(place)
    assert [p.message_en for p in find_problems([tmp_path])] == [refused.message_en]
    assert "village" not in [profile.name for profile in list_room_profiles([tmp_path])]


def test_sending_a_camera_the_room_has_not_got_is_refused(tmp_path: Path) -> None:
    write_room(tmp_path, "village", GOOD_ROOM + '[send.delivery]\nlead = ["board"]\n')
    with pytest.raises(ProfileRefused, match=r"\[sources\.board\]") as caught:
        load_room_profile("village", [tmp_path])
    assert (caught.value.line, caught.value.key) == (13, "send.delivery.lead")


def test_a_name_key_that_is_not_the_files_name_is_refused(tmp_path: Path) -> None:
    write_room(tmp_path, "village", 'name = "town"\n' + GOOD_ROOM)
    with pytest.raises(ProfileRefused, match="named by its file") as caught:
        load_room_profile("village", [tmp_path])
    assert caught.value.line == 1


@pytest.mark.parametrize("name", ["standart", "", "../rooms/standard", "a" * 50, "标准"])
def test_an_unknown_name_says_what_there_is(name: str) -> None:
    with pytest.raises(ProfileNotFound, match="Known: audio-only, basic-room") as caught:
        load_room_profile(name)
    assert ("Did you mean 'standard'?" in str(caught.value)) == (
        name in ("standart", "../rooms/standard")
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = write_room(tmp_path, "village", "")
    file.write_bytes(b'title_zh = "a"\ntitle_en = "\xff"\n')
    with pytest.raises(ProfileRefused, match="not UTF-8") as caught:
        load_room_profile("village", [tmp_path])
    assert caught.value.line == 2
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ProfileRefused, match="64 KiB"):
        load_room_profile("village", [tmp_path])
    file.unlink()
    file.mkdir()
    with pytest.raises(ProfileRefused, match="cannot be read: Is a directory") as caught:
        load_room_profile("village", [tmp_path])
    assert caught.value.message_zh.endswith("无法读取：是文件夹，不是文件")


def test_a_server_profile_is_read_and_checked(tmp_path: Path) -> None:
    (tmp_path / "servers").mkdir()
    file = tmp_path / "servers" / "ours.toml"
    text = (SHIPPED_FOLDER / "servers" / "small.toml").read_text(encoding="utf-8")
    file.write_text(text.replace("lessons = 6", "lessons = 3"), encoding="utf-8")
    assert load_server_profile("ours", [tmp_path]).admit.lessons == 3
    file.write_text(text.replace("pumps = 1", "pump = 1"), encoding="utf-8")
    with pytest.raises(ProfileRefused, match="did you mean 'pumps'"):
        load_server_profile("ours", [tmp_path])


def test_what_a_windows_editor_puts_before_a_profile_is_none_of_it(tmp_path: Path) -> None:
    write_room(tmp_path, "village", "\ufeff" + GOOD_ROOM)
    assert load_room_profile("village", [tmp_path]).title_zh == "山村"


def test_brackets_without_end_are_told_and_keep_no_other_profile(tmp_path: Path) -> None:
    file = write_room(tmp_path, "village", GOOD_ROOM + "x = " + "[" * 5_000)
    write_room(tmp_path, "town", GOOD_ROOM)
    (problem,) = find_problems([tmp_path])
    assert str(file) in str(problem) and "brackets" in problem.message_en
    assert load_room_profile("town", [tmp_path]).name == "town"


@pytest.mark.parametrize("name", ["高山村", "Gaoshan", "our_room"])
def test_a_name_that_nobody_may_choose_is_told_in_words(tmp_path: Path, name: str) -> None:
    """An expression of signs says nothing to whoever named the file after the school."""
    write_room(tmp_path, name, GOOD_ROOM)
    [problem] = find_problems([tmp_path])
    assert "small letters a–z, digits and -" in problem.message_en
    assert "小写字母 a–z、数字和 -" in problem.message_zh
    assert "[a-z" not in problem.message_zh


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("village.toml", "没有读取：硬件配置须放在"),
        ("room/village.toml", "没有读取：硬件配置须放在"),
        ("rooms/village.toml.txt", "没有读取：文件名以 .txt 结尾。请改名为 village.toml"),
        ("rooms/village.TOML", "没有读取：结尾须为小写的 .toml。请改名为 village.toml"),
        ("passwords.toml", ""),
        ("credential", ""),
        ("rooms/notes.md", ""),
    ],
)
def test_a_file_that_nobody_reads_is_told(tmp_path: Path, place: str, says: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(GOOD_ROOM, encoding="utf-8")
    told = [problem.message_zh for problem in find_problems([tmp_path])]
    if says:
        assert len(told) == 1 and told[0].startswith(f"{file}: {says}")
    else:
        assert told == []


PAGES = sorted(
    page
    for folder in (DOCS, DOCS / "zh")
    for page in (folder / "hardware_profiles.md", folder / "room_agent.md")
)
BLOCK = re.compile(r"^```\n(.*?)^```$", re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_profiles_of_the_pages_can_be_copied(page: Path, tmp_path: Path) -> None:
    """Whole ones as they stand, tables alone in a profile that has what they speak of."""
    texts = [
        text
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        if (text := block.strip("\n")) and re.search(r"^(inherits = |\[so)", text, re.M)
    ]
    assert texts
    for number, text in enumerate(texts):
        base = "recording-room" if "sources." in text else "standard"  # whose sound is the usual
        whole = text if "inherits = " in text else f'inherits = "{base}"\n{text}'
        write_room(tmp_path, f"copied-{number}", whole)
    assert [problem.message_en for problem in find_problems([tmp_path])] == []
