"""Types of the native packet pump; its meaning is told in `mixer/pump/__init__.py`."""

from typing import Final, Literal

from mixer.pump.totals import LayerTotals, TransportTotals

# A peer by UDP is (host, port); by TCP it is (host, port, number of its connection).
Address = tuple[str, int] | tuple[str, int, int]

# What it calls of OpenSSL, where pylibsrtp's library shows it.
AEAD_FUNCTIONS: Final[tuple[str, ...]]

# Events, as `Pump.drain()` returns them: tuples that begin with one of these.
DATAGRAM: Final = 1  # (DATAGRAM, transport_id | 0, address, data, arrival_ns, local): STUN, DTLS
RTCP: Final = 2  # (RTCP, transport_id, data, arrival_ns): a decrypted compound packet
NEW_SSRC: Final = 3  # (NEW_SSRC, transport_id, ssrc, payload_type, mid, rid, repaired_rid)
KEYFRAME_NEEDED: Final = 4  # (KEYFRAME_NEEDED, producer_id, layer)
LAYER_SWITCHED: Final = 5  # (LAYER_SWITCHED, consumer_id, layer)
FIRST_PACKET: Final = 6  # (FIRST_PACKET, producer_id, layer)
LINE: Final = 7  # (LINE, transport_id): a reading waits
VOICE: Final = 8  # (VOICE, producer_id): somebody begins to be loud

PumpEvent = (
    tuple[Literal[1], int, Address, bytes, int, str]
    | tuple[Literal[2], int, bytes, int]
    | tuple[Literal[3], int, int, int, str, str, str]
    | tuple[Literal[4], int, int]
    | tuple[Literal[5], int, int]
    | tuple[Literal[6], int, int]
    | tuple[Literal[7], int]
    | tuple[Literal[8], int]
)

# How a payload's descriptor is read and rewritten.
CODEC_OPAQUE: Final = 0
CODEC_VP8: Final = 1
CODEC_H264: Final = 2
CODEC_OPUS: Final = 3

# As many encodings a producer may have.
LAYERS: Final[int]

# As many bytes of H.264 parameter sets an encoding keeps: one packet takes them.
PARAMETER_SETS_BYTES: Final[int]

# What `Pump.line` returns (`mixer.rtp.line_reading.LineReading` says what each is).
LineRow = tuple[
    int,
    float,
    float,
    float,
    int,
    int,
    int,
    int,
    float,
    float,
    float | None,
    bool,
    bool,
    bool,
    tuple[tuple[float, float, int], ...] | None,
]

class Pump:
    port: int
    tcp_port: int
    event_fd: int

    def __init__(
        self,
        *,
        host: str = "::",
        port: int = 0,
        plain_path: str = "",
        tcp_port: int | None = None,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def drain(self, limit: int = 256) -> list[PumpEvent]: ...
    def send_datagram(self, address: Address, data: bytes, local: str = "") -> bool: ...
    def send_rtcp(self, transport_id: int, data: bytes) -> bool: ...

    # Transports
    def add_transport(
        self,
        *,
        mid: int = 0,
        rid: int = 0,
        repaired_rid: int = 0,
        audio_level: int = 0,
        abs_send_time: int = 0,
        transport_cc: int = 0,
        video_orientation: int = 0,
    ) -> int: ...
    def add_plain_transport(self, path: str) -> int: ...
    def set_extensions(
        self,
        transport_id: int,
        *,
        mid: int = 0,
        rid: int = 0,
        repaired_rid: int = 0,
        audio_level: int = 0,
        abs_send_time: int = 0,
        transport_cc: int = 0,
        video_orientation: int = 0,
    ) -> None: ...
    def set_remote(self, transport_id: int, address: Address | None, local: str = "") -> None: ...
    def set_srtp(
        self,
        transport_id: int,
        rx_session: int,
        tx_session: int,
        *,
        send_key: bytes = b"",
        send_salt: bytes = b"",
    ) -> None: ...
    def set_reporting(self, transport_id: int, *, ssrc: int, cname: str) -> None: ...
    def remove_transport(self, transport_id: int) -> None: ...

    # Producers: streams coming in
    def add_producer(
        self, transport_id: int, *, codec: int, clock_rate: int, nack: bool, remote_ssrc: int = 0
    ) -> int: ...
    def add_encoding(
        self,
        producer_id: int,
        layer: int,
        *,
        ssrc: int,
        payload_type: int,
        rtx_ssrc: int = 0,
        rtx_payload_type: int = 0,
        parameter_sets: bytes = b"",
    ) -> None: ...
    def set_producer_paused(self, producer_id: int, paused: bool) -> None: ...
    def remove_producer(self, producer_id: int) -> None: ...

    # Consumers: streams going out
    def add_consumer(
        self,
        producer_id: int,
        transport_id: int,
        *,
        ssrc: int,
        payload_type: int,
        rtx_ssrc: int = 0,
        rtx_payload_type: int = 0,
        mid: str = "",
        cname: str = "",
        from_past: bool = False,
    ) -> int: ...
    def set_consumer_layer(self, consumer_id: int, layer: int) -> None: ...
    def remove_consumer(self, consumer_id: int) -> None: ...

    # What Python reads to decide
    def line(self, transport_id: int) -> LineRow: ...
    def set_line_settled(self, transport_id: int, settled: bool) -> None: ...
    def losses(self, transport_id: int) -> list[tuple[int, int, int, int]]: ...
    def consumer_bytes(self, consumer_ids: list[int]) -> list[int]: ...
    def layer_totals(self, producer_id: int) -> list[LayerTotals]: ...
    def picture_format(self, producer_id: int, layer: int) -> bytes: ...
    def totals(self, transport_ids: list[int]) -> list[TransportTotals]: ...
    def audio_levels(self) -> list[tuple[int, int]]: ...
    def level_history(self, producer_ids: list[int]) -> tuple[int, list[bytes]]: ...

    # Measuring a line (added after the first seam)
    def probe(self, transport_id: int, *, bitrate_bps: int, duration_ms: int) -> bool: ...

    # Counters
    def pump_stats(self) -> dict[str, int]: ...
    def pump_gauges(self) -> dict[str, int]: ...
    # name → (upper bounds, counts: one more than bounds, sum of all values)
    def pump_measures(self) -> dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]: ...
    def transport_stats(self, transport_id: int) -> dict[str, int]: ...
    def producer_stats(self, producer_id: int) -> list[dict[str, int]]: ...
    def consumer_stats(self, consumer_id: int) -> dict[str, int]: ...

    # For tests, on a pump that is never started: the same core in virtual time. A local peer is
    # named by its path. Both return what would be sent, as (receiver, datagram).
    def _feed(
        self, source: Address | str, data: bytes, now_ns: int
    ) -> list[tuple[Address | str, bytes]]: ...
    def _measure(self, measure: int, value: int, times: int) -> None: ...
    def _tick(self, now_ns: int) -> list[tuple[Address | str, bytes]]: ...

# For tests: the senses of one line without a pump, in virtual time (`native/line.h`).
class Line:
    def depart(self, sequence: int, size_bytes: int, now_ns: int) -> None: ...
    def hear(self, message: bytes, now_ns: int) -> bool: ...
    def let_pass(self, now_ns: int) -> None: ...
    def probe(self, began_ns: int, ends_ns: int) -> None: ...
    def set_settled(self, settled: bool) -> None: ...
    def tells(self, now_ns: int) -> bool: ...
    def take(self) -> LineRow: ...

def read_feedback(message: bytes) -> tuple[int, int, tuple[int | None, ...]] | None: ...
def monotonic_ns() -> int: ...
