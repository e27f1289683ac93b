"""What a peer's feedback tells of the line to it: `native/line.c`, readable.

The same calls as `mixer.pump._pump.Line`, the same readings. It reads messages with the parser of
`mixer.rtp` and keeps what it likes without bounds: `tests/unit/pump/test_line_model.py` holds the
two together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.rtcp import parse_compound
from mixer.rtp.sequence import Unwrapper, sequence_distance
from mixer.rtp.twcc import TICK_NS, TICKS_PER_REFERENCE, TransportWideFeedback
from tests.unit.pump.trend_model import BURST_NS, NORMAL, DelayTrend

SECOND_NS = 1_000_000_000
ACKNOWLEDGED_NS = SECOND_NS // 2
BUSY_NS = 150_000_000
IDLE_NS = SECOND_NS // 2
SILENCE_NS = SECOND_NS
MEASURE_PACKETS = 40
KEPT_NS = 3 * SECOND_NS // 2
HISTORY = 8192
TRAIN = 1024

Reading = tuple[Any, ...]


class SlidingBitrate:
    """Bits per second over the last half second (or so) of whatever clock the times are."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self.reset()

    def reset(self) -> None:
        self._parts: deque[list[int]] = deque()  # [when, bytes]
        self._began_ns: int | None = None

    def add(self, at_ns: int, size_bytes: int) -> None:
        """So many bytes at this time; far back in time is another clock."""
        if self._parts and at_ns < self._parts[-1][0] - self._window_ns:
            self.reset()
        if self._began_ns is None:
            self._began_ns = at_ns
        self._parts.append([at_ns, size_bytes])
        while self._parts[0][0] < at_ns - self._window_ns:
            self._parts.popleft()

    def extend(self, size_bytes: int) -> None:
        """More of the burst added last."""
        if self._parts:
            self._parts[-1][1] += size_bytes

    @property
    def bps(self) -> float:
        """−1 until half a window is known."""
        if not self._parts or self._began_ns is None:
            return -1.0
        known_ns = self._parts[-1][0] - self._began_ns
        if known_ns < self._window_ns // 2:
            return -1.0
        total = sum(size for _, size in self._parts)
        return 8e9 * total / min(known_ns, self._window_ns)


class Fate(Enum):
    """What is known of a sent packet."""

    UNKNOWN = auto()
    LOST = auto()
    ARRIVED = auto()
    ASSUMED = auto()  # the feedback on it was lost itself; taken as arrived like the others
    REPEATED = auto()  # asked for and sent again under its number: was lost, whatever arrives now
    COUNTED = auto()  # the same, and reported on


@dataclass(slots=True)
class Packet:
    sent_ns: int
    size_bytes: int
    fate: Fate = Fate.UNKNOWN


@dataclass(slots=True)
class Sums:
    """Packets reported on since the last reading, and those of them that are lost."""

    expected: int = 0
    lost: int = 0
    size_bytes: int = 0
    lost_bytes: int = 0
    sent_ns: list[int] = field(default_factory=list)

    def add(self, packet: Packet, *, lost: bool) -> None:
        self.expected += 1
        self.size_bytes += packet.size_bytes
        self.sent_ns.append(packet.sent_ns)
        if lost:
            self.lost += 1
            self.lost_bytes += packet.size_bytes

    def forgive(self, packet: Packet) -> None:
        """Reported as lost before, it was only late."""
        self.lost -= 1
        self.lost_bytes -= packet.size_bytes


