"""What is found wrong with a certificate before a browser finds it."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509

from server.door.condition import SHUT, Fault, examine
from tests.unit.server.door.certificate_files import NOW, Made, made

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
NAME = "tongke.county.cn"


def faults(
    one: Made,
    *,
    above: tuple[x509.Certificate, ...] | None = None,
    asked: str = NAME,
    known: tuple[Made, ...] = (),
    authority: x509.Certificate | None = None,
) -> list[str]:
    roots = {root.certificate.subject for root in known}
    condition = examine(
        [one.certificate, *(one.above if above is None else above)],
        now=NOW,
        asked=asked,
        authority=authority,
        knows=roots.__contains__,
    )
    for finding in condition.findings:
        assert finding.text.zh
        assert finding.text.en
        assert "{" not in finding.text.zh + finding.text.en
    return [finding.fault.value for finding in condition.findings]


ROOT = made("Root")
BETWEEN = made("R3", by=ROOT)


@pytest.mark.parametrize(
    ("life", "found"),
    [
        ((-30 * DAY, 60 * DAY), []),
        ((-30 * DAY, 15 * DAY), []),
        ((-80 * DAY, 13 * DAY), ["ends-soon"]),
        ((-80 * DAY, HOUR), ["ends-soon"]),
        ((-80 * DAY, -HOUR), ["expired"]),
        ((HOUR, 80 * DAY), ["not-yet-valid"]),
        # Of six days, as some authorities give them, five are no alarm.
        ((-DAY, 5 * DAY), []),
        ((-5 * DAY, DAY), ["ends-soon"]),
    ],
)
def test_its_time(life: tuple[datetime.timedelta, datetime.timedelta], found: list[str]) -> None:
    one = made("x", NAME, by=ROOT, begins=NOW + life[0], ends=NOW + life[1])
    assert faults(one) == found


@pytest.mark.parametrize(
    ("names", "asked", "found"),
    [
        ((NAME,), NAME, []),
        ((NAME,), "", []),  # nobody has said how people reach it
        ((NAME,), "other.county.cn", ["other-name"]),
        (("*.county.cn",), NAME, []),
        (("*.county.cn",), "a.b.county.cn", ["other-name"]),
        (("*.county.cn",), "county.cn", ["other-name"]),
        (("10.0.0.5",), "10.0.0.5", []),
        (("10.0.0.5",), "10.0.0.6", ["other-name"]),
        (("2001:db8::5",), "2001:DB8:0::5", []),
    ],
)
def test_its_names(names: tuple[str, ...], asked: str, found: list[str]) -> None:
    assert faults(made("x", *names, by=ROOT), asked=asked) == found


def test_its_chain() -> None:
    one = made("x", NAME, by=BETWEEN)
    assert faults(one, known=(ROOT,)) == []
    assert faults(one, above=(BETWEEN.certificate,), known=(ROOT,)) == []
    assert faults(one, above=(ROOT.certificate,), known=(ROOT,)) == ["no-chain"]
    assert faults(one, above=(), known=(ROOT,)) == ["no-chain"]
    # The same name with another key is no issuer of it.
    assert faults(one, above=(made("R3").certificate,), known=(ROOT,)) == ["no-chain"]
    # Right under a root that browsers have, or signed by itself, it needs none.
    assert faults(made("x", NAME, by=ROOT), above=(), known=(ROOT,)) == []
    assert faults(made("x", NAME), above=()) == []


def test_an_issuer_that_has_ended_ends_it() -> None:
    ended = made("R3", by=ROOT, ends=NOW - DAY)
    one = made("x", NAME, by=ended)
    assert faults(one, known=(ROOT,)) == ["expired"]
    # A second one of the same key is as good; where browsers know it, what is sent is no matter.
    assert faults(one, known=(ROOT, ended)) == []
    # An old cross-signature further up ends nobody: browsers find another way.
    old = made("Old", ends=NOW - DAY)
    assert faults(made("x", NAME, by=made("R4", by=old)), known=(old,)) == []


def test_an_authority_is_told_of_in_good_time() -> None:
    ending = made("CA", ends=NOW + 100 * DAY)
    lasting = made("CA", ends=NOW + 3000 * DAY)
    assert faults(made("x", NAME, by=ending), authority=ending.certificate) == [
        "authority-ends-soon"
    ]
    assert faults(made("x", NAME, by=lasting), authority=lasting.certificate) == []


def test_the_worst_stands_first() -> None:
    one = made("x", "other.cn", by=BETWEEN, ends=NOW - DAY)
    found = faults(one, above=())
    assert found == ["expired", "other-name", "no-chain"]
    assert Fault(found[0]) in SHUT
