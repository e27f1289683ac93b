"""The ICE-lite agent, in virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from aioice import stun as codec

from mixer.sdp import IceCredentials
from mixer.transport.crowd import Crowd
from mixer.transport.ice import (
    CONSENT_S,
    MAX_CONSENTED,
    REBIND_SILENCE_S,
    REFUSALS_BURST,
    SILENCE_S,
    Address,
    Answer,
    IceAgent,
    IceOutput,
    IceState,
    RemoteChanged,
    StateChanged,
)
from mixer.transport.line_probe import PROBES_BURST

HOME: Address = ("192.0.2.1", 4000)
MOVED: Address = ("192.0.2.1", 4999)
OTHER: Address = ("2001:db8::1", 4000)

transactions = itertools.count()


def check(
    credentials: IceCredentials,
    *,
    nominate: bool = False,
    priority: int = 1,
    password: str | None = None,
    controlled: bool = False,
    transaction: int | None = None,
) -> bytes:
    """A connectivity check as a browser sends it."""
    attributes: dict[str, object] = {"USERNAME": f"{credentials.ufrag}:peer", "PRIORITY": priority}
    attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 5
    if nominate:
        attributes["USE-CANDIDATE"] = None
    number = next(transactions) if transaction is None else transaction
    message = codec.Message(
        codec.Method.BINDING, codec.Class.REQUEST, number.to_bytes(12, "big"), attributes
    )
    message.add_message_integrity((password or credentials.password).encode())
    return bytes(message)


def error_codes(outputs: list[IceOutput]) -> list[int | None]:
    return [codec.parse_message(o.data).error_code for o in outputs if isinstance(o, Answer)]


def changes(outputs: list[IceOutput]) -> list[IceOutput]:
    return [output for output in outputs if not isinstance(output, Answer)]


@pytest.fixture
def agent() -> IceAgent:
    return IceAgent()


def connected(agent: IceAgent, now: float = 0.0) -> tuple[int, IceCredentials]:
    key, credentials = agent.open(now)
    agent.handle_datagram(HOME, check(credentials, nominate=True), now)
    return key, credentials


def test_first_check_is_answered_and_connects(agent: IceAgent) -> None:
    key, credentials = agent.open(0.0)
    outputs = agent.handle_datagram(HOME, check(credentials, nominate=True), 0.0)
    assert error_codes(outputs) == [None]
    assert changes(outputs) == [
        RemoteChanged(key, HOME),
        StateChanged(key, IceState.CONNECTED),
    ]
    assert agent.session_of(HOME) == key


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (lambda c: check(c, password="wrong" * 5), 401),
        (lambda c: check(IceCredentials("nobody", "x" * 24)), 401),
        (lambda c: check(c)[:20] + b"", None),
        (lambda c: b"\x00\x01" + b"junk" * 10, None),
    ],
    ids=["wrong password", "unknown ufrag", "cut", "junk"],
)
def test_strangers_change_nothing(
    agent: IceAgent, data: Callable[[IceCredentials], bytes], code: int | None
) -> None:
    key, credentials = agent.open(0.0)
    outputs = agent.handle_datagram(OTHER, data(credentials), 0.0)
    assert error_codes(outputs) == ([code] if code else [])
    assert changes(outputs) == []
    assert agent.state_of(key) is IceState.NEW
    assert agent.session_of(OTHER) is None


def test_a_probe_is_answered_and_is_nobodys_session(agent: IceAgent) -> None:
    probe = agent.probes.credentials
    key, _ = connected(agent)
    outputs = agent.handle_datagram(OTHER, check(probe, nominate=True), 1.0)
    assert error_codes(outputs) == [None]
    assert (changes(outputs), len(agent), agent.session_of(OTHER)) == ([], 1, None)
    (sent,) = [output for output in outputs if isinstance(output, Answer)]
    assert sent.address == OTHER
    assert codec.parse_message(sent.data).attributes["XOR-MAPPED-ADDRESS"] == OTHER
    assert agent.handle_datagram(HOME, check(probe), 1.0) != []
    assert agent.session_of(HOME) == key, "a probe takes nobody's address"
    assert agent.handle_datagram(OTHER, check(probe, password="wrong" * 5), 1.0) == []
    assert agent.handle_datagram(OTHER, check(probe)[:40], 1.0) == []


def test_a_source_gets_so_many_answers_to_probes_and_no_more(agent: IceAgent) -> None:
    probe = agent.probes.credentials
    answered = sum(bool(agent.handle_datagram(OTHER, check(probe), 0.0)) for _ in range(600))
    assert (answered, agent.counters.probes_withheld) == (PROBES_BURST, 600 - PROBES_BURST)
    assert agent.handle_datagram(HOME, check(probe), 0.0) != []


def test_request_without_integrity_is_400(agent: IceAgent) -> None:
    _, credentials = agent.open(0.0)
    message = codec.Message(
        codec.Method.BINDING,
        codec.Class.REQUEST,
        b"t" * 12,
        {"USERNAME": f"{credentials.ufrag}:peer", "SOFTWARE": "padding to be long enough"},
    )
    assert error_codes(agent.handle_datagram(OTHER, bytes(message), 0.0)) == [400]


def test_no_answer_is_longer_than_its_request(agent: IceAgent) -> None:
    shortest = bytes(codec.Message(codec.Method.BINDING, codec.Class.REQUEST, b"t" * 12))
    assert agent.handle_datagram(OTHER, shortest, 0.0) == []
    assert agent.counters.refusals_withheld == 1


def test_refusals_are_rationed_per_source(agent: IceAgent) -> None:
    stranger = check(IceCredentials("nobody", "x" * 24))
    answers = [
        bool(agent.handle_datagram((OTHER[0], port), stranger, 0.0)) for port in range(1, 101)
    ]
    assert sum(answers) == REFUSALS_BURST
    assert agent.handle_datagram(HOME, stranger, 0.0) != []  # another source has its own ration


def test_authentic_checks_are_never_rationed(agent: IceAgent) -> None:
    _, credentials = agent.open(0.0)
    assert all(agent.handle_datagram(HOME, check(credentials), 0.0) for _ in range(200))


def test_peer_that_believes_to_be_controlled_is_told(agent: IceAgent) -> None:
    key, credentials = agent.open(0.0)
    outputs = agent.handle_datagram(HOME, check(credentials, controlled=True), 0.0)
    assert error_codes(outputs) == [487]
    assert agent.state_of(key) is IceState.NEW


@pytest.mark.parametrize(
    ("nominate", "after_s", "moves"),
    [
        (True, 0.1, True),
        (False, 0.1, False),
        (False, REBIND_SILENCE_S, True),
    ],
    ids=["nominated", "probe of a second card", "NAT moved the port"],
)
def test_address_moves(agent: IceAgent, nominate: bool, after_s: float, moves: bool) -> None:
    key, credentials = connected(agent)
    outputs = agent.handle_datagram(MOVED, check(credentials, nominate=nominate), after_s)
    assert changes(outputs) == ([RemoteChanged(key, MOVED)] if moves else [])
    assert agent.remote_of(key) == (MOVED if moves else HOME)
    assert agent.session_of(MOVED) == key  # DTLS is heard from both


@pytest.mark.parametrize("best_first", [True, False])
def test_of_all_that_firefox_nominates_the_best_is_taken(agent: IceAgent, best_first: bool) -> None:
    """Its media comes from there; what came from elsewhere would be a stranger's for seconds."""
    key, credentials = agent.open(0.0)
    tried = [(HOME, 200), (MOVED, 100)]
    for number, (address, priority) in enumerate(tried if best_first else tried[::-1]):
        data = check(credentials, nominate=True, priority=priority)
        agent.handle_datagram(address, data, 0.05 * number)
    assert agent.remote_of(key) == HOME
    # It is later that it gives it up: then what it nominates is another choice.
    agent.handle_datagram(MOVED, check(credentials, nominate=True, priority=100), 2.5)
    assert agent.remote_of(key) == MOVED


