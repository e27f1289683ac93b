"""Who carries the sound, by a room's profile: what can be said, and what cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware_profiles.errors import ProfileError
from hardware_profiles.loader import load_room_profile
from hardware_profiles.room import RoomProfile

CAMERA = '[sources.teacher.camera]\nstreams = [{ rid = "f", url = "rtsp://10.0.0.5/main" }]\n'
PROCESSOR, BROWSER = 'inherits = "recording-room"\n', 'inherits = "standard"\n'
ALSA = '[sound.microphone]\ndevice = "Yeti"\n'
OF_CAMERA = '[sound.microphone]\nkind = "camera"\ncamera = "teacher"\n'


def loaded(folder: Path, text: str) -> RoomProfile:
    (folder / "rooms").mkdir()
    (folder / "rooms" / "room.toml").write_text(text, encoding="utf-8")
    return load_room_profile("room", [folder])


@pytest.mark.parametrize(
    ("text", "microphone", "speaker"),
    [
        (PROCESSOR, None, None),
        (PROCESSOR + ALSA, "Yeti", None),
        (PROCESSOR + ALSA + "[sound.loudspeaker]\n", "Yeti", "default"),
        (BROWSER + ALSA + '[sound.loudspeaker]\ndevice = "Jabra"\n', "Yeti", "Jabra"),
    ],
)
def test_a_room_with_a_processor_of_its_own_or_one_that_plays_too(
    tmp_path: Path, text: str, microphone: str | None, speaker: str | None
) -> None:
    sound = loaded(tmp_path, text).sound
    assert (sound.microphone and sound.microphone.device) == microphone
    assert (sound.loudspeaker and sound.loudspeaker.device) == speaker


def test_a_cameras_microphone(tmp_path: Path) -> None:
    microphone = loaded(tmp_path, PROCESSOR + OF_CAMERA + CAMERA).sound.microphone
    assert microphone is not None and microphone.camera == "teacher"
    assert microphone.page_takes_over


@pytest.mark.parametrize(
    ("text", "says", "zh"),
    [
        (BROWSER + ALSA, "does not play", "无法消除"),
        (PROCESSOR + "[sound.loudspeaker]\n", "add .sound.microphone", "请写上"),
        (PROCESSOR + "[sound.microphone]\n", "device", "写明本机声音设备"),
        (PROCESSOR + ALSA + 'kind = "camera"\ncamera = "teacher"\n', "device", "写明本机"),
        (PROCESSOR + ALSA + 'camera = "teacher"\n', "camera", "写明带麦克风的摄像机"),
        (PROCESSOR + OF_CAMERA, "no network camera", "不是网络摄像机"),
    ],
)
def test_what_cannot_be_is_refused_in_both_languages(
    tmp_path: Path, text: str, says: str, zh: str
) -> None:
    with pytest.raises(ProfileError, match=says) as caught:
        loaded(tmp_path, text)
    assert zh in caught.value.message_zh
