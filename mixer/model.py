"""The nouns of the media core: what a caller of `mixer.node` says and hears.

Plain frozen values, no behaviour and no I/O. Whoever speaks of media imports them from here,
without the node and all that it stands on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a stream carries."""

    AUDIO = "audio"
    VIDEO = "video"


class Direction(StrEnum):
    """Which of a device's two peer connections: its own media up, or the others' media down."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"


class LinkState(StrEnum):
    """A transport's life: negotiated, connected, silent for a while, gone."""

    NEW = "new"
    CONNECTED = "connected"
    LOST = "lost"
    CLOSED = "closed"


class PictureFault(StrEnum):
    """How a picture is coded that not all browsers can show as it is."""

    B_FRAMES = "b-frames"  # only those pictures are forwarded that need no later one
    INTERLACED = "interlaced"


@dataclass(frozen=True, slots=True)
class LineProbe:
    """With these ICE credentials checks are answered here, and nothing comes of it.

    `udp` and `tcp` are where: host and port of everything peers are told.
    """

    ufrag: str
    password: str
    udp: tuple[tuple[str, int], ...]
    tcp: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class LayerOffer:
    """One encoding that a sender was told to send: its rid, and how large its pictures are."""

    rid: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SourceOffer:
    """What one m-line of a publish offer is: its lesson name and what it may send.

    `layers` are what its sender was told to send, smallest first; empty if it was not told.
    """

    label: str
    max_bitrate_bps: int
    layers: tuple[LayerOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class ProducerInfo:
    """A stream coming in. `label` is the lesson's name for it (`teacher`, `room`, …)."""

    producer_id: str
    device_id: str
    label: str
    kind: Kind
    codec: str
    layers: int


@dataclass(frozen=True, slots=True)
class PublishAnswer:
    """The answer to a publish offer, and every stream the device now sends."""

    sdp: str
    producers: tuple[ProducerInfo, ...]


@dataclass(frozen=True, slots=True)
class Want:
    """A device wants a stream, to show it at about this many pixels.

    `width` and `height` are the tile's size (0 for sound). Higher `priority` keeps its quality
    longer when the line is weak; sound always goes before any picture.
    """

    producer_id: str
    width: int = 0
    height: int = 0
    priority: int = 1


@dataclass(frozen=True, slots=True)
class TileSize:
    """At about how many pixels the reader of a tap shows the picture, as `Want` says of devices."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LayerBeside:
    """What a tap takes beside one that takes the best: the layer for a tile of this size, while it
    is another than the best that sends; nothing else. Nobody has to send anything for it.
    """

    width: int
    height: int


TapWant = TileSize | LayerBeside | None


@dataclass(frozen=True, slots=True)
class ConsumerInfo:
    """A stream going out, and the m-line (`mid`) of the subscribe connection that carries it."""

    producer_id: str
    mid: str


@dataclass(frozen=True, slots=True)
class SubscribeOffer:
    """An offer for a device's subscribe connection; it must be answered before the next one."""

    sdp: str
    consumers: tuple[ConsumerInfo, ...]


@dataclass(frozen=True, slots=True)
class TapInfo:
    """What arrives at a tap: plain RTP and RTCP sender reports in Unix datagrams.

    `fmtp` is the codec's parameters as the producer negotiated them. Timestamps are continuous
    over layer switches; sender reports carry the publisher's NTP clock, so the sound and picture
    of one device can be put in step: `device_id` says which device that is. `audio_level_id` is the
    header extension of a sound's level (RFC 6464), 0 for pictures. A reader that needs a
    keyframe sends a PLI (RFC 4585 §6.3.1) from its socket to the one at `feedback_path`.
    """

    tap_id: str
    producer_id: str
    kind: Kind
    codec: str
    payload_type: int
    clock_rate: int
    channels: int
    ssrc: int
    fmtp: str = ""
    device_id: str = ""
    feedback_path: str = ""
    audio_level_id: int = 0


@dataclass(frozen=True, slots=True)
class FeedOffer:
    """A stream made on this machine: its lesson name, `H264`, `VP8` or `opus`, its layers.

    `fallback_codec` is in what else its feeder would send it, to those who cannot show `codec`:
    `FallbackNeeded` says when somebody is there. It is then a feed of its own, with the producer
    that it stands for as `fallback_for`. Receivers go on wanting that one, and know of one alone.
    """

    label: str
    codec: str
    max_bitrate_bps: int
    layers: int = 1
    fallback_codec: str = ""
    fallback_for: str = ""


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """How a feed is sent: plain RTP and RTCP in Unix datagrams to the socket at `media_path`.

    They come from the socket that was named when the feed was opened; each layer has its SSRC in
    `ssrcs`, the smallest first. `audio_level_id` is the header extension of a sound's level (RFC
    6464), 0 for pictures. Keyframe requests (PLI) come to the feeder's socket.
    """

    producer: ProducerInfo
    media_path: str
    payload_type: int
    clock_rate: int
    ssrcs: tuple[int, ...]
    audio_level_id: int = 0


# Events: what the node tells the one listener of a lesson.


@dataclass(frozen=True, slots=True)
class ProducerLive:
    """The first media packet of a producer has arrived: from now on it can be shown."""

    producer_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class TransportChanged:
    """A device's transport connected, fell silent, or closed."""

    device_id: str
    direction: Direction
    state: LinkState


@dataclass(frozen=True, slots=True)
class SpeakersChanged:
    """Who is heard now: producer ids with their level in dBov (0 loudest … −127), loudest first."""

    levels: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """Somebody at a producer's microphone speaks, or has spoken: from when till when so far.

    Both are told by how long ago they are. A spell of speech is told as it begins, twice a second
    while it grows, and when it is `over`. A room that merely returns another's voice does
    not speak.
    """

    producer_id: str
    began_ago_s: float
    ended_ago_s: float
    over: bool


@dataclass(frozen=True, slots=True)
class ConsumerChanged:
    """A device now gets another layer of a stream, or none (`layer` −1) for the given reason.

    `reason` is one of `""`, `"bandwidth"`, `"producer-paused"`, `"producer-silent"`.
    """

    device_id: str
    producer_id: str
    layer: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LayersNeeded:
    """Of a picture with several layers only so many, from the smallest on, are needed by anybody.

    Its device need not send the others. It begins with all, and is told every change. A sound that
    is fed is told as well: 0 when nobody receives it.
    """

    device_id: str
    producer_id: str
    layers: int


@dataclass(frozen=True, slots=True)
class FallbackNeeded:
    """So many layers of a fed picture, from the smallest on, are needed in its `fallback_codec`.

    It begins with none, 0, and is told every change: what nobody needs, nobody has to make.
    """

    device_id: str
    producer_id: str
    layers: int


@dataclass(frozen=True, slots=True)
class LinkMeasured:
    """One device's line, measured over the last seconds.

    `available_bps` is what it is known to carry (0: unknown), which need not be much above
    `wanted_bps`, what everything the device wants would take (0: unknown).
    """

    device_id: str
    direction: Direction
    loss: float
    rtt_ms: float
    bitrate_bps: int
    available_bps: int
    wanted_bps: int = 0


@dataclass(frozen=True, slots=True)
class PictureFaultsChanged:
    """What is wrong with a picture as it is coded; nothing when it has been set right."""

    producer_id: str
    device_id: str
    faults: tuple[PictureFault, ...]


MediaEvent = (
    ProducerLive
    | PictureFaultsChanged
    | TransportChanged
    | SpeakersChanged
    | SpeechHeard
    | ConsumerChanged
    | LayersNeeded
    | FallbackNeeded
    | LinkMeasured
)


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """What one node admits; a request past a limit is refused and changes nothing."""

    lessons: int = 30
    devices_per_lesson: int = 64
    producers_per_device: int = 8
    encodings_per_producer: int = 3
    layers_per_feed: int = 4  # a program's, from 180p to 1080p
    # A picture, the same in another codec, and a mixed sound for each that hears another mix.
    feeds_per_lesson: int = 17
    pending_handshakes: int = 256
    transports_per_source: int = 512  # of one IPv4 address or IPv6 /64; two for each device


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Where a node listens and what addresses it tells its peers.

    `advertised` are the IP addresses put into candidates; empty means the host's own.
    `pumps` is the number of native threads, one UDP port each: `port`, `port + 1`, … (port 0 lets
    the system choose). Beside each is a TCP port for peers whose network lets no UDP through:
    `tcp_port`, `tcp_port + 1`, …; 0 is the number of the UDP port, None is no TCP.
    """

    host: str = "::"
    port: int = 7881
    advertised: tuple[str, ...] = ()
    pumps: int = 1
    runtime_folder: str = ""
    tcp_port: int | None = 0
    limits: NodeLimits = field(default_factory=NodeLimits)
