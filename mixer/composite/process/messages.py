"""What the server and a lesson's compositor say to each other: one message type per class.

JSON lines over a Unix stream socket, as with the recorder: each line one object with a `type`. The
server sends `Command`s, the compositor `Report`s. When the connection ends, the compositor goes: a
server that was killed leaves none behind. What was said is the compositor's whole state: to one
that was started again all of it is said again, and it goes on under the same SSRCs.

    server                                compositor
    ──────                                ──────────
                                      ◄─  Hello
    Begin                             ─►
    OpenFeed (picture, each mix)      ─►  binds a socket
                                      ◄─  FeedReady, or FeedFailed
    StartFeed (`MediaNode.feed`)      ─►  sends from now on
    OpenTap (each source)             ─►  binds a socket
                                      ◄─  TapReady, or TapFailed
    StartTap (`MediaNode.tap`)        ─►  reads from now on
    Scene (at every change)           ─►
                                      ◄─  Shot, Wants (at every change), Counters (now and then)
    CloseTap, CloseFeed, Stop         ─►
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mixer.composite.director import Directing, Why
from mixer.composite.layouts import ProgramLayout
from mixer.reading.control import (
    CloseTap,
    Message,
    Messages,
    OpenTap,
    StartTap,
    TapFailed,
    TapReady,
    encode,
)

__all__ = [
    "MOST_LAYERS",
    "Begin",
    "Choice",
    "CloseFeed",
    "CloseTap",
    "Command",
    "Counters",
    "Failed",
    "FeedFailed",
    "FeedNeeded",
    "FeedReady",
    "Hello",
    "Keyframe",
    "KeyframeWanted",
    "Layer",
    "Message",
    "OpenFeed",
    "OpenTap",
    "PictureCodec",
    "PictureName",
    "Report",
    "Scene",
    "SceneSeat",
    "Shot",
    "SourceCounters",
    "StartFeed",
    "StartTap",
    "Stop",
    "TapFailed",
    "TapReady",
    "TileShown",
    "Wants",
    "encode",
    "parse_command",
    "parse_report",
]

MOST_LAYERS = 4

# H.264 is for everybody; VP8 for those who cannot show that, while there are any.
PictureCodec = Literal["H264", "VP8"]


# --- what they are about ------------------------------------------------------------------------


class Layer(Message):
    """One encoding of the program's picture: even, 16:9."""

    width: Annotated[int, Field(ge=160, le=3840)]
    height: Annotated[int, Field(ge=90, le=2160)]
    bitrate_bps: Annotated[int, Field(ge=50_000, le=20_000_000)]


class PictureName(Message):
    """One picture of the lesson: whose, and which (`teacher`, `students`, `board`, `screen`)."""

    seat_id: str
    source: str


class SceneSeat(Message):
    """A seat as the program shows it; observers are none.

    `sources` are the pictures it sends now. `name` is what stands in its tiles, the school's label
    with it, as people are to read it. `absence` stands on its slate while it is away, or sends no
    picture, in the lesson's words.
    """

    seat_id: str
    role: str
    name: str = ""
    sources: tuple[str, ...] = ()
    present: bool = True
    absence: str = ""


class Choice(Message):
    """What the lead chose by hand. With each new choice `number` is another, if of the same."""

    number: int
    layout: ProgramLayout
    large: PictureName | None = None
    beside: PictureName | None = None
    with_sound_alone: bool = False


class TileShown(Message):
    """One tile of a shot, in pixels of the largest layer. `source` is empty on a slate."""

    seat_id: str
    source: str
    x: int
    y: int
    width: int
    height: int


# --- what the server says -----------------------------------------------------------------------


class Begin(Message):
    """The first command: what the program is. `layers` are the smallest first, as its SSRCs."""

    type: Literal["begin"] = "begin"
    lesson_id: str
    title: str = ""
    language: str = "zh-CN"
    frames_per_s: Annotated[int, Field(ge=5, le=30)] = 25
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MOST_LAYERS)]


class Heartbeat(Message):
    """How often the picture is sent though nothing has changed; every second when nobody says so.

    Players of parts of 200 ms want a picture in each.
    """

    type: Literal["heartbeat"] = "heartbeat"
    every_s: Annotated[float, Field(ge=0.1, le=10.0)]


class OpenFeed(Message):
    """Bind a datagram socket at `socket_path` to feed from. Answered by `FeedReady`.

    `kind` video is the program's picture, of which there is one for each `codec`; what is opened in
    VP8 is encoded while it is open. A sound without a seat is the mix of all voices; with one it is
    what this seat hears: all but its own.
    """

    type: Literal["open_feed"] = "open_feed"
    feed_id: str
    socket_path: str
    kind: Literal["audio", "video"]
    seat_id: str = ""
    codec: PictureCodec = "H264"  # of a picture