def test_replayed_check_moves_nothing(agent: IceAgent) -> None:
    key, credentials = agent.open(0.0)
    seen = check(credentials, nominate=True, transaction=99_999)
    agent.handle_datagram(HOME, seen, 0.0)
    outputs = agent.handle_datagram(OTHER, seen, 0.1)
    assert changes(outputs) == []
    assert agent.remote_of(key) == HOME
    assert agent.session_of(OTHER) is None
    assert agent.counters.replays == 1


def test_retransmitted_check_is_answered(agent: IceAgent) -> None:
    _, credentials = agent.open(0.0)
    seen = check(credentials, transaction=88_888)
    agent.handle_datagram(HOME, seen, 0.0)
    assert error_codes(agent.handle_datagram(HOME, seen, 0.5)) == [None]
    assert agent.counters.replays == 0


def test_silence_then_lost_consent_then_return(agent: IceAgent) -> None:
    key, credentials = connected(agent)
    assert agent.handle_timer(SILENCE_S - 0.1) == []
    assert agent.handle_timer(SILENCE_S) == [StateChanged(key, IceState.SILENT)]
    assert agent.handle_timer(CONSENT_S) == [
        StateChanged(key, IceState.EXPIRED),
        RemoteChanged(key, None),
    ]
    assert agent.session_of(HOME) is None
    outputs = agent.handle_datagram(MOVED, check(credentials), CONSENT_S + 5)
    assert changes(outputs) == [
        RemoteChanged(key, MOVED),
        StateChanged(key, IceState.CONNECTED),
    ]


