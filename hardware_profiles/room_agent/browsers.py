"""Which browser of this machine shows the room's page, and how it is called for that.

Chrome, Edge and Chromium understand the same options. The room's address has its credential in it,
and a command line is for every user of the machine to read: the browser is given a file of ours,
which its owner alone can read and which leads on to that address.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PureWindowsPath

_LINUX = (
    "google-chrome", "google-chrome-stable", "microsoft-edge", "microsoft-edge-stable",
    "chromium", "chromium-browser",
)  # fmt: skip
_WINDOWS_FOLDERS = ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")
_WINDOWS = (r"Google\Chrome\Application\chrome.exe", r"Microsoft\Edge\Application\msedge.exe")
_OPTIONS = (
    "--kiosk",
    "--edge-kiosk-type=fullscreen",
    # Sound plays, and camera and microphone open, without a hand: this browser has a profile of its
    # own and shows one server alone.
    "--autoplay-policy=no-user-gesture-required",
    "--auto-accept-camera-and-microphone-capture",
    # A PC whose plug was pulled shows the room again, not a question about it.
    "--noerrdialogs",
    "--disable-session-crashed-bubble",
    "--hide-crash-restore-bubble",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-features=Translate",
    # No keyring asks for a password at the first start.
    "--password-store=basic",
)
START_PAGE = "room.html"


def find_browser(
    environment: Mapping[str, str],
    *,
    windows: bool = os.name == "nt",
    which: Callable[[str], str | None] = shutil.which,
    exists: Callable[[str], bool] = os.path.exists,
) -> str | None:
    """The first there is, Chrome before Edge before Chromium."""
    if not windows:
        return next((found for name in _LINUX if (found := which(name)) is not None), None)
    return next((path for path in _windows_places(environment) if exists(path)), None)


def _windows_places(environment: Mapping[str, str]) -> Iterator[str]:
    given = {name.lower(): value for name, value in environment.items()}
    for program in _WINDOWS:
        for folder in _WINDOWS_FOLDERS:
            if place := given.get(folder.lower()):
                yield str(PureWindowsPath(place) / program)


def browser_command(
    browser: str, folder: Path, *, insecure: bool = False, as_root: bool = False
) -> list[str]:
    """What is run; `folder` has the start page and the browser's own profile.

    `insecure` accepts a certificate that the server made itself; as root no browser has its
    sandbox, which whoever asks for it has been told.
    """
    return [
        browser,
        *_OPTIONS,
        f"--user-data-dir={folder / 'browser'}",
        *(["--ignore-certificate-errors"] if insecure else []),
        *(["--no-sandbox"] if as_root else []),
        (folder / START_PAGE).absolute().as_uri(),
    ]


def write_start_page(folder: Path, origin: str, credential: str) -> None:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    address = json.dumps(f"{origin}/room#credential={credential}").replace("<", "\\u003c")
    aside = folder / f".{START_PAGE}.new"
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(
            f"<!doctype html><meta charset=utf-8><script>location.replace({address})</script>"
        )
    aside.replace(folder / START_PAGE)


def has_screen(environment: Mapping[str, str], *, posix: bool = os.name == "posix") -> bool:
    """Whether a window can be opened: a service of the system has no screen."""
    return not posix or any(environment.get(name) for name in ("WAYLAND_DISPLAY", "DISPLAY"))
