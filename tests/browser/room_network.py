"""A room's own line: a network namespace joined to this machine by one cable that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def can_make_networks() -> bool:
    """Network namespaces need root and Debian's iproute2."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@dataclass(frozen=True)
class RoomNetwork:
    """One namespace: `host` is this machine's end of the cable, `room` the room's."""

    name: str
    cable: str
    host: str
    room: str
    host_ipv6: str
    room_ipv6: str

    def cut(self) -> None:
        """Pulls the cable."""
        ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """Plugs it in again."""
        ip("link", "set", self.cable, "up")

    def wrap(self, program: str, folder: Path) -> Path:
        """A script that runs `program` inside the room's network."""
        script = folder / f"in-{self.name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        script.chmod(0o700)
        return script

    def leave_ipv6_alone(self) -> None:
        """Takes the room's IPv4 address away."""
        ip("-n", self.name, "-4", "addr", "flush", "scope", "global")

    def block(self, *, tcp_ports: tuple[int, ...] = ()) -> None:
        """A school's firewall: no UDP either way, and nothing to these TCP ports."""
        closed = ", ".join(map(str, tcp_ports))
        rules = f"""
            table inet school {{
                chain in {{
                    type filter hook input priority 0
                    meta l4proto udp counter drop
                }}
                chain out {{
                    type filter hook output priority 0
                    meta l4proto udp counter drop
                    {f"tcp dport {{ {closed} }} counter drop" if closed else ""}
                }}
            }}
        """
        subprocess.run(
            ["ip", "netns", "exec", self.name, "nft", "-f", "-"],
            input=rules,
            text=True,
            check=True,
            capture_output=True,
        )


def can_block() -> bool:
    """Firewalls of rooms need Debian's nftables too."""
    return can_make_networks() and shutil.which("nft") is not None


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def room_network(number: int) -> Iterator[RoomNetwork]:
    """Makes the network of one room and takes it away again."""
    tag = f"{os.getpid() % 100_000}{number}"
    network = RoomNetwork(
        name=f"tk{tag}",
        cable=f"tkh{tag}",
        host=f"10.77.{number}.1",
        room=f"10.77.{number}.2",
        host_ipv6=f"fd77:{number}::1",
        room_ipv6=f"fd77:{number}::2",
    )
    ip("netns", "add", network.name)
    try:
        far = f"tkr{tag}"
        ip("link", "add", network.cable, "type", "veth", "peer", "name", far, "netns", network.name)
        ip("addr", "add", f"{network.host}/30", "dev", network.cable)
        ip("addr", "add", f"{network.host_ipv6}/64", "dev", network.cable, "nodad")
        ip("link", "set", network.cable, "up")
        ip("-n", network.name, "addr", "add", f"{network.room_ipv6}/64", "dev", far, "nodad")
        ip("-n", network.name, "addr", "add", f"{network.room}/30", "dev", far)
        ip("-n", network.name, "link", "set", far, "up")
        ip("-n", network.name, "link", "set", "lo", "up")
        yield network
    finally:
        ip("netns", "del", network.name)