def test_only_who_sends_no_checks_is_asked_for_media(agent: IceAgent) -> None:
    checked, credentials = connected(agent)
    unchecked, other = agent.open(0.0)
    agent.handle_datagram(OTHER, check(other), 0.0)
    asked = {}
    for second in range(1, 45):
        if second % 5 == 0:
            agent.handle_datagram(HOME, check(credentials), second - 0.5)
        asked[second] = agent.unheard(second)
        agent.handle_timer(second)
    silent = range(round(SILENCE_S), round(CONSENT_S) + 1)
    assert asked == {second: [unchecked] if second in silent else [] for second in asked}
    assert agent.state_of(checked) is IceState.CONNECTED
    assert agent.state_of(unchecked) is IceState.EXPIRED
    agent.handle_datagram(MOVED, check(other), 45.0)
    assert agent.unheard(45.0 + SILENCE_S) == [checked, unchecked]


def test_a_session_that_only_sends_media_falls_silent_when_that_ends(agent: IceAgent) -> None:
    key, _ = connected(agent)
    ended_at, asked, silent_at = 17.3, [], 0
    for second in range(1, 30):
        for one in agent.unheard(second):
            asked.append(second)
            agent.handle_activity(one, min(second, ended_at), second)
        if StateChanged(key, IceState.SILENT) in agent.handle_timer(second):
            silent_at = second
    assert silent_at == 28
    assert asked == [10, 20, 28, 29]


def test_media_keeps_a_session_awake_but_not_its_consent(agent: IceAgent) -> None:
    key, _ = connected(agent)
    for second in range(1, 30):
        assert agent.handle_activity(key, float(second), float(second)) == []
        assert agent.handle_timer(float(second)) == []
    assert StateChanged(key, IceState.EXPIRED) in agent.handle_timer(CONSENT_S)


def test_media_wakes_a_silent_session(agent: IceAgent) -> None:
    key, _ = connected(agent)
    agent.handle_timer(SILENCE_S)
    assert agent.handle_activity(key, 11.0, 11.5) == [StateChanged(key, IceState.CONNECTED)]


def test_restart_old_credentials_work_until_the_new_are_used(agent: IceAgent) -> None:
    key, old = connected(agent)
    new = agent.restart(key)
    assert error_codes(agent.handle_datagram(HOME, check(old), 1.0)) == [None]
    outputs = agent.handle_datagram(OTHER, check(new), 1.1)
    assert changes(outputs) == [RemoteChanged(key, OTHER)]
    assert error_codes(agent.handle_datagram(HOME, check(old), 1.2)) == [401]


def test_restart_twice_forgets_the_first(agent: IceAgent) -> None:
    key, _ = connected(agent)
    first, second = agent.restart(key), agent.restart(key)
    assert error_codes(agent.handle_datagram(HOME, check(first), 1.0)) == [401]
    assert error_codes(agent.handle_datagram(HOME, check(second), 1.0)) == [None]


def test_password_of_another_session_is_refused(agent: IceAgent) -> None:
    _, one = agent.open(0.0)
    _, two = agent.open(0.0)
    mixed = check(IceCredentials(one.ufrag, two.password))
    assert error_codes(agent.handle_datagram(HOME, mixed, 0.0)) == [401]


def test_port_given_to_another_peer_is_taken_from_the_first(agent: IceAgent) -> None:
    first, _ = connected(agent)
    second, credentials = agent.open(1.0)
    outputs = agent.handle_datagram(HOME, check(credentials, nominate=True), 1.0)
    assert RemoteChanged(first, None) in outputs
    assert RemoteChanged(second, HOME) in outputs
    assert agent.session_of(HOME) == second


def test_addresses_per_session_are_bounded(agent: IceAgent) -> None:
    key, credentials = connected(agent)
    for port in range(5000, 5100):
        agent.handle_datagram((HOME[0], port), check(credentials), 0.5)
    known = [port for port in range(5000, 5100) if agent.session_of((HOME[0], port)) == key]
    assert len(known) == MAX_CONSENTED - 1
    assert agent.session_of(HOME) == key  # the one in use is never forgotten


def test_closed_session_is_a_stranger(agent: IceAgent) -> None:
    key, credentials = connected(agent)
    agent.restart(key)
    agent.close(key)
    agent.close(key)
    assert len(agent) == 0
    assert agent.session_of(HOME) is None
    assert error_codes(agent.handle_datagram(HOME, check(credentials), 1.0)) == [401]


NEAR, FAR = "198.51.100.1", "198.51.100.2"


