"""An RTSP conversation without I/O: bytes and times in, bytes and packets out.

RFC 2326. The caller opens the connection that `Connect` asks for, feeds what comes, calls
`handle_timer` at `timer()`, and after every call takes what `poll()` gives until it is None. It
never raises for what a camera does: that ends in `Ended`.

    NEW ──connected──► OPTIONS ──► DESCRIBE ──set_up──► SETUP … ──► PLAY ──► PLAYING ──► OVER
     ▲                    │           │                                        │
     └──── 3xx, REDIRECT ─┴───────────┴────────────────────────────────────────┘

A camera is lost when it does not answer, closes, ends the stream, or sends no packet for
`SILENCE_S`: many go on answering while their encoder hangs.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from random import Random

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.description import (
    Description,
    base_url,
    read_description,
)
from hardware_profiles.room_agent.sources.rtsp.errors import (
    CameraLost,
    CameraRefuses,
    NotRtsp,
    RtspError,
)
from hardware_profiles.room_agent.sources.rtsp.events import (
    CameraPacket,
    Connect,
    Described,
    Ended,
    Output,
    Playing,
    Write,
)
from hardware_profiles.room_agent.sources.rtsp.requests import Pending, Requests
from hardware_profiles.room_agent.sources.rtsp.transport import (
    Way,
    channel_of,
    session_of,
    transport_field,
)
from hardware_profiles.room_agent.sources.rtsp.wire import (
    Interleaved,
    MessageReader,
    RtspRequest,
    RtspResponse,
    response_bytes,
)

# A camera on the room's own network answers in milliseconds, one that starts in two seconds.
ANSWER_S = 5.0
SILENCE_S = 3.0
MOST_REDIRECTS = 3
USER_AGENT = "Tongke"
_REDIRECTS = frozenset({301, 302, 303, 305, 307})


class State(Enum):
    """Where the conversation stands."""

    NEW = auto()
    OPTIONS = auto()
    DESCRIBE = auto()
    DESCRIBED = auto()
    SETUP = auto()
    PLAY = auto()
    PLAYING = auto()
    OVER = auto()


class RtspClient:
    """One camera, from the first request to its loss. `dropped` counts what was not its media."""

    def __init__(self, address: StreamAddress, login: Login | None, *, rng: Random) -> None:
        self.state = State.NEW
        self.dropped: Counter[str] = Counter()
        self._address = address
        self._login = login
        self._login_host = address.host
        self._requests = Requests(login, USER_AGENT, rng)
        self._reader = MessageReader()
        self._outputs: deque[Output] = deque([Connect(address.host, address.port)])
        self._redirects = 0
        self._description = Description(address.url, ())
        self._base = address.url
        self._wanted: list[tuple[int, Way]] = []
        self._watched = -1  # the track whose silence is the camera's loss
        self._set_up_count = 0
        self._channels: dict[int, tuple[int, bool]] = {}
        self._peer = ""
        self._session = ""
        self._keep_alive_method = "OPTIONS"
        self._keep_alive_every_s = 0.0
        self._keep_alive_at: float | None = None
        self._answer_by: float | None = None
        self._silent_at: float | None = None

    # --- in -----------------------------------------------------------------------------------

    def connected(self, now: float, *, peer: str = "") -> None:
        """The connection asked for is open; `peer` is the address of its other end."""
        self._peer = peer
        self._reader = MessageReader()
        self._ask("OPTIONS", self._address.url, {}, State.OPTIONS, now)

    def set_up(self, ways: Mapping[int, Way], now: float) -> None:
        """Ask for these tracks of `Described`, each in its way; the others stay unsent.

        The camera is lost when the first of them falls silent: a sound may go on over a picture
        that hangs.
        """
        if self.state is not State.DESCRIBED:
            return  # what came right behind the description has ended it, or led elsewhere
        self._wanted = list(ways.items())
        self._watched = next(iter(ways), -1)
        self._set_up_count = 0
        self._next_set_up(now)

    def handle_data(self, data: bytes, now: float) -> None:
        """Bytes of the connection, cut anywhere."""
        if self.state is State.OVER:
            return
        try:
            for message in self._reader.feed(data):
                if isinstance(message, Interleaved):
                    self._take_frame(message, now)
                elif isinstance(message, RtspResponse):
                    self._take_response(message, now)
                else:
                    self._take_request(message, now)
                if self.state in (State.OVER, State.NEW):
                    return  # what follows on this connection is of no interest
        except RtspError as error:
            self._end(error)

    def handle_datagram(
        self, track: int, data: bytes, host: str, now: float, *, control: bool = False
    ) -> None:
        """A datagram at a track's port, from `host`. From anybody but the camera it is dropped."""
        if self.state not in (State.PLAY, State.PLAYING):
            self.dropped["early"] += 1
        elif host != self._peer:
            self.dropped["foreign"] += 1
        else:
            self._tell_media(track, data, control=control, now=now)

    def handle_closed(self, now: float) -> None:
        """The connection is closed, or could not be opened. Without an error it is a loss, too."""
        if self.state is State.NEW:
            self._end(
                CameraLost(
                    "no connection; look at its power, its network cable and the address in the "
                    "profile",
                    "无法连接；请检查电源、网线和配置中的地址",
                )
            )
        else:
            self._end(CameraLost("it closed the connection", "摄像机关闭了连接"))

    def handle_timer(self, now: float) -> None:
        """To be called at `timer()`; at another time it does no harm."""
        if self._answer_by is not None and now >= self._answer_by:
            self._end(CameraLost("it does not answer", "摄像机没有回答"))
        elif self._silent_at is not None and now >= self._silent_at:
            self._end(CameraLost("it sends nothing", "摄像机没有发送画面"))
        elif self._keep_alive_at is not None and now >= self._keep_alive_at:
            self._keep_alive_at = now + self._keep_alive_every_s
            self._write(self._keep_alive_method, self._description.control)

    # --- out ----------------------------------------------------------------------------------

    def timer(self) -> float | None:
        """When `handle_timer` wants to be called, None while there is nothing to wait for."""
        times = (self._answer_by, self._silent_at, self._keep_alive_at)
        return min((at for at in times if at is not None), default=None)

    def poll(self) -> Output | None:
        """What to do or to know next; None when there is nothing more for now."""
        return self._outputs.popleft() if self._outputs else None

    def farewell(self) -> bytes:
        """What to send before closing of one's own accord; b"" when there is no session."""
        if self.state is State.OVER or not self._session:
            return b""
        fields = {"Session": self._session}
        return self._requests.ask("TEARDOWN", self._description.control, fields)

    # --- what comes ---------------------------------------------------------------------------

    def _take_frame(self, frame: Interleaved, now: float) -> None:
        track, control = self._channels.get(frame.channel, (-1, False))
        if track < 0:
            self.dropped["unknown channel"] += 1
        else:
            self._tell_media(track, frame.data, control=control, now=now)

    def _tell_media(self, track: int, data: bytes, *, control: bool, now: float) -> None:
        if not control and track == self._watched and self.state is State.PLAYING:
            self._silent_at = now + SILENCE_S
        self._outputs.append(CameraPacket(track, data, control))

    def _take_request(self, request: RtspRequest, now: float) -> None:
        """A camera asks seldom, and mostly whether we are there (RFC 2326 §10)."""
        fields = {"CSeq": request.one("cseq")} if request.one("cseq").isdecimal() else {}
        if request.method == "REDIRECT":
            self._redirect(request.one("location"), now)
        elif request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE"):
            self._outputs.append(Write(response_bytes(200, "OK", fields)))
        else:
            self._outputs.append(Write(response_bytes(501, "Not Implemented", fields)))

    def _take_response(self, response: RtspResponse, now: float) -> None:
        if response.status < 200:
            return
        pending = self._requests.answered(response)
        if pending is None:
            return
        if response.status == 401:
            self._outputs.append(Write(self._requests.ask_again(pending, response)))
            if self._answer_by is not None:
                self._answer_by = now + ANSWER_S
        elif self.state is State.PLAYING:
            self._kept_alive(pending, response)
        elif response.status in _REDIRECTS:
            self._redirect(response.one("location"), now)
        elif pending.method == "OPTIONS" and self.state is State.OPTIONS:
            self._take_options(response, now)
        elif response.status >= 300:
            self._end(CameraRefuses(pending.method, response.status))
        elif pending.method == "DESCRIBE" and self.state is State.DESCRIBE:
            self._take_description(response)
        elif pending.method == "SETUP" and self.state is State.SETUP:
            self._take_set_up(response, now)
        elif pending.method == "PLAY" and self.state is State.PLAY:
            self._take_play(now)

    def _kept_alive(self, pending: Pending, response: RtspResponse) -> None:
        if response.status == 454:
            self._end(CameraRefuses(pending.method, response.status))
        elif response.status >= 300 and pending.method == "GET_PARAMETER":
            self._keep_alive_method = "OPTIONS"  # it said it could, and cannot

    def _take_options(self, response: RtspResponse, now: float) -> None:
        # Whatever it answers here, what counts is whether it describes itself.
        known = {word.strip().upper() for word in response.one("public").split(",")}
        self._keep_alive_method = "GET_PARAMETER" if "GET_PARAMETER" in known else "OPTIONS"
        accept = {"Accept": "application/sdp"}
        self._ask("DESCRIBE", self._address.url, accept, State.DESCRIBE, now)

    def _take_description(self, response: RtspResponse) -> None:
        self._base = base_url(
            self._address.url, response.one("content-base"), response.one("content-location")
        )
        self._description = read_description(response.body, self._base)
        self._answer_by = None
        self.state = State.DESCRIBED
        self._outputs.append(Described(self._description))

    def _next_set_up(self, now: float) -> None:
        fields = {"Session": self._session} if self._session else {}
        if self._wanted:
            track, way = self._wanted[0]
            fields["Transport"] = transport_field(way, 2 * self._set_up_count)
            url = self._description.tracks[track].control
            self._ask("SETUP", url, fields, State.SETUP, now)
        else:
            fields["Range"] = "npt=0.000-"
            self._ask("PLAY", self._description.control, fields, State.PLAY, now)

    def _take_set_up(self, response: RtspResponse, now: float) -> None:
        track, way = self._wanted.pop(0)
        session, timeout_s = session_of(response.one("session"))
        self._session = session or self._session
        # At half the time, so that one lost keep-alive costs nothing (RFC 2326 §12.37).
        self._keep_alive_every_s = timeout_s / 2
        if way.interleaved:
            channel = channel_of(response.one("transport"), 2 * self._set_up_count)
            if channel in self._channels or channel + 1 in self._channels:
                raise NotRtsp("one channel for two tracks")
            self._channels[channel] = (track, False)
            self._channels[channel + 1] = (track, True)
        self._set_up_count += 1
        self._next_set_up(now)

    def _take_play(self, now: float) -> None:
        self.state = State.PLAYING
        self._answer_by = None
        self._silent_at = now + SILENCE_S
        self._keep_alive_at = now + self._keep_alive_every_s
        self._outputs.append(Playing())

    # --- what is done ---------------------------------------------------------------------------

    def _ask(
        self, method: str, url: str, fields: Mapping[str, str], state: State, now: float
    ) -> None:
        self.state = state
        self._answer_by = now + ANSWER_S
        self._outputs.append(Write(self._requests.ask(method, url, fields)))

    def _write(self, method: str, url: str) -> None:
        fields = {"Session": self._session} if self._session else {}
        self._outputs.append(Write(self._requests.ask(method, url, fields)))

    def _redirect(self, location: str, now: float) -> None:
        self._redirects += 1
        if self._redirects > MOST_REDIRECTS:
            raise NotRtsp("one address after the other, without end")
        self._address = StreamAddress.parse(location)
        # A login is for the camera it was given for, and for nobody that camera names.
        same = self._address.host == self._login_host
        self._requests.login = self._login if same else None
        self._requests.forget()
        self.state = State.NEW
        self._session = ""
        self._channels.clear()
        self._silent_at = self._keep_alive_at = None
        self._answer_by = now + ANSWER_S
        self._outputs.append(Connect(self._address.host, self._address.port))

    def _end(self, error: RtspError) -> None:
        if self.state is State.OVER:
            return
        self.state = State.OVER
        self._answer_by = self._silent_at = self._keep_alive_at = None
        self._outputs.append(Ended(error))


def tracks_of(description: Description, codecs: Sequence[str]) -> list[int]:
    """The numbers of the tracks of these codecs."""
    return [number for number, one in enumerate(description.tracks) if one.codec in codecs]
