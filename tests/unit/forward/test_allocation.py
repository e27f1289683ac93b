"""Sharing a line: who gets which layer, and how it moves when the line does."""

from __future__ import annotations

import copy
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.forward.allocation import MAX_HOLD_S, NOTHING, Allocation, Allocator, Choice
from mixer.forward.layers import Layer, Stream
from mixer.model import Kind, Want

LAYERS = (Layer(150_000), Layer(500_000), Layer(1_500_000))
VOICE = Layer(40_000)


def picture(name: str, *, layers: tuple[Layer, ...] = LAYERS, paused: bool = False) -> Stream:
    return Stream(name, Kind.VIDEO, layers, paused)


def sound(name: str) -> Stream:
    return Stream(name, Kind.AUDIO, (VOICE,))


def streams(*every: Stream) -> dict[str, Stream]:
    return {stream.producer_id: stream for stream in every}


LESSON = streams(picture("teacher"), picture("room-1"), picture("room-2"), sound("voice"))
WANTS = [
    Want("room-1", 320, 180),
    Want("teacher", 1280, 720, priority=2),
    Want("voice"),
    Want("room-2", 320, 180),
]


def layers_at(available_bps: int) -> dict[str, int]:
    allocation = Allocator().allocate(0.0, available_bps=available_bps, wants=WANTS, streams=LESSON)
    return {choice.producer_id: choice.layer for choice in allocation.choices}


@pytest.mark.parametrize(
    ("available_bps", "teacher", "room_1", "room_2"),
    [
        (10_000_000, 2, 0, 0),
        (2_200_000, 2, 0, 0),
        (2_100_000, 1, 0, 0),  # 1,840,000 and its margin do not fit
        (1_000_000, 1, 0, 0),
        (600_000, 0, 0, 0),
        (500_000, 0, 0, -1),
        (300_000, 0, -1, -1),
        (100_000, -1, -1, -1),
        (0, -1, -1, -1),
    ],
)
def test_a_new_subscriber(available_bps: int, teacher: int, room_1: int, room_2: int) -> None:
    expected = {"room-1": room_1, "teacher": teacher, "voice": 0, "room-2": room_2}
    assert layers_at(available_bps) == expected


def test_choices_keep_the_order_of_the_wants_and_say_what_would_be_needed() -> None:
    allocation = Allocator().allocate(0.0, available_bps=700_000, wants=WANTS, streams=LESSON)
    assert [choice.producer_id for choice in allocation.choices] == [w.producer_id for w in WANTS]
    assert allocation.used_bps == 40_000 + 3 * 150_000
    assert allocation.wanted_bps == 40_000 + 1_500_000 + 2 * 150_000


@pytest.mark.parametrize(
    ("stream", "choice"),
    [
        (picture("p", paused=True), Choice("p", NOTHING, "producer-paused")),
        (picture("p", layers=(Layer(0, live=False),)), Choice("p", NOTHING, "producer-silent")),
        (picture("p", layers=()), Choice("p", NOTHING, "producer-silent")),
        (picture("p", layers=(Layer(9_000_000),)), Choice("p", NOTHING, "bandwidth")),
    ],
)
def test_reasons(stream: Stream, choice: Choice) -> None:
    allocation = Allocator().allocate(
        0.0, available_bps=1_000_000, wants=[Want("p", 640, 360)], streams=streams(stream)
    )
    assert allocation.choices == (choice,)


def test_a_want_for_a_stream_that_is_gone_is_passed_over() -> None:
    allocation = Allocator().allocate(0.0, available_bps=10**6, wants=[Want("x")], streams={})
    assert allocation.choices == ()


def test_a_dead_layer_is_replaced_by_the_next_lower_live_one() -> None:
    layers = (LAYERS[0], LAYERS[1], Layer(0, live=False))
    choice = one_choice(Allocator(), 0.0, 10**7, layers)
    assert choice == Choice("p", 1)


def test_when_only_larger_layers_live_the_smallest_of_them_is_taken() -> None:
    layers = (Layer(0, live=False), LAYERS[1], LAYERS[2])
    allocation = Allocator().allocate(
        0.0,
        available_bps=10**7,
        wants=[Want("p", 160, 90)],
        streams=streams(picture("p", layers=layers)),
    )
    assert allocation.choices == (Choice("p", 1),)


