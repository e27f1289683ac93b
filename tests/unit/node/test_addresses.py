"""Which addresses peers are told."""

from __future__ import annotations

import ipaddress

import pytest

from mixer.errors import NodeUnavailable
from mixer.model import NodeSettings
from mixer.node import MediaNode
from mixer.node.addresses import advertised_addresses, interface_addresses

OWN = [
    ipaddress.ip_address(text)
    for text in ["127.0.0.1", "::1", "fe80::1", "192.168.1.5", "2001:db8::5", "10.0.0.2"]
]


@pytest.mark.parametrize(
    ("host", "advertised", "told"),
    [
        ("::", (), ("10.0.0.2", "192.168.1.5", "2001:db8::5", "127.0.0.1", "::1")),
        ("0.0.0.0", (), ("10.0.0.2", "192.168.1.5", "127.0.0.1")),
        ("192.168.1.5", (), ("192.168.1.5",)),
        ("::", ("203.0.113.1", "2001:DB8::0:1"), ("203.0.113.1", "2001:db8::1")),
    ],
)
def test_what_is_told(host: str, advertised: tuple[str, ...], told: tuple[str, ...]) -> None:
    settings = NodeSettings(host=host, advertised=advertised)
    assert advertised_addresses(settings, OWN) == told


def test_this_host_has_loopback() -> None:
    assert ipaddress.ip_address("127.0.0.1") in interface_addresses()


async def test_wrong_address_is_named_at_the_start() -> None:
    node = MediaNode(NodeSettings(advertised=("media.example",)))
    with pytest.raises(NodeUnavailable, match=r"media\.example"):
        await node.start()


async def test_busy_port_says_what_to_do() -> None:
    first = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await first.start()
    second = MediaNode(NodeSettings(host="127.0.0.1", port=first.candidates[0][1]))
    with pytest.raises(NodeUnavailable, match="Choose another media port"):
        await second.start()
    await second.close()
    await first.close()
    await first.close()


async def test_several_pumps_share_the_lessons() -> None:
    node = MediaNode(NodeSettings(host="127.0.0.1", port=0, pumps=2))
    await node.start()
    for number in range(4):
        await node.open_lesson(f"lesson-{number}", print)
    ports = node.node_stats()["ports"]
    assert [port["lessons"] for port in ports] == [2, 2]  # type: ignore[attr-defined]
    await node.close()
