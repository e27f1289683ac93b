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


def links(page: Path) -> list[Path]:
    text = page.read_text(encoding="utf-8")
    return [page.parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]


def test_every_link_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "architecture.md"):
        assert len(links(page)) > 3
        assert [link for link in links(page) if not link.exists()] == []


def test_the_readme_leads_to_the_maps_in_the_code() -> None:
    """A package that tells where its parts are is met by who begins at the top."""
    linked = {link.resolve() for link in links(ROOT / "README.md")}
    for package in ("server", "signaling", "mixer", "recorder", "hardware_profiles"):
        assert ROOT / package / "__init__.py" in linked
    assert {*ROOT.glob("mixer/**/README.md"), ROOT / "web_client" / "README.md"} <= linked
