"""The room's page beside the agent: which browser, how it is called, and that it comes again."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote, urlsplit

import pytest

from hardware_profiles.room_agent import kiosk
from hardware_profiles.room_agent.browsers import (
    START_PAGE,
    browser_command,
    find_browser,
    has_screen,
    write_start_page,
)
from hardware_profiles.room_agent.kiosk import AGAIN_S, Kiosk, KioskState, patience_s
from signaling.client.sentences import Sentence

CHROME = r"C:\Program Files\Google\Chrome\Application\chrome.exe"
EDGE = r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe"
WINDOWS = {"PROGRAMFILES": r"C:\Program Files", "ProgramFiles(x86)": r"C:\Program Files (x86)"}


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ({CHROME, EDGE}, CHROME),
        ({EDGE}, EDGE),
        (set(), None),
    ],
)
def test_browsers_of_windows(there: set[str], found: str | None) -> None:
    known = {PureWindowsPath(one) for one in there}
    assert (
        find_browser(WINDOWS, windows=True, exists=lambda path: PureWindowsPath(path) in known)
        == found
    )


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ({"chromium", "microsoft-edge"}, "/usr/bin/microsoft-edge"),
        ({"chromium", "google-chrome"}, "/usr/bin/google-chrome"),
        ({"chromium-browser", "firefox"}, "/usr/bin/chromium-browser"),
        ({"firefox"}, None),
    ],
)
def test_browsers_of_linux(there: set[str], found: str | None) -> None:
    def which(name: str) -> str | None:
        return f"/usr/bin/{name}" if name in there else None

    assert find_browser({}, windows=False, which=which) == found


def test_the_credential_is_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    write_start_page(folder, "https://tongke.example", "tkr_</script>'\"")
    write_start_page(folder, "https://tongke.example", "tkr_secret")
    page = folder / START_PAGE
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "https://tongke.example/room#credential=tkr_secret" in page.read_text()
    command = browser_command("chromium", folder)
    assert not any("tkr_" in word for word in command)
    assert Path(unquote(urlsplit(command[-1]).path)) == page


def test_no_credential_ends_the_script(tmp_path: Path) -> None:
    write_start_page(tmp_path, "https://tongke.example", "</script><script>alert(1)//")
    assert (tmp_path / START_PAGE).read_text().count("<script>") == 1


def test_how_it_is_called(tmp_path: Path) -> None:
    command = browser_command("chromium", tmp_path)
    for word in (
        "--kiosk",
        "--autoplay-policy=no-user-gesture-required",
        "--auto-accept-camera-and-microphone-capture",
        f"--user-data-dir={tmp_path / 'browser'}",
    ):
        assert word in command
    assert not {"--no-sandbox", "--ignore-certificate-errors"} & set(command)
    spoken = browser_command("chromium", tmp_path, insecure=True, as_root=True)
    assert {"--no-sandbox", "--ignore-certificate-errors"} <= set(spoken)


def test_a_screen_is_needed() -> None:
    assert has_screen({"DISPLAY": ":0"}, posix=True)
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, posix=True)
    assert not has_screen({"DISPLAY": ""}, posix=True)
    assert has_screen({}, posix=False)


def test_it_is_opened_at_once_and_then_ever_more_seldom() -> None:
    waits = [patience_s(failures) for failures in range(1, 9)]
    assert waits == sorted(waits) and waits[0] <= 1.0
    assert waits[-1] == AGAIN_S[-1]


async def test_it_is_opened_again_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kiosk, "AGAIN_S", (0.0,) * 3)
    lives = tmp_path / "lives"
    os.mkfifo(lives)
    said: list[Sentence] = []
    page = Kiosk(["/bin/sh", "-c", f"echo one >{lives}; exit 3"], KioskState.OPEN, say=said.append)
    running = asyncio.create_task(page.run())
    for _ in range(3):
        assert await asyncio.to_thread(lives.read_text) == "one\n"
    # A life that waits for its reader ends with the kiosk.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert page.ended >= 2 and "(3)" in said[0].en and "（3）" in said[0].zh


async def test_it_ends_with_the_agent_and_its_children_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    script = f"import os, time; os.fork(); open({str(pids)!r}, 'w').write(str(os.getpid()) + ' ')"
    page = Kiosk(
        [sys.executable, "-c", f"{script}; time.sleep(600)"], KioskState.OPEN, say=lambda _: None
    )
    running = asyncio.create_task(page.run())
    both: set[int] = set()
    while len(both) < 2:
        both |= {int(one) for one in (await asyncio.to_thread(pids.read_text)).split()}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(all_gone, both)


def all_gone(pids: set[int]) -> None:
    """Returns when none of these runs any more."""
    until = time.monotonic() + 10
    while any(runs(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_what_is_no_program_is_told_and_not_tried_for_ever(tmp_path: Path) -> None:
    said: list[Sentence] = []
    page = Kiosk([str(tmp_path / "none")], KioskState.OPEN, say=said.append)
    await page.run()
    assert page.state is KioskState.NO_BROWSER and "cannot be started" in said[0].en
    await Kiosk((), KioskState.NO_SCREEN, say=said.append).run()
    assert len(said) == 1
