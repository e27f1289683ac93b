"""Names as people see them: what nobody sees is taken out, what looks alike compares as one.

Text pasted from a chat, a table or a PDF carries marks that nobody sees: direction marks,
zero-width spaces, a byte order mark; two schools then bear what everybody reads as one name, or a
name turns the sentence around it. `visible` takes them out before anything is kept; joiners and
variation selectors stay where a script is written with them (Arabic, Indic, Mongolian, emoji).

`look_of` is what names are compared by, never what is shown: width, case, composition and the
letters' script make no difference (UAX #15 NFKC, case folding; UTS #39 for the idea). The whole of
UTS #39's confusables, 6,000 pairs that also make `1` and `l`, `0` and `O`, `rn` and `m` one, would
refuse `zhang1` beside `zhangl`, and mixing scripts is everyday writing (`3班A组`). So here stand
only the twins across scripts that a keyboard, a phonetic font or a PDF in this country produces:
Cyrillic and Greek for Latin, kana, bopomofo and radicals for Han. Simplified and traditional
characters are told apart by everybody who reads them, and stay two
(`docs/decisions/0014-simplified-and-traditional-are-two.md`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Letters of other scripts, folded for case, that look like this one in either case.
_LATIN_TWINS = {
    "a": "аαɑ",
    "b": "вьβ",
    "c": "сϲ",
    "d": "ԁ",
    "e": "еε",
    "g": "ɡ",
    "h": "нһηհ",
    "i": "іιı",
    "j": "јյ",
    "k": "кκ",
    "l": "ӏ",
    "m": "мμ",
    "n": "νո",
    "o": "оοσօ",
    "p": "рρ",
    "q": "ԛզ",
    "s": "ѕ",
    "t": "тτ",
    "u": "ս",
    "v": "ѵ",
    "w": "ԝ",
    "x": "хχ",
    "y": "уυү",
    "z": "ζ",
    "3": "зʒ",
    "-": "\u2010\u2012\u2013\u2212",  # hyphens and the dashes of their width
}
_HAN_TWINS = {
    "一": "ーㄧᅳ",
    "二": "ニ",
    "八": "ハ",
    "力": "カ",
    "口": "ロᄆ",
    "工": "エ",
    "夕": "タ",
    "卜": "ト",
    "又": "ヌㄡ",
    "厶": "ムㄙ",
    "才": "オ",
    "千": "チ",
    "勹": "ㄅ",
    "冂": "ㄇ",
    "匚": "ㄈ",
    "丩": "ㄐ",
    "厂": "ㄏ",
    "尸": "ㄕ",
    "日": "ㄖ",
    "卩": "ㄗ",
    "丫": "ㄚ",
    "幺": "ㄠ",
    "尢": "ㄤ",
    "儿": "ㄦ",
    "乂": "ㄨ",
    "へ": "ヘ",
}
# PDF files give these for the characters themselves; NFKC knows only the Kangxi radicals.
_RADICALS = dict(
    zip(
        "⺁⺄⺇⺋⺒⺓⺝⺟⺠⺮⻁⻄⻅⻆⻉⻋⻑⻒⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
        "厂乙几卩巳幺月母民竹虎西见角贝车長镸长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
        strict=True,
    )
)
_TWINS = str.maketrans(
    {
        twin: letter
        for twins in (_LATIN_TWINS, _HAN_TWINS)
        for letter, others in twins.items()
        for twin in others
    }
)
# Marks of category Cf that are seen: Arabic number and verse signs (Unicode §9.2) and their kind.
_SEEN = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# What is not Cf and yet not seen (Default_Ignorable_Code_Point, and the blank braille cell).
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0")
# First and last of the unassigned ones that no font draws; variation selectors lie among them.
_NEVER_SEEN = (("\ufdd0", "\ufdef"), ("\ufff0", "\ufff8"), ("\U000e0000", "\U000e0fff"))
_JOINERS = frozenset("\u200c\u200d")
# First and last of the blocks whose letters are joined or kept apart by hand.
_JOINING = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1800, 0x18AF), (0xA840, 0xA87F))


def visible(text: str) -> str:
    """`text` composed (NFC) and without what nobody sees. May be empty."""
    kept: list[str] = []
    for sign in unicodedata.normalize("NFC", text):
        if not _unseen(sign) or (kept and _needed(sign, kept[-1])):
            kept.append(_RADICALS.get(sign) or _kangxi(sign))
    while kept and _unseen(kept[-1]) and not _selects(kept[-1]):
        kept.pop()  # a joiner joins nothing at the end
    return "".join(kept)


@lru_cache(maxsize=4096)  # a list of names is compared with each new one
def look_of(name: str) -> str:
    """The name as compared: the same for all that people would read as the same."""
    seen = "".join(sign for sign in visible(name) if not _unseen(sign))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return " ".join(folded.translate(_TWINS).split())


def is_taken(name: str, others: Iterable[str]) -> bool:
    """Whether one of `others` would be read as `name`. A region has some hundreds of each kind."""
    look = look_of(name)
    return any(look_of(other) == look for other in others)


def _unseen(sign: str) -> bool:
    if sign.isascii():
        return False
    if sign in _UNSEEN or _selects(sign) or ord(sign) & 0xFFFE == 0xFFFE:
        return True
    if any(first <= sign <= last for first, last in _NEVER_SEEN):
        return True
    return unicodedata.category(sign) == "Cf" and sign not in _SEEN


def _selects(sign: str) -> bool:
    """Whether it chooses a variant of the sign before it."""
    return (
        "\ufe00" <= sign <= "\ufe0f"
        or "\u180b" <= sign <= "\u180f"
        or "\U000e0100" <= sign <= "\U000e01ef"
    )


def _needed(sign: str, before: str) -> bool:
    """Whether this unseen sign belongs to the way the one before it is written."""
    is_picture = unicodedata.category(before) in {"So", "Sk"} or before == "\ufe0f"
    if sign in _JOINERS:
        return is_picture or any(first <= ord(before) <= last for first, last in _JOINING)
    if "\u180b" <= sign <= "\u180f":
        return "\u1800" <= before <= "\u18af" and not _unseen(before)
    if sign in "\ufe0e\ufe0f":
        return is_picture and before != "\ufe0f"
    if "\U000e0100" <= sign <= "\U000e01ef":  # variants of Han characters (UTS #37)
        return "CJK UNIFIED" in unicodedata.name(before, "")
    return False


def _kangxi(sign: str) -> str:
    return unicodedata.normalize("NFKC", sign) if "⼀" <= sign <= "⿕" else sign
