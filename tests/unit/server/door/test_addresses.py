"""Which address is handed out: to whom, asked as what, on which machine."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from server.config import load_settings
from server.door.addresses import Address, Addresses, Interfaces, Reach, host_names, read_interfaces

LAN = Interfaces(
    outer=tuple(map(ipaddress.ip_address, ["192.168.1.5", "10.9.0.2", "2001:db8::5"])),
    inner=tuple(map(ipaddress.ip_address, ["127.0.0.1", "172.17.0.1", "::1"])),
    names=("county", "county.local"),
)
NO_NETWORK = Interfaces(outer=(), inner=(ipaddress.ip_address("127.0.0.1"),), names=("county",))
PROXY: dict[str, Any] = {"plain_http": True, "host": "127.0.0.1", "trusted_proxies": "127.0.0.1"}
OTHERS, ALONE, UNKNOWN = Reach.OTHERS, Reach.THIS_MACHINE, Reach.UNKNOWN_NAME


def addresses(machine: Interfaces = LAN, **settings: Any) -> Addresses:
    return Addresses(load_settings(**settings), machine=lambda: machine)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, ["https://192.168.1.5:7880", "https://10.9.0.2:7880", "https://[2001:db8::5]:7880"]),
        ({"host": "0.0.0.0"}, ["https://192.168.1.5:7880", "https://10.9.0.2:7880"]),
        ({"host": "10.9.0.2", "port": 443}, ["https://10.9.0.2"]),
        ({"host": "127.0.0.1"}, []),
        ({"host": "::1", "plain_http": True}, []),
        (PROXY, []),
        ({**PROXY, "public_url": "https://t.example.cn"}, ["https://t.example.cn"]),
        ({"public_url": "https://t.example.cn"}, ["https://t.example.cn"]),
        ({"public_url": "https://localhost:7880"}, []),
        ({"public_url": "https://[::1]:7880"}, []),
        (
            {"host": "0.0.0.0", "advertised": "203.0.113.7", "tls_names": "t.example.cn,localhost"},
            [
                "https://t.example.cn:7880",
                "https://203.0.113.7:7880",
                "https://192.168.1.5:7880",
                "https://10.9.0.2:7880",
            ],
        ),
    ],
)
def test_what_others_can_open(settings: dict[str, Any], told: list[str]) -> None:
    found = addresses(**settings)
    assert list(found.for_others()) == told
    best = found.best()
    assert (best.url, best.reach) == ((told[0], OTHERS) if told else (best.url, ALONE))
    # Never without a word: where others can open none, there is one.
    assert (found.why_alone() is None) == bool(told)


def test_a_machine_without_a_network_says_so() -> None:
    found = addresses(NO_NETWORK)
    assert found.best() == Address("https://localhost:7880", ALONE)
    alone = found.why_alone()
    assert alone is not None
    assert "network" in alone.en


@pytest.mark.parametrize(
    ("asked", "client", "url", "reach"),
    [
        # As they came, where others can come so too.
        ("192.168.1.5:7880", "192.168.1.77", "https://192.168.1.5:7880", OTHERS),
        ("10.9.0.2:7880", "10.9.0.9", "https://10.9.0.2:7880", OTHERS),
        ("[2001:db8::5]:7880", "2001:db8::9", "https://[2001:db8::5]:7880", OTHERS),
        ("10.9.0.2", "10.9.0.9", "https://10.9.0.2", OTHERS),  # 443, forwarded
        ("county:7880", "10.9.0.9", "https://county:7880", OTHERS),
        ("County.local.:7880", "10.9.0.9", "https://county.local:7880", OTHERS),
        ("t.example.cn:7880", "10.9.0.9", "https://t.example.cn:7880", OTHERS),
        ("203.0.113.7:7880", "198.51.100.1", "https://203.0.113.7:7880", OTHERS),
        # From the machine itself: its own name or loopback says nothing of others.
        ("localhost:7880", "127.0.0.1", "https://t.example.cn:7880", OTHERS),
        ("127.0.0.1:7880", "127.0.0.1", "https://t.example.cn:7880", OTHERS),
        ("county:7880", "127.0.0.1", "https://t.example.cn:7880", OTHERS),
        ("county:7880", "::ffff:10.9.0.2", "https://t.example.cn:7880", OTHERS),
        ("172.17.0.1:7880", "172.17.0.3", "https://t.example.cn:7880", OTHERS),
        # A name that is none of ours goes nowhere.
        ("evil.example", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
        ("10.9.0.3:7880", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
        ("10.9.0.2:7880@evil.example", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
        ("10.9.0.2:99999", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
        ("10.9.0.2:7880\nX: y", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
        ("[10.9.0.2", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
        ("", "10.9.0.9", "https://t.example.cn:7880", UNKNOWN),
    ],
)
def test_what_a_visitor_is_given(asked: str, client: str, url: str, reach: Reach) -> None:
    found = addresses(tls_names="t.example.cn", advertised="203.0.113.7")
    assert found.for_visitor(asked, client=client, secure=True) == Address(url, reach)


@pytest.mark.parametrize("asked", ["192.168.1.5:7880", "localhost:7880", "evil.example", ""])
def test_a_public_address_is_everybodys(asked: str) -> None:
    found = addresses(public_url="https://t.example.cn")
    given = found.for_visitor(asked, client="10.9.0.9", secure=True)
    assert given == Address("https://t.example.cn", OTHERS)


def test_behind_a_proxy_that_nobody_has_named() -> None:
    found = addresses(**PROXY, tls_names="t.example.cn")
    by_name = found.for_visitor("t.example.cn", client="198.51.100.1", secure=True)
    assert by_name == Address("https://t.example.cn", OTHERS)
    for asked in ("other.example.cn", "127.0.0.1:7880"):
        given = found.for_visitor(asked, client="198.51.100.1", secure=True)
        assert given.reach is not OTHERS
    alone = found.why_alone()
    assert alone is not None
    assert "--public-url" in alone.en
    assert "--public-url" in alone.zh


def test_a_given_certificate_names_what_opens() -> None:
    names = ("tongke.county.cn", "*.school.cn", "10.9.0.2")
    found = Addresses(load_settings(), machine=lambda: LAN, vouched=lambda: names)
    assert found.for_others() == ("https://tongke.county.cn:7880", "https://10.9.0.2:7880")
    for name in ("tongke.county.cn", "a.school.cn"):
        given = found.for_visitor(name, client="10.9.0.9", secure=True)
        assert given == Address(f"https://{name}", OTHERS)
    deeper = found.for_visitor("a.b.school.cn", client="10.9.0.9", secure=True)
    assert deeper.reach is UNKNOWN


def test_this_machine_has_names() -> None:
    assert {"localhost", "127.0.0.1"} <= set(host_names())
    found = read_interfaces()
    assert not any(address.is_loopback for address in found.outer)
    assert any(address.is_loopback for address in found.inner)
