"""Turns of hashing: few at once, the known first, the others by their rank, all of it bounded."""

from __future__ import annotations

import asyncio

import pytest

from server.accounts.hash_turns import MOST_WAITING, HashTurns, TooBusy


class Hashing:
    """Hashes that end when told, in the order they began."""

    def __init__(self) -> None:
        self.turns = HashTurns()
        self.began: list[str] = []
        self.most = 0
        self._running: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def _hash(self, name: str, rank: tuple[int, int] | None) -> None:
        async with self.turns.turn(rank):
            self.began.append(name)
            self._running[name] = asyncio.Event()
            self.most = max(self.most, len(self._running))
            try:
                await self._running[name].wait()
            finally:
                del self._running[name]

    async def ask(self, name: str, rank: tuple[int, int] | None) -> None:
        self.tasks[name] = asyncio.create_task(self._hash(name, rank))
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def end_all(self) -> None:
        while self._running:
            next(iter(self._running.values())).set()
            await self.settle()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def test_strangers_are_hashed_one_at_a_time_and_the_known_beside_them() -> None:
    hashing = Hashing()
    for number in range(3):
        await hashing.ask(f"s{number}", (0, 0))
    assert hashing.began == ["s0"]
    for number in range(2):
        await hashing.ask(f"k{number}", None)
    assert hashing.began == ["s0", "k0"]
    await hashing.end_all()
    assert hashing.began == ["s0", "k0", "k1", "s1", "s2"]
    assert hashing.most == 2


async def test_two_known_at_once() -> None:
    hashing = Hashing()
    for number in range(4):
        await hashing.ask(f"k{number}", None)
    assert hashing.began == ["k0", "k1"]
    await hashing.end_all()
    assert hashing.began == ["k0", "k1", "k2", "k3"]


async def test_who_has_tried_often_stands_behind_who_tries_first() -> None:
    hashing = Hashing()
    for number in range(30):
        await hashing.ask(f"flood{number}", (number % 5, number))
    await hashing.ask("beside", (0, 30))  # at the flood's network, another name
    await hashing.ask("elsewhere", (0, 0))
    await hashing.end_all()
    assert hashing.began[:2] == ["flood0", "elsewhere"]
    assert hashing.began.index("beside") == 7  # behind the other first tries alone


async def test_what_waits_is_bounded_and_the_last_in_order_is_sent_away() -> None:
    hashing = Hashing()
    for number in range(MOST_WAITING + 1):
        await hashing.ask(f"flood{number}", (3, number))
    assert not any(task.done() for task in hashing.tasks.values())
    await hashing.ask("another", (3, 1000))
    await hashing.ask("teacher", (0, 0))
    sent_away = [name for name, task in hashing.tasks.items() if task.done()]
    assert sent_away == [f"flood{MOST_WAITING}", "another"]
    for name in sent_away:
        with pytest.raises(TooBusy):
            await hashing.tasks[name]
    await hashing.end_all()
    assert hashing.began[1] == "teacher"
    assert len(hashing.began) == MOST_WAITING + 1


async def test_the_known_are_bounded_too() -> None:
    hashing = Hashing()
    for number in range(MOST_WAITING + 3):
        await hashing.ask(f"k{number}", None)
    last = f"k{MOST_WAITING + 2}"
    assert [name for name, task in hashing.tasks.items() if task.done()] == [last]
    with pytest.raises(TooBusy):
        await hashing.tasks[last]
    await hashing.end_all()


async def test_who_went_away_holds_no_place() -> None:
    hashing = Hashing()
    for lane in (None, (0, 0)):
        for number in range(MOST_WAITING + 2):
            await hashing.ask(f"{lane}{number}", lane)
    for task in hashing.tasks.values():
        task.cancel()
    await asyncio.gather(*hashing.tasks.values(), return_exceptions=True)
    hashing.began.clear()
    await hashing.ask("known", None)
    await hashing.ask("stranger", (0, 0))
    assert hashing.began == ["known", "stranger"]
    await hashing.end_all()


@pytest.mark.parametrize("when", ["waiting", "given its turn", "hashing"])
async def test_who_goes_away_leaves_the_turn_to_the_next(when: str) -> None:
    hashing = Hashing()
    await hashing.ask("first", (0, 0))
    await hashing.ask("goes", (0, 0))
    await hashing.ask("next", (0, 1))
    match when:
        case "waiting":
            hashing.tasks["goes"].cancel()
        case "given its turn":  # in the same turn of the loop
            hashing.tasks["first"].cancel()
            await asyncio.sleep(0)
            hashing.tasks["goes"].cancel()
        case _:
            hashing.tasks["first"].cancel()
            await hashing.settle()
            hashing.tasks["goes"].cancel()
    await hashing.settle()
    hashing.tasks["first"].cancel()
    await hashing.settle()
    assert hashing.began[-1] == "next"
    await hashing.ask("last", (0, 0))
    hashing.tasks["next"].cancel()
    await hashing.settle()
    assert hashing.began[-1] == "last"
    hashing.tasks["last"].cancel()
    await asyncio.gather(*hashing.tasks.values(), return_exceptions=True)
    await hashing.ask("known", None)
    await hashing.ask("stranger", (0, 0))
    assert hashing.began[-2:] == ["known", "stranger"], "no turn was lost, and nobody waits"
    await hashing.end_all()
