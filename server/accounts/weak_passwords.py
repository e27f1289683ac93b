"""Passwords that a guesser tries first (NIST SP 800-63B §5.1.1.2): refused when they are chosen.

Three kinds: what is typed along the keyboard or by one piece again and again (`12345678`,
`1qaz2wsx`, `abcabcab`), the words that lists of stolen passwords begin with, and the names that
stand beside the password (the account's, the person's, the school's, the product's). Digits and
signs around a word hide it from nobody, unless there are many. No rules about kinds of signs.
"""

from __future__ import annotations

import re
import unicodedata

from server.errors import Text, field_refused
from server.names import look_of

# What a hand types without thinking; either way round, from anywhere to anywhere.
_ROWS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
    "!@#$%^&*()",
    "147258369",
    "159357",
    "11223344556677889900",
    "aabbccddeeffgg",
    "5201314520",  # "I love you all my life", by the sound of the digits
)
_LEAST_PIECE = 3
_RUNS = _ROWS + tuple(row[::-1] for row in _ROWS)
_REPEATED = re.compile(r"(.{1,4}?)\1+.{0,3}", re.DOTALL)
_SAME = re.compile(r"(.)\1{2,}", re.DOTALL)

_WORDS = frozenset(
    """
    password passwd pass pwd mima mimamima admin administrator root user guest test
    testtest login welcome letmein hello secret changeme default master access server
    system qwerty iloveyou loveyou lovely woaini woaiwo aini woshishui nihao dragon
    monkey football basketball baseball sunshine princess superman batman shadow michael
    charlie jordan freedom whatever trustno computer internet china zhongguo beijing
    teacher student school classroom laoshi xuesheng xuexiao jiaoshi keting shuangshi
    tongke 同课 密码 老师 学校
    """.split()  # noqa: SIM905 - as a list it is eighty lines
)
_LEET = str.maketrans("013457@$!", "oieastasi")
_HIDES_NOTHING = 4  # so many digits and signs around a word: a year, `123!`

_GUESSED = Text(
    "这个密码太容易被猜到。请换一个，例如几个互不相关的词连在一起。",
    "This password is among the first that are guessed. Choose another: several words that have "
    "nothing to do with each other, for example.",
)
_NAMED = Text(
    "密码不能就是用户名、姓名、学校或“同课”的名字（加上几个数字也不行）。",
    "The password must not be the user name, the person's, the school's or Tongke's name, nor "
    "with a few digits added.",
)


def refuse_weak(password: str, *names: str | None) -> None:
    """Refuses (422, `password-weak`) what is guessed first; `names` stand beside it."""
    why = weakness(password, *names)
    if why is not None:
        raise field_refused("password", why.zh, why.en, code="password-weak")


def weakness(password: str, *names: str | None) -> Text | None:
    """Why a password is guessed first; None if it is not."""
    typed = unicodedata.normalize("NFKC", password).casefold()
    looks = {"".join(look_of(name).split()) for name in names if name}
    if _says(typed, looks - {""}) or _says(typed, {"tongke", "同课"}):
        return _NAMED
    if _is_typed_along(typed) or _says(typed, _WORDS):
        return _GUESSED
    return None


def _says(typed: str, words: set[str] | frozenset[str]) -> bool:
    """Whether it is one of the words, or that twice, with little or nothing around it."""
    folded = "".join(typed.split())
    for read in {folded, folded.translate(_LEET)}:  # sign by sign: places stay the same
        for word in words:
            spans = [found.span() for found in re.finditer(re.escape(word), read)]
            if not spans:
                continue
            ends = [0, *(end for _, end in spans)]
            begins = [*(begin for begin, _ in spans), len(folded)]
            rest = "".join(folded[a:b] for a, b in zip(ends, begins, strict=True))
            few = len(rest) <= _HIDES_NOTHING and not any(sign.isalpha() for sign in rest)
            if few or _is_typed_along(rest):
                return True
    return False


def _is_typed_along(typed: str) -> bool:
    """Whether it is made of runs of a keyboard, or of one short piece again and again."""
    if len(typed) > _LEAST_PIECE and _REPEATED.fullmatch(typed):
        return True
    at = 0
    while at < len(typed):
        length = _run_at(typed, at)
        if length < _LEAST_PIECE:
            return False
        at += length
    return True


def _run_at(typed: str, at: int) -> int:
    """How long the longest run is that begins there."""
    same = _SAME.match(typed, at)
    longest = same.end() - at if same else 0
    for row in _RUNS:
        length = longest + 1
        while at + length <= len(typed) and typed[at : at + length] in row:
            longest, length = length, length + 1
    return longest
