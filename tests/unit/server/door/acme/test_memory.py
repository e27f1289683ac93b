"""How often a directory is asked, over failures, restarts and clocks that are wrong."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import pytest

from server.door.acme.failures import AcmeFailed, Trouble
from server.door.acme.memory import (
    DAY_S,
    MOST_ORDERS_A_DAY,
    AcmeMemory,
    remember,
    remembered,
    renewal_due,
)
from tests.unit.server.door.certificate_files import NOW, made

AT, NAME = "https://ca.example/dir", "lesson.school.example"
SHUT = AcmeFailed(Trouble.NOT_REACHED, "Timeout")
BEGAN = 1_800_000_000.0


def failed(memory: AcmeMemory, now: float, *, ordered: bool = True) -> AcmeMemory:
    return memory.failed_with(SHUT, now, ordered=ordered, rng=random.Random(1))


def test_a_shut_port_is_asked_about_ever_more_seldom() -> None:
    memory, now, pauses = AcmeMemory().at(AT, NAME), BEGAN, []
    for _ in range(8):
        memory = failed(memory.ordering(now), now)
        pauses.append(memory.not_before - now)
        now = memory.may_order_at(now)
    assert pauses == sorted(pauses)
    assert 1800 <= pauses[0] <= 1980
    assert 43_200 <= pauses[-1] <= 47_520


@pytest.mark.parametrize("hurried", [False, True])
def test_no_day_has_more_orders_than_four(hurried: bool) -> None:
    """However often the server is started or told to look: an order counts before it is made."""
    memory, now, orders = AcmeMemory().at(AT, NAME), BEGAN, []
    while now < BEGAN + 20 * DAY_S:
        if memory.may_order_at(now, hurried=hurried) <= now:
            orders.append(now)
            memory = failed(memory.ordering(now), now)
            memory = AcmeMemory.model_validate_json(memory.model_dump_json())
        now += 600
    for order in orders:
        assert sum(order <= each < order + DAY_S for each in orders) <= MOST_ORDERS_A_DAY
    assert len(orders) >= 20


def test_a_directory_that_is_away_is_asked_again_soon_and_that_is_no_order() -> None:
    memory, now = AcmeMemory().at(AT, NAME), BEGAN
    for _ in range(30):
        memory = failed(memory, now, ordered=False)
        pause = memory.may_order_at(now) - now
        assert 60 <= pause <= 3960
        now += pause
    assert memory.orders == ()


def test_what_the_directory_says_of_the_pause_counts_within_reason() -> None:
    for said, pause in ((7200.0, 7200), (10.0, 1800), (1e9, 7 * DAY_S)):
        limited = AcmeFailed(Trouble.RATE_LIMITED, retry_after_s=said)
        memory = AcmeMemory().failed_with(limited, BEGAN, ordered=True, rng=random.Random(1))
        assert pause <= memory.may_order_at(BEGAN) - BEGAN <= pause * 1.1


def test_a_clock_that_was_years_ahead_does_not_stop_it_for_years() -> None:
    memory = AcmeMemory().at(AT, NAME)
    ahead = BEGAN + 1000 * DAY_S
    for _ in range(MOST_ORDERS_A_DAY):
        memory = failed(memory.ordering(ahead), ahead)
    assert memory.may_order_at(BEGAN) <= BEGAN + 7 * DAY_S
    assert memory.may_order_at(BEGAN, hurried=True) <= BEGAN + DAY_S


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.UNTRUSTED])
def test_a_clock_that_was_ahead_is_waited_for_once_and_not_for_ever(trouble: Trouble) -> None:
    """What it wrote counts from when that was seen: the next attempt does not move along."""
    ahead = BEGAN + 3650 * DAY_S
    memory = AcmeMemory().at(AT, NAME)
    for _ in range(MOST_ORDERS_A_DAY):
        refused = AcmeFailed(trouble)
        memory = memory.ordering(ahead).failed_with(
            refused, ahead, ordered=True, rng=random.Random(1)
        )
    pause = memory.not_before - ahead
    now, hours = BEGAN, 0
    while (memory := memory.seen_at(now)).may_order_at(now) > now:
        now, hours = now + 3600, hours + 1
        assert hours <= 25
    assert now - BEGAN >= min(pause, DAY_S)
    assert memory.seen_at(now) is memory


def test_what_was_signed_in_vain_counts_for_days() -> None:
    """Of certificates for one name there are five a week."""
    for trouble in (Trouble.WRONG_CERTIFICATE, Trouble.NOT_KEPT):
        memory = AcmeMemory().ordering(BEGAN)
        memory = memory.failed_with(AcmeFailed(trouble), BEGAN, ordered=True, rng=random.Random(1))
        assert memory.may_order_at(BEGAN) >= BEGAN + 2 * DAY_S
        assert memory.may_order_at(BEGAN, hurried=True) == BEGAN


def test_another_directory_knows_nothing_and_what_was_ordered_still_counts() -> None:
    memory = failed(AcmeMemory().at(AT, NAME).registered(f"{AT}/1").ordering(BEGAN), BEGAN)
    assert memory.at(AT, NAME) == memory
    other = memory.at("https://other.example/dir", NAME)
    assert (other.account_url, other.failed, other.orders) == ("", None, (BEGAN,))
    renamed = memory.at(AT, "other.example")
    assert (renamed.account_url, renamed.failed) == (f"{AT}/1", None)
    assert renamed.may_order_at(BEGAN) == BEGAN  # a name that was mended need not wait


def test_a_refused_account_is_made_anew() -> None:
    refused = AcmeFailed(Trouble.ACCOUNT, "deactivated")
    memory = AcmeMemory(account_url="x").failed_with(
        refused, BEGAN, ordered=False, rng=random.Random(1)
    )
    assert memory.account_url == ""


def test_it_is_kept_for_us_alone_and_damage_is_a_beginning(tmp_path: Path) -> None:
    memory = failed(AcmeMemory().at(AT, NAME).ordering(BEGAN), BEGAN)
    assert remembered(tmp_path) == AcmeMemory()
    remember(tmp_path, memory)
    assert remembered(tmp_path) == memory
    assert (tmp_path / "acme.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "acme.json").write_text('{"orders": "many"}')
    assert remembered(tmp_path) == AcmeMemory()
    with pytest.raises(AcmeFailed) as refused:
        remember(tmp_path / "nowhere", memory)
    assert refused.value.trouble is Trouble.NOT_KEPT


@pytest.mark.parametrize("days", [6, 47, 90, 397])
def test_renewals_are_due_after_two_thirds_and_not_all_at_once(days: int) -> None:
    life = datetime.timedelta(days=days)
    shares = []
    for _ in range(12):
        leaf = made("x", NAME, begins=NOW, ends=NOW + life).certificate
        assert renewal_due(leaf) == renewal_due(leaf)
        shares.append((renewal_due(leaf) - NOW) / life)
    assert 2 / 3 <= min(shares) < max(shares) <= 2 / 3 + 1 / 20
    assert len(set(shares)) == len(shares)
