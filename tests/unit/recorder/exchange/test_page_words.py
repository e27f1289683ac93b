"""The exported page has words for all that the time line tells: one that lacks stops the page."""

from __future__ import annotations

import re

import pytest

from recorder.exchange.page_files import page_files
from recorder.exchange.timeline import _CHAPTERS


@pytest.mark.parametrize("kind", sorted(_CHAPTERS))
def test_every_kind_of_chapter_has_its_words_in_both_languages(kind: str) -> None:
    words = next(text for name, text in page_files() if name.endswith("words.js"))
    text = words if isinstance(words, str) else words.decode()
    key = f"{kind}_chapter" if kind in {"screen", "pause"} else kind  # as in `player.js`
    told = re.findall(rf"^    {key}: \"(.+)\",$", text, re.MULTILINE)
    titles = list(_CHAPTERS[kind][::-1])  # Chinese stands first on the page
    assert told == titles
