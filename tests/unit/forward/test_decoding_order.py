"""When a stream is said to have B-frames."""

from __future__ import annotations

from mixer.forward.decoding_order import STEPS, WITHIN_S, StepsBack


def test_a_stream_that_steps_back_all_the_time_is_known_soon() -> None:
    steps = StepsBack()
    said = []
    for second in range(5):
        steps.update(second, float(second))
        said.append(steps.usual(float(second)))
    assert said == [second >= STEPS for second in range(5)]


def test_a_clock_that_was_set_is_no_order_of_pictures() -> None:
    steps = StepsBack()
    for hour in range(10):
        steps.update(hour, 3600.0 * hour)
        assert not steps.usual(3600.0 * hour)


def test_an_encoder_that_was_set_right_is_forgiven() -> None:
    steps = StepsBack()
    steps.update(100, 0.0)
    steps.update(100, WITHIN_S)
    assert steps.usual(WITHIN_S)
    steps.update(100, WITHIN_S + 1)
    assert not steps.usual(WITHIN_S + 1)


def test_a_count_that_begins_anew_goes_on() -> None:
    steps = StepsBack()
    steps.update(100, 0.0)
    steps.update(2, 1.0)
    assert steps.usual(1.0)