def test_answers_leave_from_the_address_that_was_asked(agent: IceAgent) -> None:
    _, credentials = agent.open(0.0)
    stranger = check(IceCredentials("nobody", "x" * 24))
    for data in (
        check(credentials),
        check(credentials, controlled=True),
        stranger,
        check(credentials, password="wrong" * 5),
    ):
        outputs = agent.handle_datagram(HOME, data, 0.0, FAR)
        assert [output.local for output in outputs if isinstance(output, Answer)] == [FAR]


@pytest.mark.parametrize(
    ("nominate", "after_s", "moves"),
    [(True, 0.1, True), (False, 0.1, False), (False, REBIND_SILENCE_S, True)],
    ids=["nominated", "probe of our second address", "the first one fell silent"],
)
def test_a_peer_moves_to_another_address_of_ours(
    agent: IceAgent, nominate: bool, after_s: float, moves: bool
) -> None:
    key, credentials = agent.open(0.0)
    outputs = agent.handle_datagram(HOME, check(credentials, nominate=True), 0.0, NEAR)
    assert RemoteChanged(key, HOME, NEAR) in outputs
    outputs = agent.handle_datagram(HOME, check(credentials, nominate=nominate), after_s, FAR)
    assert changes(outputs) == ([RemoteChanged(key, HOME, FAR)] if moves else [])
    assert agent.local_of(key) == (FAR if moves else NEAR)


def test_a_check_replayed_to_another_address_of_ours_moves_nothing(agent: IceAgent) -> None:
    key, credentials = agent.open(0.0)
    seen = check(credentials, nominate=True, transaction=77_777)
    agent.handle_datagram(HOME, seen, 0.0, NEAR)
    assert changes(agent.handle_datagram(HOME, seen, 0.1, FAR)) == []
    assert agent.local_of(key) == NEAR


def test_a_connection_is_an_address_of_its_own(agent: IceAgent) -> None:
    by_udp: Address = ("192.0.2.1", 4000)
    first: Address = ("192.0.2.1", 4000, 5)
    second: Address = ("192.0.2.1", 4000, 6)
    key, credentials = agent.open(0.0)
    for address in (by_udp, first, second):
        outputs = agent.handle_datagram(address, check(credentials, nominate=True), 0.0)
        assert RemoteChanged(key, address) in outputs
        answer = next(output for output in outputs if isinstance(output, Answer))
        assert answer.address == address
        mapped = codec.parse_message(answer.data).attributes["XOR-MAPPED-ADDRESS"]
        assert mapped == ("192.0.2.1", 4000)
    assert agent.remote_of(key) == second


def test_no_answer_to_a_peer_is_longer_than_its_check(agent: IceAgent) -> None:
    """A check cut down to what authenticates it moves the session, but is not worth an answer."""
    key, credentials = agent.open(0.0)
    message = codec.Message(
        codec.Method.BINDING, codec.Class.REQUEST, b"t" * 12, {"USERNAME": f"{credentials.ufrag}:"}
    )
    message.add_message_integrity(credentials.password.encode())
    for address in (HOME, OTHER):
        for output in agent.handle_datagram(address, bytes(message), 0.0):
            assert not isinstance(output, Answer) or len(output.data) <= len(bytes(message))
    assert agent.state_of(key) is IceState.CONNECTED


def test_sessions_of_one_source_are_bounded() -> None:
    agent = IceAgent(crowd=Crowd(most=3, unbounded=["198.51.100.1"]))
    sessions = [agent.open(0.0) for _ in range(8)]

    def knock(place: int, address: Address) -> list[int | None]:
        return error_codes(agent.handle_datagram(address, check(sessions[place][1]), 0.0))

    for place in range(3):
        assert knock(place, ("192.0.2.1", 4000 + place)) == [None]
    assert knock(3, ("192.0.2.1", 4003)) == [403]
    assert agent.state_of(sessions[3][0]) is IceState.NEW
    assert agent.counters.sources_full == 1
    assert knock(3, ("192.0.2.2", 4003)) == [None], "other sources have their own places"
    assert knock(0, ("192.0.2.1", 5000)) == [None], "who has a place may move within its source"
    agent.close(sessions[1][0])
    assert knock(4, ("192.0.2.1", 4004)) == [None], "a place given back is another's"
    for place in range(3, 8):
        assert knock(place, ("198.51.100.1", 4000 + place)) == [None], "our own TURN server"
        assert knock(place, ("127.0.0.1", 4000 + place)) == [None]


def test_places_are_given_back_when_consent_ends() -> None:
    crowd = Crowd(most=2)
    agent = IceAgent(crowd=crowd)
    for number in range(10):
        _, credentials = agent.open(100.0 * number)
        outputs = agent.handle_datagram(HOME, check(credentials), 100.0 * number)
        assert error_codes(outputs) == [None]
        agent.handle_timer(100.0 * number + CONSENT_S)
    assert len(crowd) == 0
