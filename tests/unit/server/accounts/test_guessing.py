"""Who guesses shuts out himself: the rules, try by try."""

from __future__ import annotations

from server.accounts.guessing import Familiarity, SignInGuard, Try

SCHOOL, WORLD = "10.0.0.1", "203.0.113.9"
LI = Try(SCHOOL, "li")


def tried(guard: SignInGuard, attempt: Try, now: float = 0.0, *, right: bool = False) -> float:
    """One try; how long it must wait."""
    admission = guard.begin(attempt, now)
    if not admission.wait_s:
        guard.of_somebody(attempt)
        if right:
            guard.succeeded(admission)
    return admission.wait_s


def strangers(guard: SignInGuard, count: int, now: float = 0.0) -> list[float]:
    """As many networks try the name once each."""
    return [tried(guard, Try(f"198.51.100.{n}", "li"), now) for n in range(count)]


def test_a_network_has_five_tries_at_a_name_and_other_names_their_own() -> None:
    guard = SignInGuard()
    assert [tried(guard, LI) for _ in range(7)] == [0] * 5 + [5, 5]
    assert tried(guard, Try(SCHOOL, "wang")) == 0
    assert tried(guard, Try(WORLD, "li")) == 0
    assert tried(guard, LI, 5.0) == 0
    assert tried(guard, LI, 5.0) == 10


def test_many_networks_together_have_fifty() -> None:
    guard = SignInGuard()
    assert strangers(guard, 60) == [0] * 50 + [5] * 10
    assert tried(guard, Try(WORLD, "wang")) == 0


def test_the_many_do_not_shut_a_teacher_out_of_the_own_school() -> None:
    guard = SignInGuard()
    assert tried(guard, LI, right=True) == 0
    strangers(guard, 60)
    assert tried(guard, Try(WORLD, "li")) > 0
    assert [tried(guard, LI) for _ in range(6)] == [0] * 5 + [5]  # whoever it is, slowly


def test_a_known_browser_is_let_in_whatever_strangers_do() -> None:
    guard = SignInGuard()
    strangers(guard, 60)
    for _ in range(10):
        tried(guard, LI)
    known = Try(SCHOOL, "li", browser="b1")
    assert guard.begin(known, 0.0).familiarity is Familiarity.KNOWN_BROWSER
    assert tried(guard, LI) > 0


def test_a_known_browser_has_ten_tries_and_is_then_a_stranger() -> None:
    guard = SignInGuard()
    known = Try(SCHOOL, "li", browser="b1")
    familiar = [guard.begin(known, 0.0).familiarity for _ in range(16)]
    assert familiar == [Familiarity.KNOWN_BROWSER] * 10 + [Familiarity.STRANGER] * 6
    assert tried(guard, known) == 5
    assert guard.begin(known, 5.0).familiarity is Familiarity.KNOWN_BROWSER
    assert tried(guard, Try(SCHOOL, "li", browser="b2")) == 0


def test_what_a_known_browser_does_leaves_the_strangers_count() -> None:
    guard = SignInGuard()
    strangers(guard, 50)
    for _ in range(30):
        assert tried(guard, Try(SCHOOL, "li", browser="b1"), right=True) == 0
    assert tried(guard, Try(WORLD, "li")) == 5


def test_a_strangers_success_takes_back_the_own_try_alone() -> None:
    guard = SignInGuard()
    strangers(guard, 49)
    assert tried(guard, Try(WORLD, "li"), right=True) == 0
    assert [tried(guard, Try(f"192.0.2.{n}", "li")) for n in range(2)] == [0, 5]


def test_names_that_nobody_has_make_a_network_slow_and_shut_nothing() -> None:
    guard = SignInGuard()
    seconds = []
    for number in range(120):
        attempt = Try(SCHOOL, f"n{number}")
        assert guard.begin(attempt, 0.0).wait_s == 0
        guard.of_nobody(attempt, 0.0)
        seconds.append(guard.slow_s(SCHOOL, 0.0))
    assert seconds == [0] * 4 + [1] * 95 + [4] * 21
    assert tried(guard, LI) == 0
    assert guard.slow_s(WORLD, 0.0) == 0
    assert guard.slow_s(SCHOOL, 3600.0) == 4
    assert guard.slow_s(SCHOOL, 3601.0) == 0


def test_ten_thousand_made_up_names_do_not_give_back_the_tries_at_one() -> None:
    guard = SignInGuard()
    for _ in range(5):
        tried(guard, LI)
    for number in range(12_000):
        guard.begin(Try(SCHOOL, f"n{number}"), 1.0)
    assert tried(guard, LI, 1.0) == 4


def test_a_try_that_was_never_looked_at_is_none() -> None:
    guard = SignInGuard()
    for attempt in (LI, Try(SCHOOL, "li", browser="b1")):
        for _ in range(30):
            admission = guard.begin(attempt, 0.0)
            assert admission.wait_s == 0
            guard.undone(admission)
    assert strangers(guard, 50) == [0] * 50


def test_a_first_try_stands_before_a_later_one_and_a_quiet_network_before_a_loud_one() -> None:
    guard = SignInGuard()
    ranks = [guard.begin(Try(SCHOOL, name), 0.0).rank for name in ("a", "a", "b", "a")]
    assert ranks == [(0, 0), (1, 1), (0, 2), (2, 3)]
    assert guard.begin(Try(WORLD, "a"), 0.0).rank == (0, 0)
    assert guard.begin(Try(SCHOOL, "a", browser="b1"), 0.0).rank is None
    tried(guard, Try(SCHOOL, "wang"), right=True)  # a right one adds nothing
    assert guard.begin(Try(SCHOOL, "c"), 0.0).rank == (0, 4)
    assert guard.begin(Try(SCHOOL, "wang"), 0.0).rank is None  # at home


def test_memory_of_homes_is_bounded() -> None:
    guard = SignInGuard()
    for number in range(20_100):
        guard.succeeded(guard.begin(Try(f"h{number}", "li"), float(number)))
    assert len(guard._homes) == 20_000
