"""The camera: `… camera PORT FILM`. RTSP (RFC 2326) by TCP, one stream for all viewers.

A process of its own, which costs all contenders the same. Every picture goes out at once, with the
time of that moment in it (`stamp`). Packets are as large as cameras send them.
"""

from __future__ import annotations

import asyncio
import base64
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compositors.classroom import CLOCK_RATE, FRAMES_PER_S, PAYLOAD_TYPE, Clip, clip
from benchmarks.rooms.stamp import stamp
from mixer.rtp import h264
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, serialize_compound
from mixer.rtp.sequence import ntp_from_unix_ns

WIDTH, HEIGHT, BITRATE_BPS = 1920, 1080, 4_000_000
_PACKET_BYTES = 1_400
_SSRC = 0x0CA3
_MOST_BEHIND_BYTES = 8 << 20


class Camera:
    """Whoever plays gets every packet."""

    def __init__(self, film: Clip) -> None:
        self._film = film
        self._players: set[asyncio.StreamWriter] = set()
        self._sequence = 0

    def description(self) -> str:
        """SDP, with the parameter sets."""
        units = [
            part.data
            for data in self._film.frames[0]
            for part in h264.split(RtpPacket.parse(data).payload)
            if part.type in (h264.NAL_SPS, h264.NAL_PPS)
        ]
        sets = ",".join(base64.b64encode(unit).decode() for unit in units)
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n"
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_RATE}\r\n"
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;sprop-parameter-sets={sets}\r\n"
            "a=control:track\r\n"
        )

    async def play(self) -> None:
        """For good."""
        began, number = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, began + number / FRAMES_PER_S - time.monotonic()))
            packets = list(self._packets(number))
            data = b"".join(b"$\0" + len(one).to_bytes(2, "big") + one for one in packets)
            if number % FRAMES_PER_S == 0:
                report = self._report(number)
                data += b"$\1" + len(report).to_bytes(2, "big") + report
            for writer in self._players:
                if writer.transport.get_write_buffer_size() < _MOST_BEHIND_BYTES:
                    writer.write(data)
            number += 1

    def _packets(self, number: int) -> Iterator[bytes]:
        timestamp = number * CLOCK_RATE // FRAMES_PER_S & 0xFFFF_FFFF
        frame = self._film.frames[number % len(self._film.frames)]
        parts = [RtpPacket.parse(data).payload for data in frame]
        for place, payload in enumerate([stamp(time.monotonic_ns()), *parts]):
            packet = RtpPacket(
                PAYLOAD_TYPE, self._sequence, timestamp, _SSRC, payload, marker=place == len(parts)
            )
            self._sequence = (self._sequence + 1) & 0xFFFF
            yield packet.serialize()

    def _report(self, number: int) -> bytes:
        timestamp = number * CLOCK_RATE // FRAMES_PER_S & 0xFFFF_FFFF
        return serialize_compound(
            [SenderReport(_SSRC, ntp_from_unix_ns(time.time_ns()), timestamp, 0, 0)]
        )

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One viewer's conversation."""
        try:
            while True:
                first = await reader.readexactly(1)
                if first == b"$":  # a viewer's own report
                    head = await reader.readexactly(3)
                    await reader.readexactly(int.from_bytes(head[1:], "big"))
                    continue
                text = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self._answered(text, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._players.discard(writer)
            writer.close()

    def _answered(self, text: str, writer: asyncio.StreamWriter) -> None:
        lines = text.split("\r\n")
        method, url, _ = lines[0].split(" ")
        fields = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        head = ["RTSP/1.0 200 OK", f"CSeq: {fields['cseq']}", "Session: 1;timeout=60"]
        body = ""
        match method:
            case "OPTIONS":
                head.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
            case "DESCRIBE":
                body = self.description()
                head += [f"Content-Base: {url}/", "Content-Type: application/sdp"]
            case "SETUP" if "TCP" not in fields["transport"]:
                head[0] = "RTSP/1.0 461 Unsupported Transport"
            case "SETUP":
                head.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        head.append(f"Content-Length: {len(body)}")
        writer.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        if method == "PLAY":
            self._players.add(writer)


def make_film(file: Path) -> None:
    """Encode the camera's classroom once for all runs."""
    film = clip(WIDTH, HEIGHT, seed=1, bitrate_bps=BITRATE_BPS, most_bytes=_PACKET_BYTES - 12)
    file.write_bytes(pickle.dumps(film))


async def main(port: int, camera: Camera) -> None:
    """Serve until killed; says `ready` when it listens."""
    server = await asyncio.start_server(camera.answer, "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await camera.play()


if __name__ == "__main__":
    kept = pickle.loads(Path(sys.argv[2]).read_bytes())  # noqa: S301  # our own
    asyncio.run(main(int(sys.argv[1]), Camera(kept)))