class LineModel:
    """One line; the calls are those of `Line`."""

    def __init__(self) -> None:
        self._packets: dict[int, Packet] = {}
        self._newest: int | None = None
        self._trend = DelayTrend()
        self._acknowledged = SlidingBitrate(ACKNOWLEDGED_NS)
        self._busy = SlidingBitrate(BUSY_NS)
        self._sent = SlidingBitrate(ACKNOWLEDGED_NS)
        self._clock = Unwrapper(bits=24)
        self._heard_to: int | None = None  # one above the highest sequence reported on
        self._newest_heard_ns = 0
        self._last_sent_ns = self._burst_ns = -SECOND_NS
        self._unheard_since: int | None = None
        self._dead_until_ns = -SECOND_NS
        self._silent = self._idle = self._returned = False
        self._loss, self._measure = Sums(), Sums()
        self._measured_loss = 0.0
        self._probe: tuple[int, int] | None = None
        self._train: list[tuple[int, int, int]] = []
        self._has_train = False
        self._heard_since: int | None = None
        self._settled = False
        self._told_ns: int | None = None
        self._told = self._urgent = False
        self._told_usage = NORMAL

    # Sending

    def depart(self, sequence: int, size_bytes: int, now_ns: int) -> None:
        self.let_pass(now_ns)
        number = self._unwrap(sequence)
        known = self._packets.get(number)
        if known is None or (self._newest is not None and number <= self._newest - HISTORY):
            self._packets[number] = Packet(now_ns, size_bytes)
        elif known.fate is Fate.LOST:
            known.fate = Fate.COUNTED
        elif known.fate is Fate.UNKNOWN:
            known.fate = Fate.REPEATED
        self._newest = number if self._newest is None else max(self._newest, number)
        self._packets.pop(number - HISTORY, None)
        if now_ns - self._burst_ns <= BURST_NS:
            self._sent.extend(size_bytes)
        else:
            self._sent.add(now_ns, size_bytes)
            self._burst_ns = now_ns
        self._urgent |= self._idle
        self._idle = False
        self._last_sent_ns = now_ns
        if self._unheard_since is None:
            self._unheard_since = now_ns

    def probe(self, began_ns: int, ends_ns: int) -> None:
        self._probe, self._train, self._has_train = (began_ns, ends_ns), [], False

    def let_pass(self, now_ns: int) -> None:
        if self._heard_to is None or self._idle:
            return
        if now_ns - self._last_sent_ns > IDLE_NS:
            self._trend.reset()
            self._idle = self._urgent = True
            self._silent, self._unheard_since = False, None
        elif not self._silent and now_ns - (self._unheard_since or now_ns) > SILENCE_NS:
            self._silent = self._urgent = True

    # Hearing

    def hear(self, message: bytes, now_ns: int) -> bool:
        try:
            feedback = parse_compound(message)[0]
        except MalformedPacketError:
            return False
        if not isinstance(feedback, TransportWideFeedback):
            return False
        if self._newest is not None:
            self._hear(feedback, now_ns)
        return True

    def _hear(self, feedback: TransportWideFeedback, now_ns: int) -> None:
        self.let_pass(now_ns)
        self._urgent |= self._silent or self._heard_to is None
        if self._silent:
            self._return(now_ns)
        self._unheard_since = None
        known_ns = now_ns - (self._heard_since or 0)
        if self._settled and not self._urgent and not self._told and known_ns >= KEPT_NS:
            self._loss, self._heard_since = Sums(), None
        assert self._newest is not None
        base, lost = self._unwrap(feedback.base_sequence), self._loss.lost
        ticks = self._clock.unwrap(feedback.reference_time & 0xFF_FFFF) * TICKS_PER_REFERENCE
        self._bridge_gap(base, ticks * TICK_NS)
        self._read(base, ticks, feedback.deltas)
        if self._measure.expected >= MEASURE_PACKETS:
            self._measured_loss = max(0.0, self._measure.lost_bytes / self._measure.size_bytes)
            self._measure = Sums()
        end = min(base + len(feedback.deltas), self._newest + 1)
        self._heard_to = end if self._heard_to is None else max(self._heard_to, end)
        if self._heard_since is None:
            self._heard_since = now_ns
        self._urgent |= self._loss.lost != lost
        if self._probe is not None and self._newest_heard_ns > self._probe[1]:
            self._probe, self._has_train, self._urgent = None, True, True

    def _unwrap(self, sequence: int) -> int:
        if self._newest is None:
            return sequence
        return self._newest + sequence_distance(sequence, self._newest)

    def _return(self, now_ns: int) -> None:
        self._silent, self._returned = False, True
        self._dead_until_ns = now_ns
        self._loss, self._measure = Sums(), Sums()
        self._trend.reset()
        self._acknowledged.reset()
        self._busy.reset()

    def _bridge_gap(self, base: int, arrived_ns: int) -> None:
        """Feedback was lost on its way: what it would have said is taken to be as usual."""
        assert self._newest is not None
        size_bytes = 0
        if self._heard_to is None:
            return
        for number in range(self._heard_to, min(base, self._newest + 1)):
            packet = self._packets.get(number)
            if packet is not None and packet.fate is Fate.UNKNOWN:
                packet.fate = Fate.ASSUMED
                size_bytes += packet.size_bytes
        if size_bytes:
            self._acknowledged.add(arrived_ns, int(size_bytes * (1 - self._measured_loss) + 0.5))

    def _read(self, base: int, ticks: int, deltas: tuple[int | None, ...]) -> None:
        burst: list[tuple[Packet, int, bool]] = []  # (packet, arrived, not assumed before)
        for number, delta in enumerate(deltas, base):
            ticks += delta or 0
            packet = self._packets.get(number)
            if packet is None or packet.fate in (Fate.ARRIVED, Fate.COUNTED):
                continue
            counts = packet.sent_ns > self._dead_until_ns
            if delta is None or packet.fate is Fate.REPEATED:
                if packet.fate in (Fate.UNKNOWN, Fate.REPEATED):
                    unknown = packet.fate is Fate.UNKNOWN
                    packet.fate = Fate.LOST if unknown else Fate.COUNTED
                    for sums in (self._loss, self._measure) if counts else ():
                        sums.add(packet, lost=True)
                continue
            for sums in (self._loss, self._measure) if counts else ():
                if packet.fate is Fate.LOST:
                    sums.forgive(packet)
                else:
                    sums.add(packet, lost=False)
            arrived_ns = ticks * TICK_NS
            self._collect(packet, arrived_ns)
            if burst and not 0 <= packet.sent_ns - burst[0][0].sent_ns <= BURST_NS:
                self._acknowledge(burst)
                burst = []
            burst.append((packet, arrived_ns, packet.fate is not Fate.ASSUMED))
            packet.fate = Fate.ARRIVED
        if burst:
            self._acknowledge(burst)

    def _collect(self, packet: Packet, arrived_ns: int) -> None:
        if self._probe is not None and self._probe[0] <= packet.sent_ns <= self._probe[1]:
            self._train.append((packet.sent_ns, arrived_ns, packet.size_bytes))

    def _acknowledge(self, burst: list[tuple[Packet, int, bool]]) -> None:
        last_sent_ns = burst[-1][0].sent_ns
        arrived_ns = max(arrived for _, arrived, _ in burst)
        fresh_bytes = sum(packet.size_bytes for packet, _, fresh in burst if fresh)
        self._newest_heard_ns = max(self._newest_heard_ns, last_sent_ns)
        if fresh_bytes:
            self._acknowledged.add(arrived_ns, fresh_bytes)
        self._busy.add(arrived_ns, sum(packet.size_bytes for packet, _, _ in burst))
        self._trend.handle_burst(burst[0][0].sent_ns, last_sent_ns, arrived_ns)

    # Telling

    def set_settled(self, settled: bool) -> None:
        self._settled = settled

    def tells(self, now_ns: int) -> bool:
        told = self._urgent or (
            self._heard_since is not None
            and (self._trend.usage != NORMAL or self._told_usage != NORMAL or not self._settled)
        )
        if self._told:
            told = now_ns - (self._told_ns or 0) >= SECOND_NS
        if told:
            self._told, self._told_ns = True, now_ns
        return told

    def take(self) -> Reading:
        train = tuple((s * 1e-9, a * 1e-9, b) for s, a, b in self._train[:TRAIN])
        reading = (
            self._trend.usage,
            self._acknowledged.bps,
            self._busy.bps,
            self._sent.bps,
            self._loss.expected,
            self._loss.lost,
            self._loss.size_bytes,
            self._loss.lost_bytes,
            min(self._loss.sent_ns, default=0) * 1e-9,
            max(self._loss.sent_ns, default=0) * 1e-9,
            None if self._heard_since is None else self._heard_since * 1e-9,
            self._silent,
            self._returned,
            self._idle,
            train if self._has_train else None,
        )
        self._told_usage = self._trend.usage
        self._loss = Sums()
        self._heard_since = None
        self._returned = self._has_train = self._urgent = self._told = False
        return reading
