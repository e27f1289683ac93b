"""The pages for teachers, rooms and IT stand in both languages, and say the same in both.

The words of buttons that they name are held by `web_client/tests/pages_in_words.test.ts`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.test_chinese import HALF_WIDTH, NOT_SAID

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md", ROOT / "README.zh.md"
PAGES = {
    name: (DOCS / f"{name}.md", DOCS / "zh" / f"{name}.md")
    for name in (
        "archive_format",
        "browsers",
        "doctor",
        "encoders",
        "hardware_profiles",
        "metrics",
        "networks",
        "operating",
        "outputs",
        "recording",
        "room_agent",
        "rooms",
        "running",
        "security",
        "settings",
        "simulate",
        "teachers",
        "weak_lines",
    )
}
TWINS = {english.resolve(): chinese.resolve() for english, chinese in [README, *PAGES.values()]}

BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What a page says in figures of three and more, and in fractions, has no other way to be said.
TOLD = re.compile(r"(?<![\w.])\d+\.\d+|(?<![\w.])\d{3,}")
HAN = "[一-鿿]"
BLANK = re.compile(rf"{HAN} {HAN}| [，。：；！？、）”]|[，。：；！？、（“] ")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[str]:
    """The blocks of code, without their comments."""
    return [re.sub(r"\s*# .*", "", block) for block in BLOCK.findall(text_of(page))]


def prose(page: Path) -> str:
    return BLOCK.sub("", text_of(page))


def spans(page: Path) -> set[str]:
    """What stands in the sentences as code: settings, options, commands, paths, answers."""
    return {" ".join(span.split()) for span in SPAN.findall(prose(page))}


def sentences(page: Path) -> list[str]:
    """The lines as they are read: code is a word, of a link its words are left."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", SPAN.sub("X", prose(page)))
    return text.splitlines()


def headings(page: Path) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)
    return [(len(signs), words) for signs, words in found]


def anchors(page: Path) -> set[str]:
    """As GitHub names them."""
    return {
        "".join(
            "-" if sign == " " else sign.lower()
            for sign in words
            if sign in " -_" or unicodedata.category(sign)[0] in "LNM"
        )
        for _, words in headings(page)
    }


def tables(page: Path) -> list[list[str]]:
    """The rows of each table."""
    found = re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE)
    return [table.splitlines() for table in found]


def links(page: Path) -> Iterator[str]:
    """Where it leads within this folder."""
    for target in LINK.findall(prose(page)):
        if not re.match(r"https?:", target):
            yield target


@pytest.mark.parametrize("name", PAGES)
def test_what_stands_as_code_stands_in_both(name: str) -> None:
    english, chinese = PAGES[name]
    assert spans(english) == spans(chinese)
    assert blocks(english) == blocks(chinese)


def test_there_is_no_page_without_its_twin() -> None:
    assert {page.name for page in (DOCS / "zh").iterdir()} == {f"{name}.md" for name in PAGES}
    for english, chinese in [README, *PAGES.values()]:
        there = chinese.relative_to(english.parent)
        back = "../" * (len(there.parts) - 1) + english.name
        assert text_of(english).splitlines()[1] == f"[中文]({there})"
        assert text_of(chinese).splitlines()[1] == f"[English]({back})"


@pytest.mark.parametrize("name", PAGES)
def test_both_have_the_same_parts_and_figures(name: str) -> None:
    english, chinese = PAGES[name]
    assert [depth for depth, _ in headings(english)] == [depth for depth, _ in headings(chinese)]
    assert list(map(len, tables(english))) == list(map(len, tables(chinese)))
    told = [TOLD.findall(prose(page).replace(",", "")) for page in PAGES[name]]
    assert set(told[0]) <= set(told[1])
    for rows in zip(tables(english), tables(chinese), strict=True):
        for one, other in zip(*rows, strict=True):
            assert set(SPAN.findall(one)) == set(SPAN.findall(other))


def test_the_readme_starts_it_alike() -> None:
    english, chinese = map(blocks, README)
    assert english == chinese
    assert len(english) == 3


def test_links_lead_somewhere_and_stay_in_their_language() -> None:
    pages = {page.resolve() for page in DOCS.rglob("*.md")} | {*TWINS, *TWINS.values()}
    lost, followed = [], 0
    for page in sorted(pages):
        for target in links(page):
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            followed += 1
            known = to.exists() and (not anchor or anchor in anchors(to))
            other = to in TWINS and page in TWINS.values() and TWINS[to] != page
            if not known or other:
                lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert followed > 100
    assert lost == []


@pytest.mark.parametrize("page", TWINS.values(), ids=lambda page: page.name)
def test_chinese_is_written_as_chinese(page: Path) -> None:
    lines = sentences(page)
    assert len(lines) > 20
    wrong = [line for line in lines if HALF_WIDTH.search(line) or NOT_SAID.search(line)]
    assert wrong == []
    assert [line for line in lines if not line.startswith("|") and BLANK.search(line)] == []


@pytest.mark.parametrize("page", TWINS.values(), ids=lambda page: page.name)
def test_a_chinese_paragraph_is_one_line(page: Path) -> None:
    """A line's end becomes a blank on the page, which Chinese has none of."""
    lines = prose(page).splitlines()[2:]
    assert [
        after
        for before, after in pairwise(lines)
        if before and after and not re.match(r"[|*#-]|\d+\. ", after)
    ] == []