def one_choice(
    allocator: Allocator, now: float, available_bps: int, layers: tuple[Layer, ...] = LAYERS
) -> Choice:
    allocation = allocator.allocate(
        now,
        available_bps=available_bps,
        wants=[Want("p", 1280, 720)],
        streams=streams(picture("p", layers=layers)),
    )
    return allocation.choices[0]


def test_down_at_once_up_with_margin_and_after_a_hold() -> None:
    allocator = Allocator()
    assert one_choice(allocator, 0.0, 2_000_000).layer == 2
    assert (
        one_choice(allocator, 0.1, 1_500_000).layer == 2
    )  # what is there may stay to the last bit
    assert one_choice(allocator, 0.2, 1_499_999).layer == 1  # down at once
    assert one_choice(allocator, 9.0, 1_600_000).layer == 1  # up needs a margin
    assert one_choice(allocator, 9.1, 1_800_000).layer == 2
    assert one_choice(allocator, 9.2, 600_000).layer == 1
    assert one_choice(allocator, 10.0, 1_800_000).layer == 1  # and a hold
    assert one_choice(allocator, 9.2 + MAX_HOLD_S, 1_800_000).layer == 2


def test_an_abundant_line_needs_no_hold() -> None:
    allocator = Allocator()
    one_choice(allocator, 0.0, 2_000_000)
    one_choice(allocator, 0.1, 200_000)
    assert one_choice(allocator, 0.2, 3_000_000).layer == 2


def test_a_small_layer_dearer_for_a_moment_keeps_nobody_from_the_better() -> None:
    """Bitrates are measured: the small layer may burst while the large one rests."""
    line = Allocator()
    wants = [Want("camera", 1280, 720)]
    burst = streams(picture("camera", layers=(Layer(500_000), Layer(300_000))))
    for now in (0.0, 0.3):
        allocation = line.allocate(now, available_bps=400_000, wants=wants, streams=burst)
        assert allocation.choices == (Choice("camera", 1),)
        assert allocation.used_bps == 300_000


def test_flapping_waits_longer_each_time_but_never_too_long() -> None:
    allocator, now, waits = Allocator(), 0.0, []
    one_choice(allocator, now, 2_000_000)
    for _ in range(5):
        now += 0.5
        assert one_choice(allocator, now, 600_000).layer == 1
        fell = now
        while one_choice(allocator, now, 2_000_000).layer == 1:
            now += 0.1
        waits.append(now - fell)
    assert waits == pytest.approx([2, 4, 6, 6, 6], abs=0.2)
    assert max(waits) < MAX_HOLD_S + 0.2


def test_what_shows_nothing_waits_less() -> None:
    allocator = Allocator()
    one_choice(allocator, 0.0, 600_000)
    assert one_choice(allocator, 20.0, 400_000).layer == 0
    assert one_choice(allocator, 20.1, 100_000).layer == NOTHING
    assert one_choice(allocator, 20.9, 160_000).layer == NOTHING
    assert one_choice(allocator, 21.2, 160_000).layer == 0  # a small margin is enough
    assert one_choice(allocator, 21.3, 700_000).layer == 0
    assert one_choice(allocator, 22.1, 700_000).layer == 1


def test_what_waits_is_not_overtaken_by_what_matters_less() -> None:
    allocator = Allocator()
    lesson = streams(picture("teacher"), picture("room-1"))
    wants = [Want("teacher", 1280, 720, priority=2), Want("room-1", 320, 180)]

    def layers(now: float, available_bps: int) -> list[int]:
        allocation = allocator.allocate(
            now, available_bps=available_bps, wants=wants, streams=lesson
        )
        return [choice.layer for choice in allocation.choices]

    assert layers(0.0, 2_000_000) == [2, 0]
    assert layers(20.0, 155_000) == [0, NOTHING]
    assert layers(20.8, 0) == [NOTHING, NOTHING]
    # The room's picture has waited long enough; the teacher's, which comes first, has not.
    assert layers(21.5, 160_000) == [NOTHING, NOTHING]
    assert layers(21.9, 160_000) == [0, NOTHING]


