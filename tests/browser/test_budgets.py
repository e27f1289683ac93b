"""What a first visit loads: every page's code, compressed as the server does it.

Read from the build's own manifest, so that nothing is timed: an old PC on a thin line waits for
every kilobyte.
"""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser  # the pages are built for these tests

CLIENT = Path(__file__).parents[2] / "web_client"
DIST = CLIENT / "dist"
MOST_BYTES = 80_000
ALWAYS = ("index.html", "src/app.ts")
LANGUAGES = ("src/i18n/zh/index.ts", "src/i18n/en/index.ts")


@cache
def manifest() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((DIST / ".vite" / "manifest.json").read_text())
    return found


def pages() -> list[str]:
    """Every page that the application loads when it is asked for."""
    told = re.findall(
        r'import\("\./(pages/[^"]+)"\)', (CLIENT / "src" / "page_code.ts").read_text()
    )
    return [f"src/{page}" for page in told]


def files_of(*entries: str) -> set[str]:
    """What these chunks load, with all they stand on."""
    files: set[str] = set()
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        chunk = manifest()[key]
        files |= {chunk["file"], *chunk.get("css", ())}
        waiting += chunk.get("imports", ())
    return files


def compressed(file: str) -> int:
    return len(gzip.compress((DIST / file).read_bytes(), 9))


def test_every_page_is_known() -> None:
    assert len(pages()) > 10
    assert "src/pages/player/player.ts" in pages()


def test_the_document_asks_for_the_frame_itself() -> None:
    """What every page begins with is fetched beside the first script, not after it has run."""
    links = re.findall(
        r'rel="modulepreload"[^>]* href="/([^"]+)"', (DIST / "index.html").read_text()
    )
    entry = files_of("index.html")
    assert set(links) == {file for file in files_of("src/app.ts") - entry if file.endswith(".js")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_visit_is_small(language: str) -> None:
    sizes = {
        page: compressed("index.html") + sum(map(compressed, files_of(*ALWAYS, language, page)))
        for page in pages()
    }
    assert {page: size for page, size in sizes.items() if size > MOST_BYTES} == {}
    assert min(sizes.values()) > 20_000  # something is counted
