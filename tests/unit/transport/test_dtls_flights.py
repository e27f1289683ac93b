"""Which handshake datagrams go out again, when, and under which record numbers."""

from __future__ import annotations

import pytest

from mixer.transport.dtls_flights import (
    COPIES_MOST,
    DATAGRAMS_MOST,
    FIRST_REPEAT_S,
    LAST_FLIGHT_REPEATS,
    LEAST_REPEAT_S,
    LONGEST_REPEAT_S,
    Flights,
)

NOW = 1000.0
NEVER = float("inf")


def record(number: int, *, epoch: int = 0, message: int | None = None) -> bytes:
    """A handshake record, or (without a message's number) a change of cipher."""
    body = b"\1" if message is None else b"\2\0\0\x10" + message.to_bytes(2) + bytes(6) + b"payload"
    head = bytes([20 if message is None else 22]) + b"\xfe\xfd" + epoch.to_bytes(2)
    return head + number.to_bytes(6) + len(body).to_bytes(2) + body


def datagram(first: int, *messages: int) -> bytes:
    """Handshake messages of epoch 0, in records numbered from `first`."""
    return b"".join(record(first + at, message=one) for at, one in enumerate(messages))


SEALED = record(0, epoch=1, message=5)
HELLO, ANSWER = datagram(0, 0), datagram(0, 1, 2, 3)


def waiting() -> Flights:
    """The server's first flight went out at `NOW`."""
    flights = Flights()
    assert flights.receive(HELLO, NOW) == []
    assert flights.send(ANSWER, NOW) == ANSWER
    return flights


def repeats(flights: Flights) -> list[float]:
    """When copies go out if nobody answers, after `NOW`."""
    times = []
    while (when := flights.next_time) != NEVER:
        assert flights.poll(when - 0.001) == []
        assert flights.poll(when)
        times.append(round(when - NOW, 3))
    return times


def test_a_flight_is_repeated_later_and_later_but_not_for_ever() -> None:
    times = repeats(waiting())
    waits = [later - before for before, later in zip([0.0, *times], times, strict=False)]
    assert waits[:4] == pytest.approx([FIRST_REPEAT_S * 2**at for at in range(4)])
    assert max(waits) == pytest.approx(LONGEST_REPEAT_S)
    assert len(times) == COPIES_MOST


def test_clear_records_are_numbered_anew_and_sealed_ones_left_alone() -> None:
    flights = Flights()
    assert flights.send(datagram(0, 1, 2) + record(2) + SEALED, NOW) == (
        datagram(0, 1, 2) + record(2) + SEALED
    )
    (copy,) = flights.poll(flights.next_time)
    assert copy == datagram(3, 1, 2) + record(5) + SEALED
    flights.receive(HELLO, NOW)
    assert flights.send(datagram(3, 3), NOW) == datagram(6, 3), (
        "what follows rises above the copies"
    )


def test_an_answer_ends_it() -> None:
    flights = waiting()
    assert flights.receive(datagram(1, 1, 2), NOW) == []
    answer = record(3) + SEALED
    flights.send(answer, NOW)
    flights.end(may_be_missed=False)
    assert flights.next_time == NEVER
    assert flights.receive(datagram(9, 1, 2), NOW + 1) == []


def test_who_repeats_itself_is_answered_at_once_but_not_twice_at_once() -> None:
    flights = waiting()
    assert flights.receive(HELLO, NOW + LEAST_REPEAT_S / 2) == []
    assert flights.receive(HELLO, NOW + LEAST_REPEAT_S) == [datagram(3, 1, 2, 3)]
    assert flights.receive(HELLO, NOW + LEAST_REPEAT_S) == []
    assert flights.next_time == pytest.approx(NOW + LEAST_REPEAT_S + FIRST_REPEAT_S)


def test_who_repeats_itself_for_ever_is_not() -> None:
    flights = waiting()
    asked = [flights.receive(HELLO, NOW + step) for step in range(1, 1000)]
    assert sum(map(len, asked)) == COPIES_MOST
    assert flights.next_time == NEVER


def test_the_last_flight_is_repeated_a_few_times_and_when_asked_for() -> None:
    flights = waiting()
    flights.receive(datagram(1, 1, 2), NOW)
    flights.send(record(3) + SEALED, NOW)
    flights.end(may_be_missed=True)
    assert len(repeats(flights)) == LAST_FLIGHT_REPEATS
    assert flights.receive(datagram(7, 1, 2), NOW + 60) == [record(7) + SEALED]


def test_what_openssl_repeats_takes_the_place_of_what_was_kept() -> None:
    flights = waiting()
    flights.send(ANSWER + SEALED, NOW + 0.05)
    assert flights.poll(flights.next_time) == [datagram(6, 1, 2, 3) + SEALED]


def test_a_flight_of_several_datagrams_is_repeated_whole_but_bounded() -> None:
    flights = Flights()
    for message in range(DATAGRAMS_MOST + 2):
        flights.send(datagram(0, message), NOW)
    assert len(flights.poll(flights.next_time)) == DATAGRAMS_MOST


def test_an_alert_is_numbered_and_not_repeated() -> None:
    flights = Flights()
    alert = bytes([21]) + record(7)[1:]
    assert flights.send(alert, NOW) == bytes([21]) + record(0)[1:]
    assert flights.next_time == NEVER


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\x16",
        b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff" + b"torn",
        b"\x2f" + bytes(40),
        b"\x16\xfe\xfd" + bytes(8) + b"\0\0",
        ANSWER[:-1],
    ],
)
def test_what_cannot_be_read_answers_nothing(hostile: bytes) -> None:
    flights = waiting()
    assert flights.receive(hostile, NOW + 1) == []
    assert flights.next_time < NEVER
