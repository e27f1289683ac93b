"""A credential on two machines, told apart from a machine that is started again and again."""

from __future__ import annotations

import pytest

from server.lessons.copies import CredentialCopies

A, B = ("a", "10.1.0.0"), ("b", "10.2.0.0")


def heard(*runs: tuple[str, str], every_s: float = 60.0) -> tuple[CredentialCopies, float]:
    copies, now = CredentialCopies(), 0.0
    for run, address in runs:
        copies.hear("credential", run, address, now)
        now += every_s
    return copies, now


@pytest.mark.parametrize(
    ("runs", "every_s", "told"),
    [
        ([A, A, A, A], 3.0, False),
        ([A, A, B, B, B, B], 3.0, False),  # started again
        ([A, B, A, B, B, B], 3.0, True),
        ([A, B, A], 3.0, False),  # what an agent had sent before it was killed came late
        ([A, B, A, B, A], 60.0, True),  # in a lesson they ask once a minute
        ([A, B, A, B], 300.0, False),  # each long after the other: one machine's, by turns
        ([(str(number), "10.1.0.0") for number in range(100)], 3.0, False),  # crashes for ever
    ],
)
def test_who_is_told(runs: list[tuple[str, str]], every_s: float, *, told: bool) -> None:
    copies, now = heard(*runs, every_s=every_s)
    assert (copies.of("credential", now) is not None) is told
    assert copies.of("another", now) is None


def test_it_is_news_once_and_told_for_half_a_day() -> None:
    copies, news = CredentialCopies(), []
    for turn in range(20):
        run, address = (A, B)[turn % 2]
        news.append(copies.hear("credential", run, address, turn * 3.0))
    assert sum(news) == 1
    found = copies.of("credential", 3_600.0)
    assert found is not None and set(found.addresses) == {"10.1.0.0", "10.2.0.0"}
    assert copies.of("credential", 24 * 3_600.0) is None


def test_it_stays_small() -> None:
    copies = CredentialCopies()
    for number in range(30_000):
        copies.hear(f"credential-{number}", "run", "10.0.0.0", float(number) / 1000)
    for number in range(1_000):
        copies.hear("one", f"run-{number}", "10.0.0.0", 31.0)
    assert len(copies._runs) <= 20_000 and len(copies._runs["one"].heard) <= 8
