"""Files that make a PC trust this server: for Windows and for Linux, run once on each.

They install the authority's certificate and let the server's pages use camera, microphone and
sound unasked (browser policies), so that a room starts untouched. They are text, made of the
certificate and the server's addresses alone: no secret is in them, anybody may have them.
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
#: Chromium's policies for pages that may do so unasked.
_ALLOWED_PAGES = ("AudioCaptureAllowedUrls", "VideoCaptureAllowedUrls", "AutoplayAllowlist")
_WINDOWS_BROWSERS = ("Microsoft\\Edge", "Google\\Chrome", "Chromium")
# A list's entries have numbers as names; this one is nobody else's.
_ENTRY = 7880


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
            try:
                plain = f"{scheme}://{rest.encode('idna').decode()}"
            except UnicodeError:
                continue
        if _ORIGIN.fullmatch(plain):
            found.append(plain)
    return list(dict.fromkeys(found))


def policy(authority: x509.Certificate, origins: Iterable[str]) -> str:
    """The policy file of Chromium, Chrome and Edge on Linux."""
    der = authority.public_bytes(serialization.Encoding.DER)
    pages = safe_origins(origins)
    rules: dict[str, list[str]] = dict.fromkeys(_ALLOWED_PAGES, pages)
    # For every user of the PC; browsers before 128 do not know it and have the database alone.
    rules["CACertificates"] = [base64.b64encode(der).decode()]
    return json.dumps(rules, indent=2)


def linux_script(authority: x509.Certificate, origins: Iterable[str]) -> str:
    """For Chromium, Chrome and Edge on Linux: run as their user, or with sudo for policies too."""
    return _LINUX.format(
        name=words_of(authority.subject),
        fingerprint=fingerprint_of(authority),
        pem=pem_of(authority).decode().strip(),
        policy=policy(authority, origins),
    )


def windows_script(authority: x509.Certificate, origins: Iterable[str]) -> str:
    """For Edge and Chrome on Windows: a command file that asks for administrator's rights."""
    pem = "\n".join(f"echo {line}" for line in pem_of(authority).decode().splitlines())
    pages = safe_origins(origins)
    # A line each and no block around them: without a page to allow, an empty one is an error.
    rules = "\n".join(
        f'reg add "HKLM\\SOFTWARE\\Policies\\{browser}\\{name}" /v {_ENTRY + number} /t REG_SZ'
        f' /d "{page}" /f >nul || goto failed'
        for browser in _WINDOWS_BROWSERS
        for name in _ALLOWED_PAGES
        for number, page in enumerate(pages)
    )
    text = _WINDOWS.format(
        name=words_of(authority.subject),
        fingerprint=fingerprint_of(authority),
        pem=pem,
        rules=rules,
    )
    return text.replace("\n", "\r\n")


_LINUX = """\
#!/bin/sh
# Tongke 同课: makes this PC trust the server's certificate authority
#   {name}
#   SHA-256 {fingerprint}
# 让这台电脑信任服务器的证书。以浏览器的用户运行；用 sudo 运行还会允许网页直接使用摄像头、
# 麦克风和声音（无人值守的教室需要）。
# Run it as the user who uses the browser:     sh tongke-linux.sh
# For a room that nobody touches, policies too: sudo sh tongke-linux.sh
set -eu

user=${{SUDO_USER:-}}
if [ -n "$user" ]; then
    home=$(getent passwd "$user" | cut -d: -f6)
    as_user() {{ sudo -u "$user" -H "$@"; }}
else
    home=$HOME
    as_user() {{ "$@"; }}
fi
umask 022
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
echo "请关闭并重新打开浏览器。  Close the browser and open it again."
"""

_WINDOWS = """\
@echo off
rem Tongke: makes this PC trust the server's certificate authority
rem   {name}
rem   SHA-256 {fingerprint}
rem and lets its pages use camera, microphone and sound in Edge and Chrome.
setlocal
rem Answers administrators alone, whichever services run.
fltmc >nul 2>&1
if errorlevel 1 (
  set "SELF=%~f0"
  powershell -NoProfile -Command "Start-Process -FilePath $env:SELF -Verb RunAs"
  exit /b
)
set "CA=%TEMP%\\tongke-ca.crt"
> "%CA%" (
{pem}
)
certutil -addstore -f Root "%CA%" || goto failed
del "%CA%"
{rules}
chcp 65001 >nul
echo.
echo This PC trusts {name}. Close the browser and open it again.
echo 这台电脑已信任 {name}。请关闭并重新打开浏览器。
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
