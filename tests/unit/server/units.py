"""A service's unit as a page prints it, and what systemd's own tools say of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd (scripts/need-servers.sh)"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it writes as root alone")


def printed(page: Path) -> list[str]:
    """The units of a page, by their first lines."""
    return re.findall(r"^```ini\n(# Made by.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def analyzed(file: Path, text: str, *arguments: str, **changes: str) -> str:
    """What `systemd-analyze` says of it with some lines changed; "" takes a line away."""
    for name, value in changes.items():
        text = re.sub(rf"^{name}=.*\n", f"{name}={value}\n" if value else "", text, flags=re.M)
    file.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", *arguments, str(file)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def exposure(file: Path, text: str, **changes: str) -> float:
    """How open it leaves the machine, as systemd counts: 0 to 10. Up to 3 it says OK."""
    told = analyzed(file, text, "security", "--offline=yes", User="nobody", **changes)
    (found,) = re.findall(r"exposure level for .*: ([0-9.]+)", told)
    return float(found)
