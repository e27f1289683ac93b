"""Text that strangers wrote, for where it is shown: one line, without what steers its reader.

Taken out is what moves a terminal, breaks a line or a file's form, or turns the sentence around it:
control characters, line and paragraph separators, direction marks (UAX #9 §2), half characters.
"""

from __future__ import annotations

import unicodedata

_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TAKEN_OUT = {"Cc", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    """`text` in one line, as people read it. May be empty."""
    kept = (
        " " if sign.isspace() else sign
        for sign in text
        if sign not in _DIRECTION and (sign in "\t\r\n" or not _steers(sign))
    )
    return " ".join("".join(kept).split())


def _steers(sign: str) -> bool:
    return unicodedata.category(sign) in _TAKEN_OUT or ord(sign) & 0xFFFE == 0xFFFE
