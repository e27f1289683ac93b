"""The floor's process: `python -m benchmarks.floor.node HOST`.

Owns the little negotiation it takes to get SRTP keys: binding requests answered, DTLS shaken, one
peer per connection. Media is the native thread's (`native/floor.h`).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from aioice import stun

from benchmarks.descriptions import (
    AUDIO_PAYLOAD_TYPE,
    VIDEO_PAYLOAD_TYPE,
    LocalTransport,
    server_description,
)
from benchmarks.floor._floor import Floor
from benchmarks.servers.serving import serve
from mixer import sdp
from mixer.transport.dtls import DtlsCertificate, DtlsRole, DtlsSession, Fingerprint

SOCKET_BYTES = 4 << 20
KINDS = {"audio": AUDIO_PAYLOAD_TYPE, "video": VIDEO_PAYLOAD_TYPE}


@dataclass(slots=True)
class Connection:
    """One peer of the load client."""

    local: LocalTransport
    dtls: DtlsSession
    address: tuple[str, int] | None = None
    number: int = -1  # in the native thread, once the keys are known


class FloorNode:
    """See `benchmarks.servers.serving.Served`."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._control.setblocking(False)
        self._theirs = theirs
        self._floor = Floor(self._socket.fileno(), theirs.fileno())
        self._certificate = DtlsCertificate()
        self._by_ufrag: dict[str, Connection] = {}
        self._by_address: dict[tuple[str, int], Connection] = {}
        self._wanted: dict[str, list[str]] = {}  # subscribing seat → publishing connections
        self._handshakes: dict[str, asyncio.Task[None]] = {}
        self._connections: dict[str, Connection] = {}

    async def start(self) -> None:
        """Listen."""
        self._socket.bind((self._host, 0))
        asyncio.get_running_loop().add_reader(self._control, self._take)
        self._floor.start()

    async def close(self) -> None:
        """End the thread, then the sessions whose keys it used."""
        self._floor.stop()
        asyncio.get_running_loop().remove_reader(self._control)
        for task in self._handshakes.values():
            task.cancel()
        await asyncio.gather(*self._handshakes.values(), return_exceptions=True)
        for connection in self._connections.values():
            await connection.dtls.close()
        for one in (self._socket, self._control, self._theirs):
            one.close()

    async def handle(self, call: dict[str, Any]) -> object:
        """One line of the benchmark."""
        name = f"{call['session']}/{call.get('seat', '')}"
        match call["method"]:
            case "open":
                return None
            case "publish":
                return self._publish(f"{name}/up", call["sdp"])
            case "subscribe":
                publishers = [f"{call['session']}/{seat}/up" for seat in call["publishers"]]
                return self._subscribe(f"{name}/down", publishers)
            case "subscribe_answer":
                self._connect(f"{name}/down", call["sdp"])
                return None
            case other:
                raise ValueError(f"unknown method {other!r}")

    def _publish(self, name: str, offer: str) -> str:
        connection = self._open(name)
        media = [(line.mid, line.kind, KINDS[line.kind]) for line in sdp.parse(offer).media]
        self._connect(name, offer)
        return self._describe(connection, media, "recvonly", "passive")

    def _subscribe(self, name: str, publishers: list[str]) -> str:
        connection = self._open(name)
        self._wanted[name] = publishers
        kinds = list(KINDS.items()) * len(publishers)
        media = [(str(mid), kind, number) for mid, (kind, number) in enumerate(kinds)]
        return self._describe(connection, media, "sendonly", "actpass")

    def _describe(
        self,
        connection: Connection,
        media: list[tuple[str, str, int]],
        direction: str,
        setup: str,
    ) -> str:
        host, port = self._socket.getsockname()
        return server_description(connection.local, media, direction, setup, (host, port))

    def _open(self, name: str) -> Connection:
        def send(data: bytes) -> None:
            if connection.address is not None:
                self._socket.sendto(data, connection.address)

        dtls = DtlsSession(self._certificate.current(), send=send, on_closed=lambda: None)
        fingerprint = next(f for f in dtls.fingerprints if f.algorithm == "sha-256")
        local = LocalTransport(secrets.token_hex(4), secrets.token_hex(12), fingerprint)
        connection = Connection(local, dtls)
        self._connections[name] = self._by_ufrag[local.ufrag] = connection
        return connection

    def _connect(self, name: str, description: str) -> None:
        first = sdp.parse(description).media[0]
        fingerprints = tuple(
            Fingerprint(algorithm.lower(), value.strip().upper())
            for algorithm, _, value in (text.partition(" ") for text in first.all("fingerprint"))
        )
        self._run(name, self._shake_hands(name, fingerprints))

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._handshakes[name] = asyncio.create_task(work)

    async def _shake_hands(self, name: str, fingerprints: tuple[Fingerprint, ...]) -> None:
        connection = self._connections[name]
        sessions = await connection.dtls.connect(DtlsRole.SERVER, fingerprints)
        assert connection.address is not None
        host, port = connection.address
        connection.number = self._floor.add_peer(
            socket.inet_aton(host), port, sessions.receive, sessions.send
        )
        for publisher in self._wanted.get(name, ()):
            self._floor.add_consumer(self._connections[publisher].number, connection.number)

    def _take(self) -> None:
        """A STUN or DTLS datagram from the native thread."""
        told = self._control.recv(4096)
        address = (socket.inet_ntoa(told[:4]), int.from_bytes(told[4:6], "big"))
        data = told[6:]
        if data[0] >= 20:
            if address in self._by_address:
                self._by_address[address].dtls.receive(data)
            return
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        ufrag = str(message.attributes.get("USERNAME", "")).partition(":")[0]
        connection = self._by_ufrag.get(ufrag)
        if connection is None or message.message_class is not stun.Class.REQUEST:
            return
        connection.address = address
        self._by_address[address] = connection
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": address},
        )
        response.add_message_integrity(connection.local.password.encode())
        self._socket.sendto(bytes(response), address)


if __name__ == "__main__":
    asyncio.run(serve(FloorNode(sys.argv[1])))
