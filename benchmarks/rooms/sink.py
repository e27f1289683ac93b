"""The server: `python -m benchmarks.rooms.sink PORT`. A media core that takes WHIP (RFC 9725) from
anybody, and says at `GET /delays` how old each picture was when its last packet had arrived.

A process of its own, which costs all contenders the same; its pump collects for up to 1 ms.
"""

from __future__ import annotations

import asyncio
import json
import re
import selectors
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.rooms.stamp import read_stamp
from mixer.model import NodeSettings, SourceOffer
from mixer.node import MediaNode
from mixer.reading.tap_socket import TapSocket
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket

LESSON = "room"
_MOST_REQUEST_BYTES = 1 << 20


class Arrivals(threading.Thread):
    """Reads all taps; `take` gives the delays since the last call, in milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._delays: list[float] = []
        self._packets = 0

    def add(self, socket: TapSocket) -> None:
        self._selector.register(socket, selectors.EVENT_READ, [None])

    def take(self) -> tuple[list[float], int]:
        with self._lock:
            delays, packets = self._delays, self._packets
            self._delays, self._packets = [], 0
        return delays, packets

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select(0.1):
                self._read(key.fileobj, key.data)  # type: ignore[arg-type]  # sockets all

    def _read(self, socket: TapSocket, stamped: list[int | None]) -> None:
        datagrams = socket.receive()
        now = time.monotonic_ns()
        for data in datagrams:
            if len(data) < 12 or 192 <= data[1] <= 223:
                continue
            try:
                packet = RtpPacket.parse(data)
            except MalformedPacketError:
                continue
            found = read_stamp(packet.payload)
            stamped[0] = found if found is not None else stamped[0]
            with self._lock:
                self._packets += 1
                if packet.marker and stamped[0] is not None:
                    self._delays.append((now - stamped[0]) / 1e6)
                    stamped[0] = None


class Sink:
    """WHIP's one endpoint, `POST /whip`, and the figures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._node = MediaNode(
            NodeSettings(host="127.0.0.1", port=0, advertised=("127.0.0.1",), pumps=1)
        )
        self._arrivals = Arrivals()
        self._devices = 0

    async def run(self, port: int) -> None:
        await self._node.start()
        await self._node.open_lesson(LESSON, lambda event: None)
        self._arrivals.start()
        server = await asyncio.start_server(
            self._answer, "127.0.0.1", port, limit=_MOST_REQUEST_BYTES
        )
        print("ready", flush=True)
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        body = (await reader.readexactly(int(length.group(1)))).decode() if length else ""
        status, kind, text = "200 OK", "application/json", ""
        if head.startswith("POST /whip"):
            self._devices += 1
            status, kind, text = "201 Created", "application/sdp", await self._publish(body)
        elif head.startswith("GET /delays"):
            delays, packets = self._arrivals.take()
            text = json.dumps({"delays_ms": delays, "packets": packets})
        elif head.startswith("DELETE"):
            await self._node.close_device(LESSON, head.split(" ")[1].rpartition("/")[2])
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
            f"Location: /session/device-{self._devices}\r\nConnection: close\r\n\r\n{text}".encode()
        )
        await writer.drain()
        writer.close()

    async def _publish(self, offer: str) -> str:
        names = iter(("teacher", "students", "board", "screen"))
        mids = [
            mid.group(1)
            for media in offer.split("\r\nm=")[1:]
            if media.startswith("video") and (mid := re.search(r"a=mid:(\S+)", media))
        ]
        sources = {mid: SourceOffer(next(names), 20_000_000) for mid in mids}
        answer = await self._node.publish(LESSON, f"device-{self._devices}", offer, sources)
        for producer in answer.producers:
            socket = TapSocket(self._folder / producer.producer_id)
            tap = await self._node.tap(LESSON, producer.producer_id, str(socket.path))
            socket.feedback_path = tap.feedback_path
            self._arrivals.add(socket)
        return answer.sdp


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tongke-sink-") as place:
        asyncio.run(Sink(Path(place)).run(int(sys.argv[1])))
