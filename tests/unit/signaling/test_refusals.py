"""Every refusal has words in both languages, and every code that is used is in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import signaling
from server.lessons import desk, encoders
from signaling.errors import LessonRefusal, SignalingError, StateUnreadable, TokenRefused
from signaling.lesson.rules import PERMISSIONS
from signaling.protocol.refusals import REFUSALS, RefusalText, refused

# Signaling's own, and what refuses for it behind a port: source keys, and who holds a lesson.
USERS = [
    *Path(str(signaling.__file__)).parent.rglob("*.py"),
    *(Path(str(part.__file__)) for part in (encoders, desk)),
]
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in USERS if path.name != "refusals.py")


@pytest.mark.parametrize(("code", "text"), REFUSALS.items())
def test_words_and_status(code: str, text: RefusalText) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert re.search(r"[\u4e00-\u9fff]", text.zh)
    assert text.zh.endswith("。")
    assert not re.search("席位|信号", text.zh), "people see rooms, pictures and sounds"
    assert text.en.endswith(".")
    assert text.en.isascii()
    assert 400 <= text.status < 600
    message = refused(code, "7")
    assert (message.code, message.request_id) == (code, "7")


@pytest.mark.parametrize("code", REFUSALS)
def test_every_code_is_used(code: str) -> None:
    assert f'"{code}"' in SOURCE


def test_every_used_code_is_in_the_catalogue() -> None:
    used = set(re.findall(r'(?:LessonRefusal|refuse|TokenRefused)\(\s*"([a-z-]+)"', SOURCE))
    used |= {permission.refusal for permission in PERMISSIONS.values()}
    used |= set(re.findall(r'return "([a-z]+-[a-z]+)"\n', SOURCE))
    assert used <= set(REFUSALS)
    assert len(used) > 20


def test_the_tree() -> None:
    assert issubclass(TokenRefused, LessonRefusal)
    assert TokenRefused().code == "token-invalid"
    for error in (LessonRefusal, StateUnreadable):
        assert issubclass(error, SignalingError)
