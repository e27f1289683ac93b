"""The cameras' passwords on the room's machine: for its owner alone, and in no text."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware_profiles.errors import ProfileError
from hardware_profiles.room_agent.passwords import read_credential, read_passwords

SECRET = "s3cret-geheim"


def test_they_are_read_by_name(tmp_path: Path) -> None:
    file = tmp_path / "passwords.toml"
    file.write_text(f'front = "{SECRET}"\nboard-camera = "课"\n', encoding="utf-8")
    file.chmod(0o600)
    assert read_passwords(file) == {"front": SECRET, "board-camera": "课"}


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        (f'front = "{SECRET}"', 0o640, "chmod 600"),
        (f'front = "{SECRET}"', 0o604, "chmod 600"),
        (f"front = {SECRET}", 0o600, "must have lines like"),
        (f'[{SECRET}]\nfront = "x"', 0o600, "must have lines like"),
        (f'front = {"[" * 5_000}"{SECRET}"', 0o600, "must have lines like"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_without_them(
    tmp_path: Path, text: str | None, mode: int, says: str
) -> None:
    file = tmp_path / "passwords.toml"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    with pytest.raises(ProfileError, match=says) as caught:
        read_passwords(file)
    assert SECRET not in caught.value.message_en + caught.value.message_zh


def test_what_a_windows_editor_puts_before_a_text_is_none_of_it(tmp_path: Path) -> None:
    file = tmp_path / "passwords.toml"
    file.write_text(f'front = "{SECRET}"\n', encoding="utf-8-sig")
    file.chmod(0o600)
    assert read_passwords(file) == {"front": SECRET}
    file.write_text("tkr_x\r\n", encoding="utf-8-sig")
    assert read_credential(file) == "tkr_x"


@pytest.mark.parametrize("text", ["", "tkr_x\ntkr_y", "tkr x", "凭证", "tkr_x\x00"])
def test_a_credential_is_one_word(tmp_path: Path, text: str) -> None:
    """Another would be printed whole by the error that HTTP makes of it."""
    file = tmp_path / "credential"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="no credential"):
        read_credential(file)
