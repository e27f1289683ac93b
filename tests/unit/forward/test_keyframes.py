"""Keyframe requests: coalesced, spaced, repeated until the keyframe comes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mixer.forward.keyframes import INTERVAL_S, SLOWER_AFTER, SLOWER_INTERVAL_S, KeyframeRequests

Requests = KeyframeRequests[tuple[str, int]]
KEY = ("teacher", 2)


def test_all_who_ask_at_once_share_one_request() -> None:
    requests: Requests = KeyframeRequests()
    for _ in range(30):
        requests.request(KEY, 10.0)
    assert requests.poll(10.0) == [KEY]
    assert requests.poll(10.1) == []


def test_it_is_repeated_until_it_arrives() -> None:
    requests: Requests = KeyframeRequests()
    requests.request(KEY, 10.0)
    assert requests.due(10.0) == requests.due(10.0) == [KEY]
    asked = [step / 10 for step in range(100, 130) if requests.poll(step / 10)]
    assert asked == pytest.approx([10.0, 10.5, 11.0, 11.5, 12.0, 12.5])
    requests.keyframe_arrived(KEY)
    assert requests.poll(99.0) == []
    assert requests.next_time() is None


def test_the_next_need_waits_for_its_turn() -> None:
    requests: Requests = KeyframeRequests()
    requests.request(KEY, 10.0)
    requests.poll(10.0)
    requests.keyframe_arrived(KEY)
    requests.request(KEY, 10.1)
    assert requests.next_time() == pytest.approx(10.0 + INTERVAL_S)
    assert requests.poll(10.4) == []
    assert requests.poll(10.5) == [KEY]


def test_never_more_than_one_in_half_a_second() -> None:
    requests: Requests = KeyframeRequests()
    asked = []
    for step in range(1000):
        now = step / 100
        requests.request(KEY, now)
        if requests.poll(now):
            asked.append(now)
        if step % 7 == 0:
            requests.keyframe_arrived(KEY)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert min(gaps) >= INTERVAL_S - 1e-9


def test_a_publisher_that_gives_nothing_is_asked_more_slowly() -> None:
    requests: Requests = KeyframeRequests()
    requests.request(KEY, 0.0)
    asked = [step / 10 for step in range(200) if requests.poll(step / 10)]
    assert asked[SLOWER_AFTER] - asked[SLOWER_AFTER - 1] == pytest.approx(SLOWER_INTERVAL_S)


def test_encodings_are_apart_and_may_go() -> None:
    requests: Requests = KeyframeRequests()
    requests.request(KEY, 0.0)
    requests.request(("teacher", 0), 0.0)
    requests.remove(KEY)
    requests.remove(("nobody", 0))
    assert requests.poll(0.0) == [("teacher", 0)]
    requests.request(KEY, 0.1)  # a new stream of the same name owes nothing to the old one
    assert requests.poll(0.1) == [KEY]
