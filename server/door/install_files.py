"""Files that make a PC trust this server: for Windows and for Linux, run once on each.

They install the authority's certificate and let the server's pages use camera, microphone and
sound unasked (browser policies), so that a room starts untouched. They are text, made of the
certificate and the server's addresses alone: no secret is in them, anybody may have them.

A room's own file also makes its browser start with the PC, over the whole screen, at the address
that is given: that one has the room's credential in it. No name that people gave is in any of them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from server.door.authority import pem_of
from server.door.condition import words_of

# Only what can do no harm between quotes of a shell, of cmd.exe and of JSON.
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
# A room's address as `server.schools.places` makes it, of such an origin.
_ROOM = re.compile(rf"{_ORIGIN.pattern}/room#credential=[A-Za-z0-9_-]{{1,128}}")
#: Chromium's policies for pages that may do so unasked.
_ALLOWED_PAGES = ("AudioCaptureAllowedUrls", "VideoCaptureAllowedUrls", "AutoplayAllowlist")
_WINDOWS_BROWSERS = ("Microsoft\\Edge", "Google\\Chrome", "Chromium")
# A list's entries have numbers as names; this one is nobody else's.
_ENTRY = 7880
# After each step of the file for Windows. It is made of what every cmd.exe reads alike: no `||`,
# and nothing written from a block.
_OR_FAILED = "if errorlevel 1 goto failed"


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 as browsers show it: pairs with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def safe_origins(addresses: Iterable[str]) -> list[str]:
    """Those that may stand in a script, international names as DNS has them."""
    found = []
    for address in addresses:
        try:
            plain = address.encode("ascii").decode()
        except UnicodeError:
            scheme, _, rest = address.partition("://")
            host, colon, port = rest.partition(":")  # the port is no part of the last label
            try:
                plain = f"{scheme}://{host.encode('idna').decode()}{colon}{port}"
            except UnicodeError:
                continue
        if _ORIGIN.fullmatch(plain):
            found.append(plain)
    return list(dict.fromkeys(found))


def policy(authority: x509.Certificate | None, origins: Iterable[str]) -> str:
    """The policy file of Chromium, Chrome and Edge on Linux."""
    pages = safe_origins(origins)
    rules: dict[str, list[str]] = dict.fromkeys(_ALLOWED_PAGES, pages)
    if authority is not None:
        # For every user of the PC; browsers before 128 do not know it and have the database alone.
        der = authority.public_bytes(serialization.Encoding.DER)
        rules["CACertificates"] = [base64.b64encode(der).decode()]
    return json.dumps(rules, indent=2)


def linux_script(
    authority: x509.Certificate | None, origins: Iterable[str], *, room: str = ""
) -> str:
    """For Chromium, Chrome and Edge on Linux: run as their user, or with sudo for policies too.

    Without an `authority` of ours there is none to trust; `room` is the address of a room that
    starts with its PC.
    """
    _check(room)
    parts = [_LINUX_BEGIN]
    if authority is not None:
        parts.append(
            _LINUX_TRUST.format(
                name=words_of(authority.subject),
                fingerprint=fingerprint_of(authority),
                pem=pem_of(authority).decode().strip(),
            )
        )
    parts.append(_LINUX_POLICY.format(policy=policy(authority, origins)))
    if room:
        parts.append(_LINUX_ROOM.format(room=room))
    return "".join((*parts, _LINUX_END))


def windows_script(
    authority: x509.Certificate | None, origins: Iterable[str], *, room: str = ""
) -> str:
    """For Edge and Chrome on Windows: a command file that asks for administrator's rights."""
    _check(room)
    pages = safe_origins(origins)
    # A line each and no block around them: without a page to allow, an empty one is an error.
    rules = "\n".join(
        f'reg add "HKLM\\SOFTWARE\\Policies\\{browser}\\{name}" /v {_ENTRY + number} /t REG_SZ'
        f' /d "{page}" /f >nul\n{_OR_FAILED}'
        for browser in _WINDOWS_BROWSERS
        for name in _ALLOWED_PAGES
        for number, page in enumerate(pages)
    )
    parts = [_WINDOWS_BEGIN]
    if authority is not None:
        parts.append(
            _WINDOWS_TRUST.format(
                name=words_of(authority.subject),
                fingerprint=fingerprint_of(authority),
                pem="\n".join(
                    f'>> "%CA%" echo {line}' for line in pem_of(authority).decode().splitlines()
                ),
            )
        )
    parts.append(f"{rules}\n")
    if room:
        parts.append(_WINDOWS_ROOM.format(room=room))
    return "".join((*parts, _WINDOWS_END)).replace("\n", "\r\n")


def _check(room: str) -> None:
    """Raises `ValueError` for an address that could do harm in a script."""
    if room and _ROOM.fullmatch(room) is None:
        raise ValueError("not a room's address")


_LINUX_BEGIN = """\
#!/bin/sh
# Tongke 同课: makes this PC ready for the server's pages
# 以浏览器的用户运行；用 sudo 运行还会允许网页直接使用摄像头、麦克风和声音（无人值守的教室需要）。
# Run it as the user who uses the browser:     sh FILE
# For a room that nobody touches, policies too: sudo sh FILE
set -eu

user=${SUDO_USER:-}
if [ -n "$user" ]; then
    home=$(getent passwd "$user" | cut -d: -f6)
    as_user() { sudo -u "$user" -H "$@"; }
else
    home=$HOME
    as_user() { "$@"; }
fi
umask 022
"""

