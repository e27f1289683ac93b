"""The map names what is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_file_on_the_map_is_there() -> None:
    names = set(re.findall(r"`([a-z_./]+\.(?:py|c|ts|css))`", TEXT))
    assert len(names) > 40
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    missing = [
        name for name in names if not any(f"/{file}".endswith(f"/{name}") for file in listed)
    ]
    assert missing == []


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