def test_an_estimate_that_swings_by_a_tenth_does_not_flap() -> None:
    allocator, switches, before = Allocator(), 0, None
    for step in range(600):
        available = 1_650_000 + (150_000 if step % 7 < 3 else -140_000)
        layer = one_choice(allocator, step * 0.1, available).layer
        switches += before is not None and layer != before
        before = layer
    assert switches == 0


def test_a_larger_tile_gets_its_layer_at_once() -> None:
    allocator = Allocator()
    both = streams(picture("a"), picture("b"))
    small = [Want("a", 320, 180), Want("b", 320, 180)]
    allocator.allocate(0.0, available_bps=2_000_000, wants=small, streams=both)
    large = [Want("a", 1280, 720, priority=2), Want("b", 320, 180)]
    allocation = allocator.allocate(0.1, available_bps=2_000_000, wants=large, streams=both)
    assert [choice.layer for choice in allocation.choices] == [2, 0]


def test_the_spotlight_takes_from_the_rest() -> None:
    allocator = Allocator()
    both = streams(picture("a"), picture("b"))
    wants = [Want("a", 1280, 720, 2), Want("b", 1280, 720, 1)]
    first = allocator.allocate(0.0, available_bps=2_000_000, wants=wants, streams=both)
    assert [choice.layer for choice in first.choices] == [2, 0]
    wants = [Want("a", 1280, 720, 1), Want("b", 1280, 720, 2)]
    after = allocator.allocate(1.0, available_bps=2_000_000, wants=wants, streams=both)
    assert [choice.layer for choice in after.choices] == [1, 2]


def test_the_larger_of_equal_priority_comes_first() -> None:
    both = streams(picture("a"), picture("b"))
    wants = [Want("a", 640, 360), Want("b", 1280, 720)]
    allocation = Allocator().allocate(0.0, available_bps=200_000, wants=wants, streams=both)
    assert [choice.layer for choice in allocation.choices] == [-1, 0]


def test_sound_goes_before_every_picture() -> None:
    every = streams(picture("p"), *(sound(f"s{i}") for i in range(5)))
    wants = [Want("p", 1280, 720, 10), *(Want(f"s{i}") for i in range(5))]
    allocation = Allocator().allocate(0.0, available_bps=200_000, wants=wants, streams=every)
    assert [choice.layer for choice in allocation.choices] == [-1, 0, 0, 0, 0, 0]


def test_where_not_even_the_sound_fits_those_who_speak_are_heard() -> None:
    every = streams(*(sound(f"s{i}") for i in range(4)))
    wants = [Want(f"s{i}") for i in range(4)]

    def heard(allocator: Allocator, now: float, bps: int, *speakers: str) -> list[str]:
        allocation = allocator.allocate(
            now, available_bps=bps, wants=wants, streams=every, speakers=speakers
        )
        return [choice.producer_id for choice in allocation.choices if choice.layer == 0]

    allocator = Allocator()
    assert heard(allocator, 0.0, 100_000, "s2") == ["s0", "s2"]
    assert heard(allocator, 0.1, 100_000, "s3", "s2") == ["s2", "s3"]
    assert heard(allocator, 0.2, 100_000) == ["s2", "s3"]  # who spoke last stays
    assert heard(allocator, 0.3, 10_000, "s1") == ["s1"]  # one always goes out
    assert heard(allocator, 0.4, 1_000_000) == ["s0", "s1", "s2", "s3"]


def test_a_weak_subscriber_changes_nothing_for_another() -> None:
    strong, weak = Allocator(), Allocator()
    for step in range(50):
        now = step * 0.1
        weak.allocate(now, available_bps=50_000, wants=WANTS, streams=LESSON)
        allocation = strong.allocate(now, available_bps=5_000_000, wants=WANTS, streams=LESSON)
        assert [choice.layer for choice in allocation.choices] == [0, 2, 0, 0]


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[str, Stream], list[Want]]:
    names = [f"p{i}" for i in range(draw(st.integers(0, 6)))]
    every = {}
    for name in names:
        kind = draw(st.sampled_from(Kind))
        layers = draw(
            st.lists(st.builds(Layer, st.integers(0, 3_000_000), st.booleans()), max_size=3)
        )
        every[name] = Stream(name, kind, tuple(layers), draw(st.booleans()))
    wants = draw(
        st.lists(
            st.builds(
                Want,
                st.sampled_from([*names, "gone"]),
                st.integers(0, 2000),
                st.integers(0, 2000),
                st.integers(0, 10),
            ),
            max_size=8,
        )
    )
    return every, wants


