"""What the machine of a room is given for `tongke room` and `tongke doctor`: its profile, its
credential, its cameras' password, and the options that name them.
"""

from __future__ import annotations

import sys
from pathlib import Path

PROFILE_NAME = "shanhe"
PROGRAM = str(Path(sys.executable).parent / "tongke")


def keep_profile(data_folder: Path, text: str) -> Path:
    """On the server, where the room's own agent finds it too; the folder of profiles."""
    profiles = data_folder / "hardware_profiles"
    (profiles / "rooms").mkdir(parents=True)
    (profiles / "rooms" / f"{PROFILE_NAME}.toml").write_text(text, encoding="utf-8")
    return profiles


def room_options(
    folder: Path, profiles: Path, *, server: str, credential: str, password: str = ""
) -> list[str]:
    """Secrets lie in files of this folder; `password` is that of the profile's `front`."""
    (folder / "credential").write_text(credential)
    options = ["--insecure", "--server", server, "--profile", PROFILE_NAME]
    options += ["--credential-file", str(folder / "credential")]
    options += ["--profiles-folder", str(profiles)]
    if not password:
        return options
    passwords = folder / "passwords.toml"
    passwords.write_text(f'front = "{password}"\n')
    passwords.chmod(0o600)
    return [*options, "--passwords", str(passwords)]
