"""Which addresses peers are told."""

from __future__ import annotations

import ipaddress
import socket

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
        (
            "::",
            ("2001:DB8::1", "203.0.113.9", "203.0.113.1"),
            ("203.0.113.9", "203.0.113.1", "2001:db8::1"),
        ),
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


async def test_the_machines_addresses_are_followed(caplog: pytest.LogCaptureFixture) -> None:
    """A machine that starts before its network tells nobody but itself, and then everybody."""
    own = OWN[:3]
    node = MediaNode(NodeSettings(port=0, pumps=2), own_addresses=lambda: list(own))
    caplog.set_level("INFO")
    await node.start()
    try:
        assert {host for host, _ in node.candidates} == {"127.0.0.1", "::1"}
        assert "no room elsewhere" in caplog.text
        caplog.clear()
        await node.look_at_addresses()
        assert caplog.text == ""  # nothing new
        own.append(OWN[3])
        await node.look_at_addresses()
        hosts = [host for host, _ in node.candidates]
        assert hosts == ["192.168.1.5", "127.0.0.1", "::1"] * 2
        assert [host for host, _ in node.line_probe().udp] == hosts[:3]
        assert "192.168.1.5" in caplog.text
        assert "no room elsewhere" not in caplog.text
        own.clear()
        await node.look_at_addresses()
        assert node.candidates[0][0] == "192.168.1.5"  # the last known are the best guess
    finally:
        await node.close()


@pytest.mark.parametrize(
    "settings",
    [
        NodeSettings(port=0, advertised=("203.0.113.1",)),
        NodeSettings(port=0, host="127.0.0.1"),
    ],
    ids=["advertised", "host"],
)
async def test_what_is_set_is_not_followed(settings: NodeSettings) -> None:
    own = OWN[:1]
    node = MediaNode(settings, own_addresses=lambda: list(own))
    await node.start()
    before = node.candidates
    own.append(OWN[3])
    await node.look_at_addresses()
    assert node.candidates == before
    await node.close()


async def test_busy_port_says_what_to_do() -> None:
    first = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await first.start()
    second = MediaNode(NodeSettings(host="127.0.0.1", port=first.candidates[0][1]))
    with pytest.raises(
        NodeUnavailable, match=r"UDP port \d+ and TCP port \d+.*Choose other media ports"
    ):
        await second.start()
    await second.close()
    await first.close()
    await first.close()


async def test_a_busy_tcp_port_is_told_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        node = MediaNode(NodeSettings(host="127.0.0.1", port=0, tcp_port=number))
        with pytest.raises(NodeUnavailable, match=f"TCP port {number}"):
            await node.start()


@pytest.mark.parametrize("tcp_port", [0, None])
async def test_what_peers_are_told_of_tcp(tcp_port: int | None) -> None:
    advertised = tuple(f"192.0.2.{number}" for number in range(1, 9))
    settings = NodeSettings(port=0, tcp_port=tcp_port, pumps=2, advertised=advertised)
    node = MediaNode(settings)
    await node.start()
    few = [(host, port) for host, port in node.candidates if host in advertised[:4]]
    assert list(node.tcp_candidates) == ([] if tcp_port is None else few)
    await node.close()


async def test_several_pumps_share_the_lessons() -> None:
    node = MediaNode(NodeSettings(host="127.0.0.1", port=0, pumps=2))
    await node.start()
    for number in range(4):
        await node.open_lesson(f"lesson-{number}", print)
    ports = node.node_stats()["ports"]
    assert [port["lessons"] for port in ports] == [2, 2]
    await node.close()
