"""The one file that makes a PC a room: what it installs, and what is never in it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from server.door.install_files import linux_script, windows_script
from tests.unit.server.door.certificate_files import made
from tests.unit.server.world import World, post

ORIGIN = "https://10.0.0.5:7880"
ROOM = f"{ORIGIN}/room#credential=tkr_A-b_9"
HOSTILE = "一班 \"& del %TEMP% & rem ' $(id) `id` \\ ^ | > x"


@pytest.mark.parametrize("write", [linux_script, windows_script])
@pytest.mark.parametrize(
    "room",
    [
        f"{ROOM}'",
        f'{ROOM}" & del x',
        f"{ROOM}%PATH%",
        f"{ROOM}\nrm -rf /",
        f"{ORIGIN}/room#credential=",
        "javascript:alert(1)",
        "https://a$(id).cn/room#credential=tkr_x",
    ],
)
def test_no_address_that_could_do_harm_comes_into_a_file(
    write: Callable[..., object], room: str
) -> None:
    with pytest.raises(ValueError, match="not a room's address"):
        write(None, [ORIGIN], room=room)


def test_the_file_for_linux_starts_the_room_with_the_pc(tmp_path: Path) -> None:
    """Run as it is run; what it leaves is started, and a browser of the test's says by what."""
    home, programs = tmp_path / "home of li", tmp_path / "bin"
    home.mkdir()
    programs.mkdir()
    browser = programs / "chromium"
    browser.write_text('#!/bin/sh\nfor one in "$@"; do echo "$one"; done\n')
    browser.chmod(0o755)
    environment = {
        "HOME": str(home),
        "PATH": f"{programs}:/usr/sbin:/usr/bin:/bin",
        "DESTDIR": str(tmp_path / "packaged"),
    }
    script = linux_script(None, [ORIGIN], room=ROOM)
    assert "certutil" not in script  # nobody's authority is to be installed
    for _ in range(2):
        done = subprocess.run(
            ["sh", "-c", script], env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    entry = (home / ".config/autostart/tongke-room.desktop").read_text()
    (start,) = re.findall(r'^Exec="(.+)"$', entry, re.M)
    assert Path(start).stat().st_mode & 0o777 == 0o700
    told = subprocess.run([start], env=environment, capture_output=True, text=True, check=True)
    options = told.stdout.splitlines()
    assert options[-1] == ROOM
    assert "--kiosk" in options
    assert (tmp_path / "packaged/etc/chromium/policies/managed/tongke.json").is_file()


def test_the_file_for_windows_starts_the_room_with_the_pc() -> None:
    """Read, not run: every line of it is one that was meant."""
    root = made("Tongke CA").certificate
    lines = windows_script(root, [ORIGIN], room=ROOM).split("\r\n")
    assert not any("\n" in line for line in lines)
    (options,) = [line for line in lines if ROOM in line]
    assert options == f'set "OPTIONS=--kiosk {ROOM} --edge-kiosk-type=fullscreen --no-first-run"'
    tried = [line for line in lines if re.search(r'set "BROWSER=.*(chrome|msedge)\.exe"$', line)]
    assert len(tried) == 4
    assert lines[lines.index(tried[-1]) + 1] == 'if not exist "%BROWSER%" goto failed'
    # The certificate comes first: what follows may fail for want of a browser.
    assert next(n for n, line in enumerate(lines) if "certutil" in line) < lines.index(options)
    assert all(line.count('"') % 2 == 0 for line in lines)
    labels = {line[1:] for line in lines if re.fullmatch(r":\w+", line)}
    assert {goto for line in lines for goto in re.findall(r"goto (\w+)", line)} == labels
    before = "\n".join(lines[: lines.index("chcp 65001 >nul")])
    assert before.isascii()


@pytest.mark.parametrize("system", ["windows", "linux"])
async def test_a_rooms_file_has_a_credential_of_its_own_and_no_names(
    world: World, system: str
) -> None:
    admin = await world.administrator()
    school = await post(admin, "/api/schools", {"name": HOSTILE, "kind": "rural"})
    room = await post(admin, "/api/classrooms", {"school_id": school["id"], "name": HOSTILE})
    path = f"/api/classrooms/{room['id']}"
    told = await post(admin, f"{path}/room_files", {"label": HOSTILE, "system": system})
    for part in ("del %TEMP%", "$(id)", "`id`", "一班"):
        assert part not in told["text"]
    (secret,) = re.findall(r"/room#credential=(tkr_[\w-]+)", told["text"])
    pc = await world.browser()
    answer = await pc.get("/api/room", headers={"authorization": f"Bearer {secret}"})
    assert answer.json()["classroom"]["id"] == room["id"]
    listed = (await admin.get(f"{path}/credentials")).json()
    assert [one["id"] for one in listed] == [told["credential"]["id"]]
    assert secret not in str(listed)
