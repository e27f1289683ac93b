"""A county made for a load, beside servers that go away, answer otherwise or do not answer."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from typing import Any

import pytest

from server.simulate.county import LoadCounty
from server.simulate.errors import ServerAway, ServerRefused
from server.simulate.office import Office
from signaling.client.address import ServerAddress


class StandIn(Office):
    """Makes what is asked for until `away_after` questions have come."""

    def __init__(self, *, away_after: int = 10_000, without: str = "") -> None:
        super().__init__(ServerAddress.parse("http://127.0.0.1:9"))
        self.asked: list[tuple[str, str]] = []
        self._away_after = away_after
        self._ids = itertools.count(1)
        self._without = without

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        self.asked.append((method, path))
        if len(self.asked) > self._away_after:
            raise ServerAway("does not answer")
        answer = {"id": f"n{next(self._ids)}", "secret": "tkr_x", "state": "live"}
        return {name: value for name, value in answer.items() if name != self._without}


def county(office: Office) -> LoadCounty:
    return LoadCounty(office, lessons=3, rooms=2, stop=asyncio.Event())


async def test_all_that_was_made_is_removed() -> None:
    office = StandIn()
    made = county(office)
    assert not made.stands
    await made.make()
    assert made.stands
    posted = len(office.asked)
    assert await made.remove() == []
    assert not made.stands
    # three ends, and each school, classroom, community and lesson
    assert [method for method, _ in office.asked[posted:]] == ["POST"] * 3 + ["DELETE"] * 15


async def test_a_server_that_went_away_is_not_asked_for_each_of_hundreds() -> None:
    """Each question waits a quarter of a minute for its answer."""
    office = StandIn(away_after=21)  # all of it is made then
    made = county(office)
    await made.make()
    posted = len(office.asked)
    left = await made.remove()
    assert len(left) == 18  # all of it is told by name
    assert len(office.asked) - posted == 2


@pytest.mark.parametrize("missing", ["id", "secret", "state"])
async def test_a_server_that_answers_otherwise_is_told(missing: str) -> None:
    made = county(StandIn(without=missing))
    with pytest.raises(ServerRefused, match=f"without '{missing}': it is no Tongke"):
        await made.make()


async def test_an_untrusted_certificate_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        error = ssl.SSLCertVerificationError("no")
        error.verify_message = "no name"
        raise error

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(ServerRefused, match=r"not trusted here \(no name\): with --insecure"):
        await Office(ServerAddress.parse("https://127.0.0.1:9")).sign_in("a", "b")
