"""STUN: what passes the first look, what is read, how answers are made."""

from __future__ import annotations

from typing import Any

import pytest
from aioice import stun as codec

from mixer.transport import stun

PASSWORD = "p" * 24


def request(
    username: str = "ours:theirs",
    attributes: dict[str, Any] | None = None,
    *,
    password: str = PASSWORD,
) -> bytes:
    attributes = {"USERNAME": username, "PRIORITY": 1, **(attributes or {})}
    message = codec.Message(codec.Method.BINDING, codec.Class.REQUEST, b"t" * 12, attributes)
    message.add_message_integrity(password.encode())
    return bytes(message)


@pytest.mark.parametrize(
    ("data", "passes"),
    [
        (request(), True),
        (b"", False),
        (request()[:19], False),
        (request()[:-1], False),
        (request() + b"\0", False),
        (b"\x01\x01" + request()[2:], False),
        (request()[:4] + b"\0\0\0\0" + request()[8:], False),
        (request("u" * 600), False),
    ],
    ids=["good", "empty", "short", "cut", "long", "response", "no cookie", "too long"],
)
def test_first_look(data: bytes, passes: bool) -> None:
    assert stun.is_binding_request(data) is passes


@pytest.mark.parametrize(
    ("username", "found"),
    [("ours:theirs", "ours"), ("ours", None), (":theirs", None), ("a:b:c", "a")],
)
def test_local_ufrag_without_parsing(username: str, found: str | None) -> None:
    assert stun.local_ufrag(request(username)) == found


def test_ufrag_longer_than_the_datagram_is_none() -> None:
    data = request()
    assert stun.local_ufrag(data[:22] + b"\xff\xff" + data[24:]) is None


def test_request_is_read() -> None:
    read = stun.parse_binding_request(
        request("ours:theirs", {"USE-CANDIDATE": None, "ICE-CONTROLLING": 7})
    )
    assert (read.local_ufrag, read.use_candidate, read.sender_is_controlled) == (
        "ours",
        True,
        False,
    )
    assert read.authentic(PASSWORD)
    assert not read.authentic("q" * 24)


def test_request_without_integrity_is_not_authentic() -> None:
    message = codec.Message(
        codec.Method.BINDING, codec.Class.REQUEST, b"t" * 12, {"USERNAME": "a:b"}
    )
    read = stun.parse_binding_request(bytes(message))
    assert not read.has_integrity
    assert not read.authentic(PASSWORD)


def test_what_a_check_has_no_use_for_is_passed_over() -> None:
    data = request("ours:theirs", {"SOFTWARE": "a browser", "XOR-MAPPED-ADDRESS": ("192.0.2.1", 5)})
    assert stun.parse_binding_request(data).authentic(PASSWORD)


def test_what_follows_the_integrity_is_not_believed() -> None:
    data, nominates = request()[:-8], b"\x00\x25\x00\x00"
    length = (len(data) - 20 + len(nominates)).to_bytes(2, "big")
    read = stun.parse_binding_request(data[:2] + length + data[4:] + nominates)
    assert read.authentic(PASSWORD)
    assert not read.use_candidate


@pytest.mark.parametrize(
    "tail",
    [b"\x80\x28\x00\x04\0\0\0\0", b"\x00\x24\x00\x02\0\0\0\0", b"\x00\x08\x00\x14\0\0\0\0"],
    ids=["wrong fingerprint", "short priority", "cut integrity"],
)
def test_malformed_attributes_are_one_error(tail: bytes) -> None:
    head = request()[:20]
    data = head[:2] + len(tail).to_bytes(2, "big") + head[4:] + tail
    with pytest.raises(stun.StunError):
        stun.parse_binding_request(data)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (("192.0.2.1", 5), ("192.0.2.1", 5)),
        (("::ffff:192.0.2.1", 5), ("192.0.2.1", 5)),
        (("2001:db8::1", 5), ("2001:db8::1", 5)),
        (("fe80::1%eth0", 5), ("fe80::1", 5)),
    ],
)
def test_success_tells_the_peer_its_address(seen: tuple[str, int], told: tuple[str, int]) -> None:
    answer = codec.parse_message(stun.success(b"t" * 12, seen, PASSWORD))
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == told
    assert answer.check_message_integrity(PASSWORD.encode())
    assert len(bytes(answer)) <= len(request())


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_refusal_is_signed_only_with_a_password(password: str | None) -> None:
    answer = codec.parse_message(stun.refusal(b"t" * 12, 487, "Role Conflict", password))
    assert answer.error_code == 487
    if password is None:
        assert len(bytes(answer)) == stun.refusal_bytes("Role Conflict")
    assert answer.check_message_integrity(PASSWORD.encode()) is (password is not None)
