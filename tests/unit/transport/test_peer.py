"""Our candidates in a description: their order, their priorities, and who reads them."""

from __future__ import annotations

from aiortc.sdp import candidate_from_sdp

from mixer.transport.peer import candidate_lines

UDP = (("192.0.2.1", 7881), ("2001:db8::1", 7881))
TCP = (("192.0.2.1", 443), ("2001:db8::1", 443))


def values() -> list[str]:
    *lines, end = candidate_lines(UDP, TCP)
    assert end == "a=end-of-candidates"
    return [line.removeprefix("a=candidate:") for line in lines]


def test_tcp_comes_after_udp_and_is_passive() -> None:
    read = [candidate_from_sdp(value) for value in values()]
    assert [(c.ip, c.port, c.protocol, c.tcpType) for c in read] == [
        ("192.0.2.1", 7881, "udp", None),
        ("2001:db8::1", 7881, "udp", None),
        ("192.0.2.1", 443, "tcp", "passive"),
        ("2001:db8::1", 443, "tcp", "passive"),
    ]
    assert {candidate.type for candidate in read} == {"host"}
    assert len({candidate.foundation for candidate in read}) == 4


def test_priorities_fall() -> None:
    priorities = [candidate_from_sdp(value).priority for value in values()]
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == 4
    assert all(0 < priority < 2**31 for priority in priorities)  # RFC 8445 §5.1.2


def test_without_tcp_nothing_is_said_of_it() -> None:
    assert "tcp" not in "\n".join(candidate_lines(UDP))
