"""What commands say to the person at this machine, in the language that it is set to.

The locale says which (POSIX: `LC_ALL`, `LC_MESSAGES`, `LANG`, the first that is set). A machine
that names none (`C`: services, containers) is spoken to in both, Chinese first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from server.errors import Text

_OF_NOBODY = ("", "C", "POSIX")


def spoken(
    text: Text, environment: Mapping[str, str] = os.environ, *, encoding: str = "utf-8"
) -> list[str]:
    """The lines to print; a terminal that cannot show Chinese gets English."""
    try:
        text.zh.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return [text.en]
    given = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    language = next(filter(None, given), "").partition(".")[0].partition("@")[0]
    if language in _OF_NOBODY:
        return [text.zh, text.en]
    return [text.zh if language.startswith("zh") else text.en]
