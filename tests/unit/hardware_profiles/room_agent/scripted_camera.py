"""A camera in virtual time: answers the RTSP client as a table says, without a socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.client import RtspClient
from hardware_profiles.room_agent.sources.rtsp.events import (
    CameraPacket,
    Connect,
    Described,
    Ended,
    Output,
    Write,
)
from hardware_profiles.room_agent.sources.rtsp.transport import TCP, Way
from hardware_profiles.room_agent.sources.rtsp.wire import MessageReader, RtspRequest

URL = "rtsp://10.0.0.5/main"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=camera\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\n"
    "a=control:trackID=0\r\n"
    "m=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n"
)

Answer = Callable[[RtspRequest], str | bytes]


def answer(
    request: RtspRequest, status: str = "200 OK", fields: tuple[str, ...] = (), body: str = ""
) -> str:
    head = [f"RTSP/1.0 {status}", f"CSeq: {request.one('cseq')}", *fields]
    if body:
        head.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join(head) + "\r\n\r\n" + body


def usual(request: RtspRequest) -> str:
    """What a well-behaved camera answers."""
    fields: tuple[str, ...] = ()
    body = ""
    match request.method:
        case "OPTIONS":
            fields = ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER",)
        case "DESCRIBE":
            fields, body = (f"Content-Base: {URL}/",), SDP
        case "SETUP":
            fields = (f"Transport: {request.one('transport')}", "Session: 4711;timeout=30")
        case "PLAY":
            fields = ("Session: 4711",)
    return answer(request, fields=fields, body=body)


@dataclass
class Camera:
    """The client with the camera on its other end; `say` is what it answers."""

    say: Answer = usual
    login: Login | None = None
    url: str = URL
    way: Way = TCP
    now: float = 100.0
    cut: int = 10_000  # the answers come in pieces of so many bytes
    asked: list[RtspRequest] = field(default_factory=list)
    told: list[Output] = field(default_factory=list)
    connects: list[Connect] = field(default_factory=list)
    tracks: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        address = StreamAddress.parse(self.url)
        self.client = RtspClient(address, self.login, rng=Random(1))
        self._reader = MessageReader()

    def run(self) -> Camera:
        """Until nobody has anything more to say."""
        answers: deque[bytes] = deque()
        while True:
            while (output := self.client.poll()) is not None:
                self.told.append(output)
                if isinstance(output, Connect):
                    self.connects.append(output)
                    self._reader = MessageReader()
                    answers.clear()
                    self.client.connected(self.now, peer="10.0.0.5")
                elif isinstance(output, Write):
                    answers += self._answers(output.data)
                elif isinstance(output, Described):
                    known = range(len(output.description.tracks))
                    ways = {track: self.way for track in self.tracks if track in known}
                    if ways:
                        self.client.set_up(ways, self.now)
                    else:
                        self.client.handle_closed(self.now)
            if not answers:
                return self
            data = answers.popleft()
            for at in range(0, len(data), self.cut):
                self.client.handle_data(data[at : at + self.cut], self.now)

    def sends(self, data: bytes) -> Camera:
        self.client.handle_data(data, self.now)
        return self.run()

    def until(self, time: float) -> Camera:
        """Virtual time goes on, timer by timer."""
        while (at := self.client.timer()) is not None and at <= time:
            self.now = max(self.now, at)
            self.client.handle_timer(self.now)
            self.run()
        self.now = time
        return self

    def _answers(self, data: bytes) -> list[bytes]:
        found = []
        for request in self._reader.feed(data):
            if isinstance(request, RtspRequest):
                self.asked.append(request)
                said = self.say(request)
                found.append(said if isinstance(said, bytes) else said.encode())
        return [one for one in found if one]

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.asked]

    @property
    def media(self) -> list[CameraPacket]:
        return [one for one in self.told if isinstance(one, CameraPacket)]

    @property
    def error(self) -> str:
        """What it ended with, "" while it goes on."""
        return next((one.error.message_en for one in self.told if isinstance(one, Ended)), "")
