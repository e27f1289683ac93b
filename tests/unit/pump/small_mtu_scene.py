"""Run in a network namespace of its own, whose loopback carries only 1,280 bytes at a time.

There the kernel refuses to segment larger packets; the pump must send them one by one. Prints the
sizes received and the pump's counters as JSON.
"""

from __future__ import annotations

import json
import socket
import sys

from mixer.pump import CODEC_OPAQUE, Pump
from mixer.rtp.packet import RtpPacket
from tests.unit.pump.rig import SrtpPeer

BURSTS, PACKETS = 100, 20


def main() -> None:
    size = int(sys.argv[1])
    pump = Pump(host="127.0.0.1")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        for end in (sender, receiver):
            end.bind(("127.0.0.1", 0))
            end.settimeout(20)
        publisher, viewer = SrtpPeer(sender.getsockname()), SrtpPeer(receiver.getsockname())
        transports = [pump.add_transport(), pump.add_transport()]
        publisher.attach(pump, transports[0])
        viewer.attach(pump, transports[1])
        producer = pump.add_producer(
            transports[0], codec=CODEC_OPAQUE, clock_rate=90_000, nack=False
        )
        pump.add_encoding(producer, 0, ssrc=1, payload_type=96)
        consumer = pump.add_consumer(producer, transports[1], ssrc=5, payload_type=96)
        pump.set_consumer_layer(consumer, 0)
        pump.start()
        sizes = set()
        for sequence in range(0, BURSTS * PACKETS, PACKETS):
            for number in range(sequence, sequence + PACKETS):
                packet = RtpPacket(96, number, 1, 1, bytes(size)).serialize()
                sender.sendto(publisher.protect(packet), ("127.0.0.1", pump.port))
            for _ in range(PACKETS):
                sizes.add(len(RtpPacket.parse(viewer.open(receiver.recv(2048))).payload))
        pump.stop()  # what it sent last is counted once it is sent
        stats = pump.pump_stats()
    print(json.dumps({"sizes": sorted(sizes), "stats": stats}))


if __name__ == "__main__":
    main()
