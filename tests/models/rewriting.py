"""The pump's rewriting rules, told in Python: what every consumer is sent, number by number.

The native core (`mixer/pump/native`: reception.c, h264_stream.c, parameter_sets.c, encoding.c,
consumer.c, sequence_map.c) does the same per packet and is held to this model by randomised tests.
Read this to know the rules; it owns no bytes, no SRTP, no time of its own.

A receiver sees one stream that never stumbles:

* Sequence numbers follow the source's, gaps included (a receiver must see what was lost), but for
  padding, which is left out and its gap closed. A switch of layers goes on at the next number.
* Timestamps stay on one clock. Another layer's clock is aligned by both layers' sender reports,
  else by time of arrival, and a switch always moves time forward.
* VP8 picture ids and TL0PICIDX go on by one at a switch.
* H.264 pictures that are to be shown before one that came before them (B-frames) are left out like
  padding, but for local readers; where others are made from one, so are those up to the keyframe.
* An H.264 keyframe that comes without its parameter sets gets those kept of its layer, in a packet
  of their own before it. Its number is new: all that follows moves up by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from mixer.rtp.sequence import sequence_distance, timestamp_distance

WINDOW = 1024  # packets this far behind the highest are too old
JUMP = 3000  # a forward jump this wide is a restart, if the next packet confirms it
CATCH_UP = 128  # how late a keyframe's first packet may come and still be joined
STRETCHES_REMEMBERED = 8
ALIGN_WITHIN_S = 60  # reports further apart than this say nothing about each other
BACK_MAX = 180_000  # ticks: further back is a clock that was set
SPS, PPS = 7, 8  # NAL unit types
SETS_MOST, SETS_BYTES = 16, 1000  # parameter sets kept of one layer


class Sets(Enum):
    """Whether a keyframe that begins here brings the parameter sets it needs."""

    THERE = auto()  # or no keyframe begins here
    LACKING = auto()  # they go in front of it
    UNSURE = auto()  # what came before it is missing: whoever joins here is sent what is kept


@dataclass(frozen=True, slots=True)
class SourcePacket:
    """A packet of one encoding. `payload` is b"" for a packet of padding alone.

    Of H.264: the parameter sets in it, whether it holds a slice or a part of one, and whether that
    is the first of an IDR picture.
    """

    sequence: int
    timestamp: int
    payload: bytes
    marker: bool = False
    starts_keyframe: bool = False
    parameter_sets: tuple[bytes, ...] = ()
    has_slice: bool = False
    starts_idr: bool = False
    is_unreferenced: bool = False  # nal_ref_idc 0
    is_idr: bool = False  # a slice of such a picture
    sets: Sets = Sets.THERE
    is_needless: bool = False
    picture_id: int | None = None
    picture_id_bits: int = 15
    tl0_index: int | None = None


@dataclass(frozen=True, slots=True)
class SentPacket:
    """The same packet as a consumer is sent it. `source` names it as (layer, extended sequence)."""

    sequence: int
    timestamp: int
    payload: bytes
    marker: bool
    picture_id: int | None
    tl0_index: int | None
    source: tuple[int, int]
    is_sets: bool = False  # what goes in front of `source`


class Arrival(Enum):
    NEWEST = auto()
    LATE = auto()
    DUPLICATE = auto()
    REFUSED = auto()
    RESTART = auto()


@dataclass(slots=True)
class Reception:
    """Extended sequence numbers of one incoming stream (RFC 3550 appendix A.1)."""

    highest: int = -1  # before the first packet
    seen: set[int] = field(default_factory=set)
    suspect: int | None = None

    def place(self, sequence: int, *, repaired: bool) -> tuple[Arrival, int]:
        if self.highest < 0:
            return (Arrival.REFUSED, 0) if repaired else self._start(0x10000 + sequence)
        ahead = sequence_distance(sequence, self.highest & 0xFFFF)
        if ahead >= JUMP or ahead <= -WINDOW:
            return self._suspect(sequence, repaired=repaired)
        extended = self.highest + ahead
        if extended in self.seen:
            return Arrival.DUPLICATE, extended
        self.seen.add(extended)
        self.suspect = None
        if ahead < 0:
            return Arrival.LATE, extended
        self.highest = extended
        self.seen = {number for number in self.seen if number > extended - WINDOW}
        return Arrival.NEWEST, extended

    def _start(self, extended: int) -> tuple[Arrival, int]:
        self.highest, self.seen, self.suspect = extended, {extended}, None
        return Arrival.NEWEST, extended

    def _suspect(self, sequence: int, *, repaired: bool) -> tuple[Arrival, int]:
        if repaired:
            return Arrival.REFUSED, 0
        if self.suspect != sequence:
            self.suspect = (sequence + 1) & 0xFFFF
            return Arrival.REFUSED, 0
        _, extended = self._start((((self.highest >> 16) + 2) << 16) | sequence)
        return Arrival.RESTART, extended


@dataclass(slots=True)
class ParameterSets:
    """The newest set of each id that came, sequence parameter sets first."""

    kept: dict[tuple[bool, int], bytes] = field(default_factory=dict)  # by (is PPS, id)
    newest: int = -1  # the sequence that brought the last

    def take(self, units: tuple[bytes, ...], sequence: int) -> None:
        if sequence < self.newest:
            return
        self.newest = sequence
        for unit in units:
            name = self._name_of(unit)
            if name is None or self.kept.get(name) == unit:
                continue
            self.kept.pop(name, None)
            fits = len(self.payload) + 2 + len(unit) <= SETS_BYTES
            if fits and len(self.kept) < SETS_MOST:
                self.kept[name] = unit

    @staticmethod
    def _name_of(unit: bytes) -> tuple[bool, int] | None:
        is_pps = unit[0] & 0x1F == PPS
        number = exponential_golomb(unit[1 if is_pps else 4 :])
        return None if number is None else (is_pps, number)

    @property
    def ready(self) -> bool:
        return {is_pps for is_pps, _ in self.kept} == {False, True}

    @property
    def payload(self) -> bytes:
        """All in one STAP-A (RFC 6184 §5.7.1)."""
        ordered = sorted(self.kept.items(), key=lambda item: item[0][0])
        return b"\x78" + b"".join(len(u).to_bytes(2, "big") + u for _, u in ordered)


def exponential_golomb(data: bytes) -> int | None:
    """The number of up to 17 bits at the beginning (H.264 §9.1); None: there is none."""
    bits = "".join(f"{byte:08b}" for byte in data[:3])
    zeros = len(bits) - len(bits.lstrip("0"))
    if zeros > 8 or len(bits) < 2 * zeros + 1:
        return None
    return int(bits[zeros : 2 * zeros + 1], 2) - 1


@dataclass(slots=True)
class Encoding:
    """One layer of the producer, and the packets of it that are kept."""

    layer: int
    reception: Reception = field(default_factory=Reception)
    clock: object = field(default_factory=object)  # another object after every restart
    report: tuple[int, int] | None = None  # (NTP 32.32, RTP timestamp)
    history: dict[int, SourcePacket] = field(default_factory=dict)
    sets: ParameterSets = field(default_factory=ParameterSets)
    # Since the last slice: which sets came, and whether something is missing.
    came: set[int] = field(default_factory=set)
    has_gap: bool = True
    brings_sets: bool = False
    # Timestamps of the newest packet's picture, and of the one to be shown last so far.
    picture: int | None = None
    front: int = 0
    is_back: bool = False
    lacks_picture: bool = False


class Consumer:
    """One outgoing stream. Its numbers begin at `first_sequence`."""

    def __init__(
        self,
        *,
        clock_rate: int,
        joins_anywhere: bool,
        first_sequence: int,
        takes_all: bool = False,
    ) -> None:
        self.takes_all = takes_all
        self.clock_rate = clock_rate
        self.joins_anywhere = joins_anywhere
        self.layer = self.target = -1
        self.sent: dict[int, SentPacket] = {}  # by sequence: what a NACK brings back
        self._last_sequence = (first_sequence - 1) & 0xFFFF
        self._stretches: list[tuple[int, int]] = []  # (first source sequence, offset)
        self._source: Encoding | None = None
        self._clock: object = None
        self._has_sent = False
        self._timestamp_delta = self._last_timestamp = self._last_ns = 0
        self._picture_id_delta = self._last_picture_id = 0
        self._tl0_delta = self._last_tl0 = 0

    def set_target(self, layer: int) -> None:
        self.target = layer
        if layer < 0:
            self.layer = -1

    def take(
        self, encoding: Encoding, sequence: int, packet: SourcePacket, *, newest: bool, now_ns: int
    ) -> list[SentPacket]:
        """What this consumer is sent because of one packet (extended `sequence`)."""
        if self.layer == encoding.layer:
            return self._forward(encoding, sequence, packet, newest=newest, now_ns=now_ns)
        if self.target != encoding.layer or not self._may_join(encoding, sequence, packet, newest):
            return []
        self._join(encoding, sequence, packet, now_ns)
        sent = []
        if packet.sets is not Sets.THERE:
            sent += self.send_sets(encoding, sequence, packet, now_ns=now_ns)
        sent += self._forward(encoding, sequence, packet, newest=True, now_ns=now_ns)
        for later in range(sequence + 1, encoding.reception.highest + 1):
            if later in encoding.history:
                kept = encoding.history[later]
                if kept.sets is Sets.LACKING:
                    sent += self.send_sets(encoding, later, kept, now_ns=now_ns)
                sent += self._forward(encoding, later, kept, newest=True, now_ns=now_ns)
        return sent

    def _may_join(
        self, encoding: Encoding, sequence: int, packet: SourcePacket, newest: bool
    ) -> bool:
        if not packet.payload:
            return False
        if self.joins_anywhere:
            return newest
        return packet.starts_keyframe and encoding.reception.highest - sequence <= CATCH_UP

    def _join(self, encoding: Encoding, sequence: int, packet: SourcePacket, now_ns: int) -> None:
        if self._has_sent:
            if self._clock is not encoding.clock:
                self._join_clock(encoding, packet, now_ns)
            if packet.picture_id is not None:
                self._picture_id_delta = self._last_picture_id + 1 - packet.picture_id
            if packet.tl0_index is not None:
                self._tl0_delta = self._last_tl0 + 1 - packet.tl0_index
        self._source, self._clock = encoding, encoding.clock
        self._stretches = [(sequence, sequence - self._last_sequence - 1)]
        self.layer = encoding.layer

    def _join_clock(self, encoding: Encoding, packet: SourcePacket, now_ns: int) -> None:
        guess = self._last_timestamp + self._ticks(now_ns - self._last_ns) - packet.timestamp
        self._timestamp_delta = self._aligned(encoding, guess)
        ahead = timestamp_distance(
            (packet.timestamp + self._timestamp_delta) & 0xFFFFFFFF, self._last_timestamp
        )
        if ahead <= 0:
            self._timestamp_delta += 1 - ahead

    def _aligned(self, to: Encoding, guess: int) -> int:
        source = self._source
        if source is None or source.clock is not self._clock:
            return guess
        if source.report is None or to.report is None:
            return guess
        apart = to.report[0] - source.report[0]
        if abs(apart) > ALIGN_WITHIN_S << 32:
            return guess
        exact = self._timestamp_delta + source.report[1] - to.report[1]
        exact += apart * self.clock_rate >> 32
        off = timestamp_distance(exact & 0xFFFFFFFF, guess & 0xFFFFFFFF)
        return exact if abs(off) < self.clock_rate else guess

    def _ticks(self, ns: int) -> int:
        return ns // 1000 * self.clock_rate // 1_000_000

    def _mapped(self, sequence: int) -> int | None:
        for first, offset in reversed(self._stretches):
            if first <= sequence:
                return (sequence - offset) & 0xFFFF
        return None

    def _skip(self, sequence: int) -> None:
        first, offset = self._stretches[-1]
        if first < sequence:
            self._stretches = self._stretches[-(STRETCHES_REMEMBERED - 1) :]
        else:
            self._stretches.pop()
        self._stretches.append((sequence + 1, offset + 1))

    def _insert(self, sequence: int) -> int:
        first, offset = self._stretches[-1]
        if first < sequence:
            self._stretches = self._stretches[-(STRETCHES_REMEMBERED - 1) :]
        else:
            self._stretches.pop()
        self._stretches.append((sequence, offset - 1))
        return (sequence - offset) & 0xFFFF

    def send_sets(
        self, encoding: Encoding, sequence: int, packet: SourcePacket, *, now_ns: int
    ) -> list[SentPacket]:
        """The parameter sets that are kept, right before this packet."""
        if not encoding.sets.ready:
            return []
        sent = SentPacket(
            sequence=self._insert(sequence),
            timestamp=(packet.timestamp + self._timestamp_delta) & 0xFFFFFFFF,
            payload=encoding.sets.payload,
            marker=False,
            picture_id=None,
            tl0_index=None,
            source=(encoding.layer, sequence),
            is_sets=True,
        )
        self.sent[sent.sequence] = sent
        if not self._has_sent or sequence_distance(sent.sequence, self._last_sequence) > 0:
            self._note_highest(sent, now_ns)
        return [sent]

    def _forward(
        self, encoding: Encoding, sequence: int, packet: SourcePacket, *, newest: bool, now_ns: int
    ) -> list[SentPacket]:
        outgoing = self._mapped(sequence)
        if outgoing is None:
            return []
        if packet.is_needless and newest and not (self.takes_all and packet.payload):
            self._skip(sequence)
            return []
        picture_id = tl0 = None
        if packet.picture_id is not None:
            mask = (1 << packet.picture_id_bits) - 1
            picture_id = (packet.picture_id + self._picture_id_delta) & mask
        if packet.tl0_index is not None:
            tl0 = (packet.tl0_index + self._tl0_delta) & 0xFF
        timestamp = (packet.timestamp + self._timestamp_delta) & 0xFFFFFFFF
        sent = SentPacket(
            sequence=outgoing,
            timestamp=timestamp,
            payload=packet.payload,
            marker=packet.marker,
            picture_id=picture_id,
            tl0_index=tl0,
            source=(encoding.layer, sequence),
        )
        self.sent[outgoing] = sent
        if not self._has_sent or sequence_distance(outgoing, self._last_sequence) > 0:
            self._note_highest(sent, now_ns)
        return [sent]

    def _note_highest(self, sent: SentPacket, now_ns: int) -> None:
        ahead = timestamp_distance(sent.timestamp, self._last_timestamp)
        if not self._has_sent or ahead > 0:
            self._last_timestamp = sent.timestamp
        self._has_sent = True
        self._last_sequence, self._last_ns = sent.sequence, now_ns
        if sent.picture_id is not None:
            self._last_picture_id = sent.picture_id
        if sent.tl0_index is not None:
            self._last_tl0 = sent.tl0_index


class Producer:
    """One stream coming in, in layers, and the consumers it goes out to."""

    def __init__(self, *, layers: int, h264: bool = False) -> None:
        self.h264 = h264
        self.encodings = [Encoding(layer) for layer in range(layers)]
        self.consumers: list[Consumer] = []
        self.paused = False

    def set_paused(self, paused: bool) -> None:
        self.paused = paused
        if paused:
            self._leave(lambda _layer: True)

    def report(self, layer: int, ntp: int, rtp_timestamp: int) -> None:
        """A sender report of one layer has come."""
        self.encodings[layer].report = (ntp, rtp_timestamp)

    def receive(
        self, layer: int, packet: SourcePacket, *, repaired: bool = False, now_ns: int
    ) -> list[list[SentPacket]]:
        """What each consumer is sent because of one packet."""
        nothing: list[list[SentPacket]] = [[] for _ in self.consumers]
        encoding = self.encodings[layer]
        expected = encoding.reception.highest + 1
        arrival, sequence = encoding.reception.place(packet.sequence, repaired=repaired)
        if arrival in (Arrival.DUPLICATE, Arrival.REFUSED):
            return nothing
        if arrival is Arrival.RESTART:
            self._restart(encoding)
        newest = arrival is not Arrival.LATE
        packet = _described(encoding, sequence, packet, newest, after_gap=sequence != expected)
        packet = replace(packet, is_needless=self._is_needless(encoding, packet, newest))
        encoding.history[sequence] = packet
        encoding.history.pop(sequence - WINDOW, None)
        if self.paused:
            return nothing
        sent = nothing
        for place, consumer in enumerate(self.consumers):
            if packet.sets is Sets.LACKING and consumer.layer == layer:
                sent[place] += consumer.send_sets(encoding, sequence, packet, now_ns=now_ns)
        for place, consumer in enumerate(self.consumers):
            sent[place] += consumer.take(encoding, sequence, packet, newest=newest, now_ns=now_ns)
        return sent

    def _is_needless(self, encoding: Encoding, packet: SourcePacket, newest: bool) -> bool:
        if not packet.payload:
            return True
        return self.h264 and newest and _is_unshowable(encoding, packet)

    def _restart(self, encoding: Encoding) -> None:
        encoding.clock, encoding.report, encoding.picture = object(), None, None
        encoding.is_back = encoding.lacks_picture = False
        encoding.history.clear()
        self._leave(lambda layer: layer == encoding.layer)

    def _leave(self, matches: Callable[[int], bool]) -> None:
        for consumer in self.consumers:
            if matches(consumer.layer):
                consumer.layer = -1


def _described(
    encoding: Encoding, sequence: int, packet: SourcePacket, newest: bool, *, after_gap: bool
) -> SourcePacket:
    """Whether a keyframe starts with this packet, and whether its parameter sets are there."""
    types = {unit[0] & 0x1F for unit in packet.parameter_sets}
    if types:
        encoding.sets.take(packet.parameter_sets, sequence)
    if not newest:
        alone = packet.starts_idr and not encoding.brings_sets and SPS not in types
        starts = packet.starts_keyframe or SPS in types or alone
        return replace(packet, starts_keyframe=starts, sets=Sets.UNSURE if alone else Sets.THERE)
    encoding.has_gap |= after_gap
    encoding.came |= types
    starts, sets = packet.starts_keyframe or SPS in types, Sets.THERE
    if packet.starts_idr:
        if encoding.came >= {SPS, PPS}:
            encoding.brings_sets = True
        elif not encoding.has_gap:
            encoding.brings_sets = False
            starts, sets = starts or SPS not in encoding.came, Sets.LACKING
        elif not encoding.brings_sets and SPS not in encoding.came:
            starts, sets = True, Sets.UNSURE
    if packet.has_slice:
        encoding.came, encoding.has_gap = set(), False
    return replace(packet, starts_keyframe=starts, sets=sets)


def _is_unshowable(encoding: Encoding, packet: SourcePacket) -> bool:
    """Whether the picture is late, or made from one that was."""
    late = _is_back(encoding, packet)
    if packet.is_idr or packet.starts_keyframe:
        encoding.lacks_picture = False
    elif late and packet.has_slice and not packet.is_unreferenced:
        encoding.lacks_picture = True
    return encoding.lacks_picture or (late and packet.is_unreferenced)


def _is_back(encoding: Encoding, packet: SourcePacket) -> bool:
    """Whether the picture is to be shown before one that came before it."""
    if encoding.picture == packet.timestamp:
        return encoding.is_back
    ahead = timestamp_distance(packet.timestamp, encoding.front)
    begins_anew = encoding.picture is None or packet.is_idr or packet.starts_keyframe
    encoding.is_back = not begins_anew and -BACK_MAX < ahead < 0
    if not encoding.is_back:
        encoding.front = packet.timestamp
    encoding.picture = packet.timestamp
    return encoding.is_back
