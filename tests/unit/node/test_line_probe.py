"""A waiting room's probe against a real node: by UDP and by TCP, read by aioice's codec."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aioice import stun as codec

from mixer.errors import NodeUnavailable
from mixer.model import LineProbe, NodeSettings
from mixer.node import MediaNode

PATIENCE_S = 10.0
SETTINGS = NodeSettings(host="127.0.0.1", port=0, tcp_port=0, advertised=("127.0.0.1",), pumps=1)


def check(probe: LineProbe) -> bytes:
    attributes = {"USERNAME": f"{probe.ufrag}:page", "PRIORITY": 1, "ICE-CONTROLLING": 5}
    made = codec.Message(codec.Method.BINDING, codec.Class.REQUEST, b"t" * 12, attributes)
    made.add_message_integrity(probe.password.encode())
    made.add_fingerprint()
    return bytes(made)


def seen_from(answer: bytes) -> object:
    return codec.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"]


async def test_a_probe_is_answered_by_udp_and_by_tcp() -> None:
    node = MediaNode(SETTINGS)
    with pytest.raises(NodeUnavailable):
        node.line_probe()
    await node.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            probe = node.line_probe()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as page:
                page.setblocking(False)
                page.connect(probe.udp[0])
                page.send(check(probe))
                answer = await asyncio.get_running_loop().sock_recv(page, 2000)
                assert seen_from(answer) == page.getsockname()
            reader, writer = await asyncio.open_connection(*probe.tcp[0])
            asked = check(probe)
            writer.write(len(asked).to_bytes(2, "big") + asked)  # RFC 4571
            length = int.from_bytes(await reader.readexactly(2), "big")
            framed = await reader.readexactly(length)
            assert seen_from(framed) == writer.get_extra_info("sockname")
            writer.close()
            await writer.wait_closed()
    finally:
        await node.close()
