"""A school's profile made from another: what it takes over, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware_profiles import (
    ProfileRefused,
    find_problems,
    load_link_profile,
    load_room_profile,
    load_server_profile,
)

TITLES = 'title_zh = "山村"\ntitle_en = "Village"\n'
CAMERA = """
[sources.teacher.camera]
user = "admin"
password = "front"
streams = [
  { rid = "q", url = "rtsp://10.0.0.5/sub" },
  { rid = "f", url = "rtsp://10.0.0.5:8554/main?x=1" },
]
"""


def write(folder: Path, name: str, text: str, kind: str = "rooms") -> Path:
    (folder / kind).mkdir(exist_ok=True)
    file = folder / kind / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder: Path, name: str) -> ProfileRefused:
    with pytest.raises(ProfileRefused) as caught:
        load_room_profile(name, [folder])
    assert caught.value.message_en in [problem.message_en for problem in find_problems([folder])]
    return caught.value


def test_what_is_not_said_is_inherited_and_what_is_said_goes_before(tmp_path: Path) -> None:
    write(tmp_path, "county", 'inherits = "recording-room"\n[sound]\nmax_bitrate_bps = 32_000\n')
    text = f'inherits = "county"\n{TITLES}[sources.board]\nframe_rate = 15\n'
    write(tmp_path, "village", text)
    village, ours = load_room_profile("village", [tmp_path]), load_room_profile("recording-room")
    assert (village.name, village.title_en, ours.title_en) == (
        "village",
        "Village",
        "Recording classroom",
    )
    assert village.sound == ours.sound.model_copy(update={"max_bitrate_bps": 32_000})
    assert village.sources.teacher == ours.sources.teacher
    board, inherited = village.sources.board, ours.sources.board
    assert board is not None and inherited is not None
    assert board == inherited.model_copy(update={"frame_rate": 15})


def test_what_is_left_out_is_gone(tmp_path: Path) -> None:
    head = 'inherits = "recording-room"\n'
    write(tmp_path, "village", head + 'without = ["sources.board", "send.delivery"]\n')
    village = load_room_profile("village", [tmp_path])
    assert village.sources.board is None
    assert village.sends("delivery", "lead") == ("teacher", "screen")
    write(tmp_path, "village", head + 'without = ["sources.board"]\n')
    assert refused(tmp_path, "village").key == "send.delivery.lead"
    write(tmp_path, "village", head + 'without = ["sources.bord"]\n')
    assert (refused(tmp_path, "village").line, refused(tmp_path, "village").key) == (2, "without")


def test_a_profile_in_anothers_place_inherits_from_that_one(tmp_path: Path) -> None:
    write(tmp_path, "standard", 'inherits = "standard"\ntitle_en = "Ours"\n')
    changed, ours = load_room_profile("standard", [tmp_path]), load_room_profile("standard")
    assert changed.title_en == "Ours"
    assert changed.sources == ours.sources


@pytest.mark.parametrize(
    ("files", "line", "says"),
    [
        ({"a": 'inherits = "b"', "b": 'inherits = "a"'}, 1, "circle: a → b → a"),
        ({"a": '\ninherits = "a"'}, 2, "circle: a → a"),
        (
            {"a": 'inherits = "standart"'},
            1,
            "'standart'. Did you mean 'standard'? Known: audio-only",
        ),
        ({"a": 'inherits = "../rooms/standard"'}, 1, "there is no profile"),
        ({"a": "inherits = 3"}, 1, "text in quotes"),
        ({"a": 'inherits = "standard"\nwithout = "sound"'}, 2, "a list of keys"),
        ({"a": 'inherits = "standard"\nwithout = ["sound.volume"]'}, 2, "no 'sound.volume'"),
        ({"a": 'inherit = "standard"'}, 1, "did you mean 'inherits'?"),
        ({"a": 'inherits = "standard"\n[sound]\nloud = 3'}, 3, "known here: max_bitrate_bps"),
        ({f"p{n}": f'inherits = "p{n + 1}"' for n in range(20)}, 1, "more than 8 profiles"),
    ],
)
def test_what_cannot_be_inherited(
    tmp_path: Path, files: dict[str, str], line: int, says: str
) -> None:
    for name, text in files.items():
        write(tmp_path, name, text + "\n")
    problem = refused(tmp_path, next(iter(files)))
    assert problem.line == line
    assert says in problem.message_en
    assert problem.message_zh != problem.message_en


def test_a_parent_that_is_no_toml_is_named_itself(tmp_path: Path) -> None:
    write(tmp_path, "a", 'inherits = "b"\n')
    file = write(tmp_path, "b", "height 360\n")
    assert refused(tmp_path, "a").file == file


def test_servers_and_lines_inherit_too(tmp_path: Path) -> None:
    write(tmp_path, "ours", 'inherits = "small"\n[admit]\nlessons = 3\n', "servers")
    ours, small = load_server_profile("ours", [tmp_path]), load_server_profile("small")
    assert ours.admit == small.admit.model_copy(update={"lessons": 3})
    write(tmp_path, "dish", 'inherits = "satellite"\n[line]\ndelay_ms = 350\n', "links")
    assert load_link_profile("dish", [tmp_path]).line.up_bps == 3_000_000


def test_a_line_decides_which_layers_go(tmp_path: Path) -> None:
    def rids(link: str) -> list[list[str]]:
        write(tmp_path, "a", f'inherits = "recording-room"\nlink = "{link}"\n')
        profile = load_room_profile("a", [tmp_path])
        return [[layer.rid for layer in s.layers] for _, s in profile.sources if s is not None]

    assert rids("fibre") == [["q", "h", "f"], ["q", "h", "f"], ["h", "f"], ["h", "f"]]
    assert rids("satellite") == [["q", "h"], ["q", "h"], ["h", "f"], ["h", "f"]]
    write(tmp_path, "a", 'inherits = "recording-room"\nlink = "shared-2mbit"\n')
    problem = refused(tmp_path, "a")
    assert problem.key == "link"
    assert "sends 1,264,000 b/s at the least" in problem.message_en
    assert "1,000,000 b/s of the line 'shared-2mbit'" in problem.message_en
    write(tmp_path, "a", 'inherits = "old-pc"\nlink = "pigeon"\n')
    assert "'pigeon'" in refused(tmp_path, "a").message_en


def test_a_camera_gives_layers_and_the_line_counts_what_it_gives(tmp_path: Path) -> None:
    write(tmp_path, "a", 'inherits = "recording-room"\nlink = "satellite"\n' + CAMERA)
    teacher = load_room_profile("a", [tmp_path]).sources.teacher
    assert teacher is not None and teacher.camera is not None
    assert [stream.rid for stream in teacher.camera.streams] == ["q"]
    only_main = CAMERA.replace('{ rid = "q", url = "rtsp://10.0.0.5/sub" },', "")
    write(tmp_path, "a", 'inherits = "recording-room"\nlink = "satellite"\n' + only_main)
    assert "sends 4,014,000 b/s" in refused(tmp_path, "a").message_en


SECRET = "s3cret-geheim"


@pytest.mark.parametrize(
    ("right", "wrong", "key"),
    [
        ("rtsp://10.0.0.5/sub", f"rtsp://admin:{SECRET}@10.0.0.5/sub", "streams[0].url"),
        ("rtsp://10.0.0.5/sub", f"http://10.0.0.5/{SECRET}", "streams[0].url"),
        ("rtsp://10.0.0.5/sub", f"rtsp://10.0.0.5:99999/{SECRET}", "streams[0].url"),
        ("rtsp://10.0.0.5/sub", f"rtsp://[::1/{SECRET}", "streams[0].url"),
        ("rtsp://10.0.0.5/sub", f"rtsp:///{SECRET}", "streams[0].url"),
        ("rtsp://10.0.0.5/sub", f"rtsp://10.0.0.5/ {SECRET}", "streams[0].url"),
        ('rid = "q"', 'rid = "x"', "streams[0].rid"),
        ('rid = "q"', 'rid = "f"', "streams"),
        ('password = "front"', f'password = "{SECRET}!"', "password"),
        ('password = "front"', f'pasword = "{SECRET}"', "pasword"),
        ("streams = [", f'kind = "{SECRET}"\nstreams = [', "kind"),
    ],
)
def test_a_wrong_camera_is_named_and_never_quoted(
    tmp_path: Path, right: str, wrong: str, key: str
) -> None:
    assert right in CAMERA
    write(tmp_path, "a", 'inherits = "recording-room"\n' + CAMERA.replace(right, wrong))
    problem = refused(tmp_path, "a")
    assert problem.key == f"sources.teacher.camera.{key}"
    assert problem.line >= 3
    assert SECRET not in problem.message_en + problem.message_zh


def test_a_camera_that_is_a_text_is_not_quoted(tmp_path: Path) -> None:
    text = f'[sources.teacher]\ncamera = "rtsp://u:{SECRET}@h/"\n'
    write(tmp_path, "a", 'inherits = "recording-room"\n' + text)
    assert SECRET not in str(refused(tmp_path, "a"))


def test_a_camera_beside_vp8_is_refused(tmp_path: Path) -> None:
    text = '[sources.teacher]\ncodec = "VP8"\n'
    write(tmp_path, "a", 'inherits = "recording-room"\n' + text + CAMERA)
    assert refused(tmp_path, "a").key == "sources.teacher.codec"
