"""What the server says in Chinese keeps to the signs of Chinese sentences, and to one word each.

The pages' own words are held by `web_client/tests/words.test.ts`.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("hardware_profiles", "recorder", "server", "signaling")

HALF_WIDTH = re.compile(r"[一-鿿][(),:;!?]|[(),:;!?][一-鿿]|[一-鿿]\.(?!\w)|\.\.\.")
# What a lesson leaves is 录像, what is done while it goes on is 录制.
THING_AS_ACT = (
    "(?:[个些份按]|能看|整理好的|查看|整理|修复|导出|导入|删除|恢复|早期版本的)录制(?!程序|进程)"
    "|录制(?:文件夹|编号|时间线|的(?:清单|日志|大小|格式|标题)|保留|保持原样|由什么)"
)
ACT_AS_THING = (
    "(?:正在|未|不|停止|暂停)录像|开始录像(?!的)|录像(?:程序|进程|暂停|已暂停|中断|尚未完成)"
)
# Who comes to a lesson 进入; 加入 is said of a list, a group, a store.
COMING_IN = "(?:自动|先|不|会|新的|[某}])加入|加入(?:课堂|这节课|令牌)|入课令牌"
# The moment is 下课, as its button says; 结束 is what is over, or what somebody ends.
LESSON_OVER = "课(?:程|堂)?(?:已经|已)?结束(?:之?[后前]|时)"
NOT_SAID = re.compile(
    "席位|信号源|观察员|离线|资源库|资源列表|录像库|帐号|登陆"
    f"|{THING_AS_ACT}|{ACT_AS_THING}|{COMING_IN}|{LESSON_OVER}"
)
UNDERSTOOD = {"columns.py"}  # headings of other people's tables, as they write them
HAN = re.compile("[一-鿿]")
ENGLISH = re.compile("[A-Za-z]+ [A-Za-z]+ [A-Za-z]+|} is ")  # the line says it in both languages
BRAND = "Tongke 同课"  # stands in English as well
PUT_IN = "某"


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a source's texts that have Chinese, with something where a value is put in."""
    source = file.read_text("utf-8")
    if not HAN.search(source):
        return
    tree = ast.parse(source)
    within = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    within |= {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings
    for node in ast.walk(tree):
        if id(node) in within:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else PUT_IN
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        for line in text.replace(BRAND, "").split("\n"):
            if HAN.search(line.replace(PUT_IN, "")) and not ENGLISH.search(line):
                yield node.lineno, line


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("没有这一项;请删去", True),
        ("没有这一项；请删去", False),
        ("现有:某", True),
        ("须为 true 或 false", False),
        ("课程(一)", True),
        ("服务器不认识 public_url。", False),
    ],
)
def test_half_width_signs_are_seen(text: str, wrong: bool) -> None:
    assert bool(HALF_WIDTH.search(text)) is wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("导出录制：无需服务器即可播放。", True),
        ("无法读取这个录制的清单", True),
        ("这里没有录制文件夹", True),
        ("存入录像库", True),
        ("正在录像或整理", True),
        ("录像进程不在", True),
        ("某加入", True),
        ("它们会自动加入。", True),
        ("课程结束后会出现在这里", True),
        ("导出录像：无需服务器即可播放。", False),
        ("这时没有录制。", False),
        ("最近四周没有录像", False),
        ("从这里开始录像的新章节", False),
        ("整理由录制进程运行", False),
        ("请把其用户加入 audio 组", False),
        ("这节课已结束", False),
    ],
)
def test_another_word_for_a_thing_is_seen(text: str, wrong: bool) -> None:
    assert bool(NOT_SAID.search(text)) is wrong


def test_chinese_has_its_own_signs_and_one_word_for_a_thing() -> None:
    found, read = [], 0
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for line, text in texts(file) if file.name not in UNDERSTOOD else ():
                read += 1
                if HALF_WIDTH.search(text) or NOT_SAID.search(text):
                    found.append(f"{file.relative_to(ROOT)}:{line}: {text}")
    assert read > 200
    assert found == []


def test_the_profiles_that_people_choose_are_named_in_chinese_signs() -> None:
    said = [
        (file.stem, text)
        for file in sorted((ROOT / "hardware_profiles").rglob("*.toml"))
        for key, text in tomllib.loads(file.read_text("utf-8")).items()
        if key.endswith("_zh")
    ]
    assert len(said) > 15
    assert [one for one in said if HALF_WIDTH.search(one[1]) or NOT_SAID.search(one[1])] == []
