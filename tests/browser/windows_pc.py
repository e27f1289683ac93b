"""A PC with Windows, as far as Wine is one: it runs the command file that makes it a room.

Its command interpreter, its registry and its folders are Wine's. Three programs that Wine has not,
or only in name (`fltmc`, `certutil`, PowerShell), are stood in for beside the file, where they are
found first: each writes down what it was asked, and certutil keeps the certificate it was given.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

import pip

RUN_LIMIT_S = 180.0  # making the PC takes a quarter of a minute alone
BROWSERS = {
    "chrome": PureWindowsPath("Google/Chrome/Application/chrome.exe"),
    "edge": PureWindowsPath("Microsoft/Edge/Application/msedge.exe"),
}
# A program for Windows that starts what its end names, waits for it and returns its exit code.
_LAUNCHER = Path(pip.__file__).parent / "_vendor/distlib/t64.exe"
_STAND_IN = """\
@echo off
>> C:\\told-{program}.txt echo %*
set > C:\\environment-{program}.txt
if not "%5"=="" if exist %5 copy %5 C:\\kept-{program} >nul
exit /b {code}
"""
_ENTRY = re.compile(r"^ +\S+ +REG_SZ +(.+?)\r?$", re.M)


def has_wine() -> bool:
    """Debian's packages `wine` and `wine64`."""
    return shutil.which("wine") is not None


class WindowsPc:
    """One PC: `drive` is its C:, `downloads` the folder the file is run from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drive = folder / "pc" / "drive_c"
        self.downloads = self.drive / "Downloads of li"
        self._wine("wineboot", "--init")
        self.downloads.mkdir()
        for program in ("fltmc", "certutil", "powershell"):
            self.stand_in(program)

    def stand_in(self, program: str, *, code: int = 0) -> None:
        """From now on this program does nothing but write down, and ends with this exit code."""
        said = _STAND_IN.format(program=program, code=code)
        (self.drive / f"{program}.cmd").write_bytes(said.replace("\n", "\r\n").encode())
        nothing = io.BytesIO()
        with zipfile.ZipFile(nothing, "w") as archive:
            archive.writestr("nothing", "")
        start = f"#!C:\\windows\\system32\\cmd.exe /c C:\\{program}.cmd\n".encode()
        (self.downloads / f"{program}.exe").write_bytes(
            _LAUNCHER.read_bytes() + start + nothing.getvalue()
        )

    def install(self, browser: str, *, into: str = "Program Files") -> None:
        """The browser's program lies where its own installation puts it."""
        place = self.drive / into / BROWSERS[browser]
        place.parent.mkdir(parents=True)
        place.touch()

    def run(self, file: Path) -> subprocess.CompletedProcess[bytes]:
        """Runs a command file as one that is double-clicked, by an administrator."""
        shutil.copy(file, self.downloads)
        return self._wine("cmd", "/c", file.name)

    def asked(self, program: str) -> list[str]:
        """What this program was asked, a command line for each time."""
        told = self.drive / f"told-{program}.txt"
        lines = told.read_text().splitlines() if told.exists() else []
        return [line.split('.exe" ', 1)[-1].strip() for line in lines]

    def environment(self, program: str) -> dict[str, str]:
        """The variables that it had when it was asked last."""
        lines = (self.drive / f"environment-{program}.txt").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def kept(self, program: str) -> bytes:
        """The file that it was given last."""
        return (self.drive / f"kept-{program}").read_bytes()

    def policy(self, browser: str, name: str) -> list[str]:
        """A list among a browser's policies, as the registry has it."""
        asked = self._wine("reg", "query", rf"HKLM\SOFTWARE\Policies\{browser}\{name}")
        return _ENTRY.findall(asked.stdout.decode())

    def stop(self) -> None:
        """Ends this PC's processes."""
        for word in ("--kill", "--wait"):
            subprocess.run(["wineserver", word], env=self._environment, check=False)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": f"{os.environ['PATH']}:/usr/lib/wine",
            "WINEPREFIX": str(self.folder / "pc"),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",  # it asks for nothing to be downloaded
        }

    def _wine(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["wine", *words],
            cwd=self.downloads if self.downloads.exists() else self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,  # `pause` goes on
            capture_output=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )


@contextmanager
def windows_pc(folder: Path) -> Iterator[WindowsPc]:
    """A PC of its own in this folder: most of a gigabyte, kept by nobody."""
    pc = WindowsPc(folder)
    try:
        yield pc
    finally:
        pc.stop()
