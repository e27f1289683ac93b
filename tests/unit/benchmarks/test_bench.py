"""A whole benchmark without servers: what is run, what is left out, and that it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import bench as benchmark
from benchmarks import ending, lessons
from benchmarks.bench import Bench, Plan, search_time_s
from benchmarks.cases import Case
from benchmarks.forward import show, told
from benchmarks.lessons import Held, Step
from benchmarks.running import Load, WarmUpError
from benchmarks.servers import Server, ServerFailedError, ServerUnavailableError
from tests.unit.benchmarks.test_growth import figures

Answer = Callable[[str, str], Exception | None]


def plan(**changed: Any) -> Plan:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "cases": ["1-to-3", "4-seats"],
        "servers": ["tongke", "floor"],
        "runs": 2,
        "load": Load(seconds=1.0),
        "lessons": [],
        "lesson_seconds": 1.0,
        "minutes": 20.0,
    }
    return Plan(**{**fields, **changed})


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[str, str]], list[Answer]]:
    """What was run, and (settable) what a run raises, by case and server."""
    runs: list[tuple[str, str]] = []
    answers: list[Answer] = [lambda case, server: None]

    async def run_case(server: Server, case: Case, load: Load, *, seed: int) -> object:
        runs.append((case.name, server.name))
        if (error := answers[-1](case.name, server.name)) is not None:
            raise error
        return figures()

    async def quiet(most_s: float) -> float:
        return 0.0

    monkeypatch.setattr(benchmark, "run_case", run_case)
    monkeypatch.setattr(benchmark, "wait_for_quiet", quiet)
    monkeypatch.setattr(ending, "expect_within", lambda seconds: None)
    return runs, answers


async def test_runs_are_interleaved(ran: tuple[list[tuple[str, str]], list[Answer]]) -> None:
    bench = Bench(plan())
    await bench.run_cases()
    one_round = [(c, s) for c in ("1-to-3", "4-seats") for s in ("tongke", "floor")]
    assert ran[0] == one_round * 2
    assert len(bench.runs["4-seats"]["floor"]) == 2
    assert not bench.failed


async def test_in_one_round_all_servers_meet_the_same_traffic(
    monkeypatch: pytest.MonkeyPatch, ran: tuple[list[tuple[str, str]], list[Answer]]
) -> None:
    met: dict[tuple[str, int], list[str]] = {}

    async def run_case(server: Server, case: Case, load: Load, *, seed: int) -> object:
        met.setdefault((case.name, seed), []).append(server.name)
        return figures()

    monkeypatch.setattr(benchmark, "run_case", run_case)
    await Bench(plan(runs=3)).run_cases()
    assert len(met) == 6
    assert all(servers == ["tongke", "floor"] for servers in met.values())


async def test_a_server_that_is_far_off_is_run_less_often(
    ran: tuple[list[tuple[str, str]], list[Answer]],
) -> None:
    bench = Bench(plan(runs=5, servers=["tongke", "aiortc"], cases=["1-to-3"], host="192.0.2.1"))
    await bench.run_cases()
    runs = {server: len(figures) for server, figures in bench.runs["1-to-3"].items()}
    assert runs == {"tongke": 5, "aiortc": 2}


@pytest.mark.parametrize(
    ("error", "times", "failed", "said"),
    [
        (ServerUnavailableError("apt-get install it"), 1, 0, "floor left out: apt-get install it"),
        (WarmUpError("9 of 9 streams"), 2, 0, "4-seats, floor: does not hold: 9 of 9 streams"),
        (ServerFailedError("it ended"), 4, 4, "4-seats, floor, run 2 failed: it ended"),
        (TimeoutError(), 4, 4, "4-seats, floor, run 2 failed: TimeoutError"),
    ],
)
async def test_what_goes_wrong_is_said_and_the_others_go_on(
    ran: tuple[list[tuple[str, str]], list[Answer]],
    error: Exception,
    times: int,
    failed: int,
    said: str,
) -> None:
    ran[1].append(lambda case, server: error if server == "floor" else None)
    bench = Bench(plan())
    await bench.run_cases()
    assert [name for _, name in ran[0]].count("floor") == times
    assert [name for _, name in ran[0]].count("tongke") == 4
    assert bench.failed == failed
    assert said in bench.notes


async def test_a_round_that_no_longer_fits_is_left_out(
    ran: tuple[list[tuple[str, str]], list[Answer]],
) -> None:
    bench = Bench(plan(minutes=0.0))
    await bench.run_cases()
    assert len(ran[0]) == 4
    assert any(note.startswith("1 of 2 rounds") for note in bench.notes)


@pytest.mark.parametrize(
    ("left_s", "searches", "expected"),
    [(59, 1, 0), (60, 3, 60), (300, 3, 100), (900, 2, 240), (150, 3, 60)],
)
def test_searches_share_what_is_left(left_s: float, searches: int, expected: float) -> None:
    assert search_time_s(left_s, searches) == expected


@pytest.mark.parametrize("minutes", [20.0, 0.0])
async def test_limits_are_searched_while_there_is_time(
    ran: tuple[list[tuple[str, str]], list[Answer]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    minutes: float,
) -> None:
    async def find(
        make: Callable[[], Server], load: Load, tell: Callable[[Step], None], *, limit_s: float
    ) -> Held:
        steps = (Step(1, figures(), held=True), Step(2, None, held=False, why_not="full"))
        for step in steps:
            tell(step)
        return Held(1, steps)

    monkeypatch.setattr(lessons, "find", find)
    planned = plan(lessons=["tongke"], cases=[], minutes=minutes)
    bench = Bench(planned)
    await bench.find_limits()
    show(planned, bench, told(planned), None)
    printed = capsys.readouterr().out
    assert ("tongke" in bench.held) is (minutes > 0)
    assert ("full" in printed) is (minutes > 0)
    assert ("left out" in str(bench.notes)) is (minutes == 0)
    assert "Neighbours" in printed