class StartFeed(Message):
    """Where to send, and as what: `mixer.model.FeedInfo`."""

    type: Literal["start_feed"] = "start_feed"
    feed_id: str
    media_path: str
    payload_type: int
    clock_rate: Annotated[int, Field(gt=0)]
    ssrcs: Annotated[tuple[int, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    audio_level_id: int = 0


class CloseFeed(Message):
    """Nobody receives this mix, or this picture, any more: unbind."""

    type: Literal["close_feed"] = "close_feed"
    feed_id: str


class FeedNeeded(Message):
    """Whether anybody receives this mix: what nobody does is not encoded, and while nobody receives
    any nothing is mixed. All are, until this is said.
    """

    type: Literal["feed_needed"] = "feed_needed"
    feed_id: str
    needed: bool


class Scene(Message):
    """Who is in the lesson and what is to be seen of it: all of it, at every change.

    `seats` stand in the lesson's order. `floor` has the floor ("": nobody), `hands` have raised
    theirs, `speakers` are heard now. `places` are the pictures that the lead has put first.
    """

    type: Literal["scene"] = "scene"
    title: str = ""
    seats: tuple[SceneSeat, ...] = ()
    floor: str = ""
    hands: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    places: tuple[PictureName, ...] = ()
    directing: Directing = Directing.AUTOMATIC
    choice: Choice | None = None


class LayersNeeded(Message):
    """Only so many layers, from the smallest on, are received by anybody: the others rest.

    Of the picture in this codec, whose feed is open. All are made until this is said. One that is
    needed again begins with a keyframe.
    """

    type: Literal["layers_needed"] = "layers_needed"
    layers: Annotated[int, Field(ge=0, le=MOST_LAYERS)]
    codec: PictureCodec = "H264"


class Keyframe(Message):
    """Make the next picture of a layer (counted from the smallest) one at which one may begin.

    The media core's own requests come over the feed's socket; this is for all else.
    """

    type: Literal["keyframe"] = "keyframe"
    layer: int = 0


class Stop(Message):
    """The program is over."""

    type: Literal["stop"] = "stop"


# --- what the compositor says -------------------------------------------------------------------


class Hello(Message):
    """The compositor is there."""

    type: Literal["hello"] = "hello"
    pid: int


class FeedReady(Message):
    """The feed's socket is bound: `MediaNode.feed` may be told its path."""

    type: Literal["feed_ready"] = "feed_ready"
    feed_id: str


class FeedFailed(Message):
    """This feed cannot be sent."""

    type: Literal["feed_failed"] = "feed_failed"
    feed_id: str
    text: str


class Wants(Message):
    """The size in which this source is shown from now on; 0 × 0: it is not.

    For `MediaNode.set_tap_want`.
    """

    type: Literal["wants"] = "wants"
    track_id: str
    producer_id: str
    width: int
    height: int


class KeyframeWanted(Message):
    """A keyframe of this source was asked for, over its tap's feedback path: for the log."""

    type: Literal["keyframe_wanted"] = "keyframe_wanted"
    track_id: str
    producer_id: str


class Shot(Message):
    """What is shown from now on: for the journal.

    `unix_s` is when; `why` as the director has it.
    """

    type: Literal["shot"] = "shot"
    unix_s: float
    layout: ProgramLayout
    why: Why
    width: int
    height: int
    tiles: tuple[TileShown, ...]


class SourceCounters(Message):
    """One source since it began."""

    track_id: str
    producer_id: str
    decoded_frames: int = 0
    lost_packets: int = 0
    dropped_frames: int = 0
    undecodable_frames: int = 0
    malformed_packets: int = 0


class Counters(Message):
    """What was done, since the compositor began; said every few seconds.

    `late_ticks`: the clock could not keep its time. `dropped_datagrams`: the media core had no
    room. `compose_s` is the CPU time of all composing. `encode_ms` is the mean of a picture's
    encoding, all layers together, and `delay_ms_p50` and `p99` are from a source's picture in to
    the program's packet out, both since the last `Counters`.
    """

    type: Literal["counters"] = "counters"
    composed_frames: int = 0
    encoded_frames: int = 0
    late_ticks: int = 0
    late_sound_ticks: int = 0
    dropped_datagrams: int = 0
    compose_s: float = 0.0
    encode_ms: float = 0.0
    delay_ms_p50: float = 0.0
    delay_ms_p99: float = 0.0
    sources: tuple[SourceCounters, ...] = ()


class Failed(Message):
    """The program cannot go on; the compositor ends after it. `code` is stable."""

    type: Literal["failed"] = "failed"
    code: Literal["no-codec", "no-font", "broken"]
    text: str


Command = (
    Begin
    | OpenFeed
    | StartFeed
    | CloseFeed
    | FeedNeeded
    | OpenTap
    | StartTap
    | CloseTap
    | Scene
    | Heartbeat
    | Keyframe
    | LayersNeeded
    | Stop
)
Report = (
    Hello
    | FeedReady
    | FeedFailed
    | TapReady
    | TapFailed
    | Wants
    | KeyframeWanted
    | Shot
    | Counters
    | Failed
)

parse_command = Messages[Command](Command, "command").parse
parse_report = Messages[Report](Report, "report").parse
