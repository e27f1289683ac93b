"""The exported page has words for all that the time line tells: one that lacks stops the page."""

from __future__ import annotations

import re

import pytest

from recorder.exchange.page_files import page_files
from recorder.exchange.timeline import _CHAPTERS
from tests.unit.test_chinese import HALF_WIDTH, HAN, NOT_SAID


def page_words() -> str:
    words = next(text for name, text in page_files() if name.endswith("words.js"))
    return words if isinstance(words, str) else words.decode()


@pytest.mark.parametrize("kind", sorted(_CHAPTERS))
def test_every_kind_of_chapter_has_its_words_in_both_languages(kind: str) -> None:
    text = page_words()
    key = f"{kind}_chapter" if kind in {"screen", "pause"} else kind  # as in `player.js`
    told = re.findall(rf"^    {key}: \"(.+)\",$", text, re.MULTILINE)
    titles = list(_CHAPTERS[kind][::-1])  # Chinese stands first on the page
    assert told == titles


def test_its_chinese_is_that_of_the_other_pages() -> None:
    """That its chapters are called as the player's: `web_client/tests/words.test.ts`."""
    said = [
        text for text in re.findall(r"\"(.+)\",$", page_words(), re.MULTILINE) if HAN.search(text)
    ]
    assert len(said) > 25
    assert [text for text in said if HALF_WIDTH.search(text) or NOT_SAID.search(text)] == []