@given(situations(), st.lists(st.integers(0, 8_000_000), min_size=1, max_size=6))
def test_whatever_happens_the_line_is_not_overbooked(
    situation: tuple[dict[str, Stream], list[Want]], rates: list[int]
) -> None:
    """All choices are live layers of wanted streams and fit the line, but for one sound."""
    every, wants = situation
    allocator = Allocator()
    for step, rate in enumerate(rates):
        allocation = allocator.allocate(step * 0.3, available_bps=rate, wants=wants, streams=every)
        assert {c.producer_id for c in allocation.choices} == {w.producer_id for w in wants} - {
            "gone"
        }
        costs = []
        for choice in allocation.choices:
            stream = every[choice.producer_id]
            assert (choice.layer == NOTHING) == bool(choice.reason)
            if choice.layer != NOTHING:
                assert choice.layer in stream.live_layers
                assert not stream.paused
                costs.append((stream.layers[choice.layer].bitrate_bps, stream.kind))
        assert allocation.used_bps == sum(cost for cost, _ in costs)
        if allocation.used_bps > rate:
            paid = [cost for cost in costs if cost[0]]
            assert [kind for _, kind in paid] == [Kind.AUDIO]


@given(situations(), st.lists(st.integers(0, 8_000_000), min_size=1, max_size=4), st.randoms())
def test_a_new_price_is_that_of_choosing_anew(
    situation: tuple[dict[str, Stream], list[Want]], rates: list[int], rng: random.Random
) -> None:
    """Where `reprice` says that the choices stand, `allocate` finds, and remembers, the same."""
    every, wants = situation
    allocator = Allocator()
    for step, rate in enumerate(rates):
        last = allocator.allocate(step * 0.3, available_bps=rate, wants=wants, streams=every)
        swung = {
            name: at_bitrates(stream, [rng.randrange(3_000_000) for _ in stream.layers])
            for name, stream in every.items()
        }
        needed_bps = allocator.reprice(available_bps=rate, bitrates=bitrates_of(swung))
        if needed_bps is None:
            continue
        before = copy.deepcopy(allocator._states)
        anew = allocator.allocate(step + 0.1, available_bps=rate, wants=wants, streams=swung)
        assert anew == Allocation(last.choices, needed_bps, needed_bps)
        assert allocator._states == before


def bitrates_of(every: dict[str, Stream]) -> dict[str, list[int]]:
    return {name: [one.bitrate_bps for one in stream.layers] for name, stream in every.items()}


def at_bitrates(stream: Stream, rates: list[int]) -> Stream:
    layers = zip(stream.layers, rates, strict=True)
    return replace(stream, layers=tuple(replace(one, bitrate_bps=rate) for one, rate in layers))


@pytest.mark.parametrize(
    ("available_bps", "grown", "needed_bps"),
    [(10**7, 1, 1_840_000), (10**7, 2, 3_680_000), (3 * 10**6, 2, None), (10**6, 1, None)],
    ids=["as it was", "all doubled", "no longer carried", "never was"],
)
def test_choices_stand_while_the_line_carries_all(
    available_bps: int, grown: int, needed_bps: int | None
) -> None:
    allocator = Allocator()
    allocator.allocate(0.0, available_bps=available_bps, wants=WANTS, streams=LESSON)
    heavier = {
        name: at_bitrates(stream, [grown * one.bitrate_bps for one in stream.layers])
        for name, stream in LESSON.items()
    }
    bitrates = bitrates_of(heavier)
    assert allocator.reprice(available_bps=available_bps, bitrates=bitrates) == needed_bps