_LINUX_TRUST = """
# The server's certificate authority is trusted from now on:
#   {name}
#   SHA-256 {fingerprint}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cat >"$work/ca.crt" <<'END_OF_CERTIFICATE'
{pem}
END_OF_CERTIFICATE

if ! command -v certutil >/dev/null; then
    echo "缺少 certutil，请先安装：  It needs certutil; install it first:" >&2
    echo "  Debian, Ubuntu, UOS, Kylin: apt install libnss3-tools" >&2
    echo "  Fedora, openEuler, Anolis:  dnf install nss-tools" >&2
    exit 1
fi

# Where Chromium, Chrome and Edge keep this user's certificates; snap's Chromium has its own home.
trust() {{
    if [ ! -f "$1/cert9.db" ]; then
        as_user mkdir -p "$1"
        as_user certutil -d "sql:$1" -N --empty-password
    fi
    as_user certutil -d "sql:$1" -D -n "{name}" 2>/dev/null || true
    as_user certutil -d "sql:$1" -A -t "C,," -n "{name}" -i "$work/ca.crt"
}}
trust "$home/.pki/nssdb"
[ ! -d "$home/snap/chromium/current" ] || trust "$home/snap/chromium/current/.pki/nssdb"
echo "已信任 {name}。  {name} is trusted."
"""

_LINUX_POLICY = """
# Policies lie where only root writes. DESTDIR puts them elsewhere, for packaging.
root=${{DESTDIR:-}}
if [ "$(id -u)" = 0 ] || [ -n "$root" ]; then
    for place in chromium chromium-browser opt/chrome opt/edge; do
        folder=$root/etc/$place/policies/managed
        mkdir -p "$folder"
        cat >"$folder/tongke.json" <<'END_OF_POLICY'
{policy}
END_OF_POLICY
    done
    echo "已允许网页使用摄像头、麦克风和声音。  Its pages may use camera, microphone and sound."
fi
"""

_LINUX_ROOM = """
# The browser starts with the PC, over the whole screen. Whoever reads this address is the room:
# it is for the user of the browser alone.
place=$home/.local/share/tongke
as_user mkdir -p "$place" "$home/.config/autostart"
as_user sh -c 'umask 077; cat >"$1"' sh "$place/room.sh" <<'END_OF_ROOM'
#!/bin/sh
for browser in google-chrome google-chrome-stable microsoft-edge microsoft-edge-stable \\
    chromium chromium-browser; do
    if command -v "$browser" >/dev/null; then
        exec "$browser" --kiosk --no-first-run --noerrdialogs --disable-session-crashed-bubble \\
            --autoplay-policy=no-user-gesture-required \\
            --auto-accept-camera-and-microphone-capture '{room}'
    fi
done
END_OF_ROOM
as_user chmod 700 "$place/room.sh"
as_user sh -c 'cat >"$1"' sh "$home/.config/autostart/tongke-room.desktop" <<END_OF_START
[Desktop Entry]
Type=Application
Name=Tongke
Exec="$place/room.sh"
END_OF_START
echo "开机登录后会自动进入教室页面。  The room's page opens by itself after signing in to the PC."
"""

_LINUX_END = """
echo "请关闭并重新打开浏览器。  Close the browser and open it again."
"""

_WINDOWS_BEGIN = """\
@echo off
rem Tongke: makes this PC ready for the server's pages in Edge and Chrome:
rem they may use camera, microphone and sound.
setlocal
rem Answers administrators alone, whichever services run.
fltmc >nul 2>&1
if errorlevel 1 (
  set "SELF=%~f0"
  powershell -NoProfile -Command "Start-Process -FilePath $env:SELF -Verb RunAs"
  exit /b
)
"""

_WINDOWS_TRUST = """\
rem The server's certificate authority is trusted from now on:
rem   {name}
rem   SHA-256 {fingerprint}
set "CA=%TEMP%\\tongke-ca.crt"
if exist "%CA%" del "%CA%"
{pem}
certutil -addstore -f Root "%CA%"
if errorlevel 1 goto failed
del "%CA%"
"""

_WINDOWS_ROOM = """\
rem The browser starts with the PC, over the whole screen. Whoever reads this address is the room.
set "BROWSER=%ProgramFiles%\\Google\\Chrome\\Application\\chrome.exe"
if not exist "%BROWSER%" set "BROWSER=%ProgramFiles(x86)%\\Google\\Chrome\\Application\\chrome.exe"
if not exist "%BROWSER%" set "BROWSER=%ProgramFiles(x86)%\\Microsoft\\Edge\\Application\\msedge.exe"
if not exist "%BROWSER%" set "BROWSER=%ProgramFiles%\\Microsoft\\Edge\\Application\\msedge.exe"
if not exist "%BROWSER%" goto failed
set "OPTIONS=--kiosk {room} --edge-kiosk-type=fullscreen --no-first-run"
set "OPTIONS=%OPTIONS% --autoplay-policy=no-user-gesture-required"
set "LINK=%ProgramData%\\Microsoft\\Windows\\Start Menu\\Programs\\StartUp\\Tongke.lnk"
set "MAKE=$s = (New-Object -ComObject WScript.Shell).CreateShortcut($env:LINK);"
set "MAKE=%MAKE% $s.TargetPath = $env:BROWSER; $s.Arguments = $env:OPTIONS; $s.Save()"
powershell -NoProfile -Command "%MAKE%"
if errorlevel 1 goto failed
"""

_WINDOWS_END = """\
chcp 65001 >nul
echo.
echo This PC is ready. Close the browser and open it again, or restart the PC.
echo 这台电脑已准备好。请关闭并重新打开浏览器，或重新启动电脑。
pause
exit /b 0

:failed
chcp 65001 >nul
echo.
echo That did not work: run this file as an administrator (right click).
echo 未能完成：请右键单击本文件，选择“以管理员身份运行”。
pause
exit /b 1
"""
