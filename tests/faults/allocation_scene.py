"""Run with `native/allocations.c` preloaded: a million packets are forwarded on real sockets, and
the pump thread's allocations are counted meanwhile. Prints both as JSON.

One picture goes to fifty viewers, over SRTP and the kernel; one viewer asks for packets again. The
first packets fill what is sized by use (history, logs) and are not counted.
"""

from __future__ import annotations

import ctypes
import json
import select
import socket
import time
from pathlib import Path

from mixer.pump import CODEC_VP8, Pump
from mixer.rtp.feedback import Nack
from mixer.rtp.packet import HeaderExtension, RtpPacket
from mixer.rtp.rtcp import ReceiverReport, serialize_compound
from tests.unit.pump.payloads import vp8
from tests.unit.pump.rig import SrtpPeer

VIEWERS = 50
BURST = 50  # packets sent before the pump is waited for
WARM_UP, COUNTED = 5_000, 20_500  # packets received; the latter make more than a million sent
DEADLINE_S = 60.0
MID, TRANSPORT_CC = 4, 3


class Scene:
    """The pump, a publisher, a viewer that talks, and a socket where the others' packets end."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
        publisher, viewer, sink = self.sockets
        publisher.bind(("127.0.0.1", 0))
        viewer.bind(("127.0.0.1", 0))
        sink.bind(("0.0.0.0", 0))  # every 127.x.y.z; never read: what comes is let go of
        self.publisher = SrtpPeer(publisher.getsockname())
        self.viewer = SrtpPeer(viewer.getsockname())
        source = pump.add_transport(mid=MID, transport_cc=TRANSPORT_CC)
        self.publisher.attach(pump, source)
        producer = pump.add_producer(source, codec=CODEC_VP8, clock_rate=90_000, nack=True)
        pump.add_encoding(producer, 0, ssrc=1000, payload_type=96)
        others = [SrtpPeer((f"127.0.1.{n}", sink.getsockname()[1])) for n in range(1, VIEWERS)]
        self.peers = [self.viewer, *others]  # their SRTP sessions live here
        for number, peer in enumerate(self.peers):
            transport = pump.add_transport(mid=MID, transport_cc=TRANSPORT_CC)
            peer.attach(pump, transport)
            consumer = pump.add_consumer(
                producer, transport, ssrc=2000 + number, payload_type=96, mid="1",
                rtx_ssrc=3000 + number, rtx_payload_type=97,
            )  # fmt: skip
            pump.set_consumer_layer(consumer, 0)
        self.sent = 0
        self.first_sequence = -1

    def send(self, packets: int) -> None:
        """Send so many, in bursts, each when the one before was worked through."""
        for _ in range(packets // BURST):
            for _ in range(BURST):
                self._send_media()
            self._ask_again()
            self._wait()

    def _send_media(self) -> None:
        number, self.sent = self.sent, self.sent + 1
        packet = RtpPacket(
            96, number & 0xFFFF, number // 10 * 3000, 1000,
            vp8(keyframe=number == 0, picture_id=number // 10 & 0x7FFF) + bytes(1000),
            extensions=(HeaderExtension(TRANSPORT_CC, (number & 0xFFFF).to_bytes(2, "big")),),
        )  # fmt: skip
        self.sockets[0].send(self.publisher.protect(packet.serialize()))

    def _ask_again(self) -> None:
        viewer = self.sockets[1]
        while select.select([viewer], [], [], 0)[0]:
            data = viewer.recv(2048)
            if self.first_sequence < 0:
                self.first_sequence = RtpPacket.parse(self.viewer.open(data)).sequence_number
        if self.first_sequence < 0:
            return
        newest = self.first_sequence + self.sent - BURST - 1
        lost = tuple((newest - back) & 0xFFFF for back in (2, 3, 9))
        report = serialize_compound([ReceiverReport(1), Nack(1, 2000, lost)])
        viewer.send(self.viewer.protect(report))

    def _wait(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while self.pump.pump_stats()["forwarded_packets"] < self.sent * VIEWERS:
            assert time.monotonic() < deadline, self.pump.pump_stats()
            time.sleep(0.0002)
        self.pump.drain()


def pump_thread() -> int:
    (thread,) = [
        int(task.name)
        for task in Path("/proc/self/task").iterdir()
        if (task / "comm").read_text().strip().startswith("tongke-pump")
    ]
    return thread


def main() -> None:
    count = ctypes.CDLL(None).allocations_of
    count.restype, count.argtypes = ctypes.c_uint64, [ctypes.c_int64]
    pump = Pump(host="127.0.0.1")
    pump.start()
    try:
        scene = Scene(pump)
        for end in scene.sockets[:2]:
            end.connect(("127.0.0.1", pump.port))
        thread = pump_thread()
        scene.send(WARM_UP)
        before, stats_before = count(thread), pump.pump_stats()
        scene.send(COUNTED)
        after, stats = count(thread), pump.pump_stats()
        told = {name: stats[name] - stats_before[name] for name in stats}
        print(json.dumps({"warm_up": before, "counted": after - before, "stats": told}))
    finally:
        pump.stop()
        for end in scene.sockets:
            end.close()


if __name__ == "__main__":
    main()
