"""Commands speak the machine's language; both where it names none."""

from __future__ import annotations

import pytest

from server.errors import Text
from server.spoken import spoken

ZH, EN = "已启动", "It runs"


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        ({"LANG": "zh_CN.UTF-8"}, [ZH]),
        ({"LANG": "en_US.UTF-8"}, [EN]),
        ({"LANG": "de_DE"}, [EN]),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, [ZH]),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, [EN]),
        ({"LANG": "zh_TW.UTF-8", "LC_ALL": ""}, [ZH]),
        ({}, [ZH, EN]),
        ({"LANG": "C.UTF-8"}, [ZH, EN]),
        ({"LC_ALL": "POSIX", "LANG": "zh_CN"}, [ZH, EN]),
    ],
)
def test_the_locale_says_the_language(environment: dict[str, str], lines: list[str]) -> None:
    assert spoken(Text(ZH, EN), environment) == lines


@pytest.mark.parametrize(
    ("encoding", "lines"),
    [("gb18030", [ZH]), ("gbk", [ZH]), ("latin-1", [EN]), ("none-such", [EN])],
)
def test_what_a_terminal_cannot_show_is_said_in_english(encoding: str, lines: list[str]) -> None:
    assert spoken(Text(ZH, EN), {"LANG": "zh_CN"}, encoding=encoding) == lines
