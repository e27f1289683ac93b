"""Names as people see them: unseen marks go, what looks alike is one."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from server.names import is_taken, look_of, visible

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u202e校小\u202c", "校小"),  # right-to-left override
        ("\u2066山村\u2069小学\u200f", "山村小学"),
        ("山\u200b村\u2060小\ufeff学", "山村小学"),
        ("\ufeff山村小学", "山村小学"),
        ("li\u00adwei", "liwei"),
        ("li\u034fwei\u3164\u2800", "liwei"),
        ("山\u200d村", "山村"),
        ("a\u200cb", "ab"),
        ("\U000e0041\U000e0042小学", "小学"),  # tags
        ("⻘⼭⼩学", "青山小学"),  # as a PDF gives it
        ("e\u0301", "é"),
        ("山\u2065村\ufff0小\U000e0fff学\uffff\U0001fffe", "山村小学"),  # assigned to nothing
        ("\u200b", ""),
        ("\u200d\ufe0f", ""),
        # what a script is written with stays
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("ᠮᠣᠩᠭ᠋ᠣᠯ", "ᠮᠣᠩᠭ᠋ᠣᠯ"),
        (FAMILY, FAMILY),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
        ("葛\U000e0100飾", "葛\U000e0100飾"),
        ("\u06dd١", "\u06dd١"),
        # and what stands there without need goes
        ("می\u200c", "می"),
        ("ᠮ\u180b\u180b", "ᠮ\u180b"),
        ("a\ufe0f\U000e0100", "a"),
        ("<b>校</b> & 'x'", "<b>校</b> & 'x'"),
        ("Маша", "Маша"),
    ],
)
def test_what_nobody_sees_is_taken_out(typed: str, kept: str) -> None:
    assert visible(typed) == kept
    assert visible(kept) == kept


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zhang.San", "zhang.san"),  # case
        ("ＺＨＡＮＧ", "zhang"),  # width
        ("１班", "1班"),
        ("ｶﾗｵｹ", "カラオケ"),
        ("三年级　一班", "三年级 一班"),
        ("三年级\u00a0 一班", "三年级 一班"),
        ("straße", "STRASSE"),
        ("é", "e\u0301"),  # composition
        ("A-b", "A\u2011b"),  # hyphens
        ("A\u2013b", "A\u2212b"),
        ("liwei", "liwеi"),  # script: a Cyrillic letter
        ("CAC", "САС"),  # all of them
        ("MAMA", "мама"),
        ("KAPPA", "ΚΑΡΡΑ"),
        ("gao", "ɡɑo"),  # as a pinyin font writes it
        ("口语", "ロ语"),  # katakana
        ("八一小学", "ハ一小学"),
        ("日语", "ㄖ语"),  # bopomofo
        ("青山", "⻘⼭"),
        ("一中", "ー中"),
        ("山村", "山\u200b村"),
        ("葛\U000e0100飾", "葛飾"),
        ("می\u200cخ", "میخ"),
    ],
)
def test_what_people_read_as_one_is_one(one: str, other: str) -> None:
    assert one != other
    assert look_of(one) == look_of(other)
    assert is_taken(one, ["别的", other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zhang1", "zhangl"),
        ("wang0", "wango"),
        ("一班", "二班"),
        ("3班A组", "3班B组"),
        ("青山小学", "青山中学"),
        ("modern", "modem"),
        ("Маша", "Саша"),
        ("张伟", "張偉"),  # docs/decisions/0014-simplified-and-traditional-are-two.md
        ("於伟", "于伟"),  # two families, though a dictionary makes them one
    ],
)
def test_what_people_tell_apart_is_two(one: str, other: str) -> None:
    assert look_of(one) != look_of(other)
    assert not is_taken(one, [other])


@pytest.mark.parametrize(
    "every", [pytest.param(1, marks=pytest.mark.thorough), 23], ids="every {} signs".format
)
def test_every_sign_is_compared_the_same_however_often_it_is_folded(every: int) -> None:
    for number in range(0, sys.maxunicode + 1, every):
        sign = chr(number)
        if unicodedata.category(sign) not in {"Cn", "Cs", "Co"}:
            look = look_of(sign)
            assert look_of(look) == look, hex(number)
            assert visible(visible(sign)) == visible(sign), hex(number)


def test_upper_and_lower_case_are_one_in_every_script() -> None:
    for number in range(sys.maxunicode + 1):
        sign = chr(number)
        other = sign.upper()
        if other != sign and other.casefold() == sign.casefold():
            assert look_of(other) == look_of(sign), hex(number)
