"""One voice's jitter buffer: Opus packets as they come in, what to decode next out.

Sans-IO. It waits as long as this line has needed of late, and no longer: how late each packet is,
against the least delayed ones of some seconds, goes into a histogram that forgets; all but a
twentieth of it is waited for (a sound held back for the rarest packet is late for all others).
There is a hard ceiling, and what was put up with in a stall comes down again: while more waits than
is needed, packets are to be played a little shorter (`hurry`).

A hole whose next packet is here is filled from that packet's in-band copy (RFC 6716 §2.1.7), others
are concealed. A voice that stopped for longer than concealment can bridge begins anew when it
comes.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.opus import CLOCK_RATE, is_silence, samples_of
from mixer.rtp.packet import RtpPacket
from mixer.rtp.sequence import Unwrapper, sequence_distance, timestamp_distance

LEAST_WAIT_S = 0.03  # so that the packet behind a lost one is at hand, with its copy
MOST_WAIT_S = 0.2  # beyond it people talk into each other

BIN_S = 0.01
_BINS = round(MOST_WAIT_S / BIN_S) + 1  # the last one is for all that came later
WAITED_FOR = 0.95
# Of a packet's weight in the histogram so much is left after the next: five seconds of speech.
_KEPT = 0.996

_HEAVIEST = 1e6

# The least delay is looked for in the last five to ten seconds: clocks drift, routes change.
_WINDOW_S = 5.0

# libopus fades what it makes up within about a tenth of a second; silence follows anyway.
MOST_CONCEALED_S = 0.12

# More than is needed by so much is hurried, so that a buffer at its target is left alone.
_SLACK_S = 0.03

# A longer hole than this is jumped over: it would only be silence.
_LONGEST_HOLE = 10

# A number or a time so far from what was expected begins the stream anew.
_MOST_JUMP = 500
_MOST_TIME_JUMP = 10 * CLOCK_RATE


@dataclass(frozen=True, slots=True)
class Play:
    """Decode this packet; with `hurry` its sound is to be shortened a little.

    `quiet` is what its sender said of it, `samples` is how long it is.
    """

    payload: bytes
    hurry: bool = False
    quiet: bool = False
    samples: int = 960


@dataclass(frozen=True, slots=True)
class Recover:
    """A packet of `samples` was lost: decode its copy in the next one, which stays here."""

    payload: bytes
    samples: int


@dataclass(frozen=True, slots=True)
class Conceal:
    """Nothing is there for `samples`: make it up from what was before."""

    samples: int


@dataclass(slots=True)
class _Waiting:
    payload: bytes
    samples: int
    arrived_at: float
    quiet: bool


class DelayHistogram:
    """How late packets are, against the least delayed ones; older ones count ever less."""

    def __init__(self) -> None:
        self._weights = [0.0] * _BINS
        self._weight = 1.0  # of the next packet: it grows, so that those before count less
        self._least: float | None = None  # in this window
        self._least_before = float("inf")
        self._window_began = 0.0

    def observe(self, offset_s: float, now: float) -> None:
        """A packet came `offset_s` after its time by the sender's clock, wherever that begins."""
        if self._least is None or now - self._window_began >= _WINDOW_S:
            self._least_before = float("inf") if self._least is None else self._least
            self._least, self._window_began = offset_s, now
        self._least = min(self._least, offset_s)
        late_s = offset_s - min(self._least, self._least_before)
        at = min(_BINS - 1, int(late_s / BIN_S))
        self._weights[at] += self._weight
        self._weight /= _KEPT
        if self._weight > _HEAVIEST:
            self._weights = [weight / self._weight for weight in self._weights]
            self._weight = 1.0

    def wait_s(self) -> float:
        """What has to be waited so that `WAITED_FOR` of all packets are in time."""
        needed = WAITED_FOR * sum(self._weights)
        reached = 0.0
        for at, weight in enumerate(self._weights):
            reached += weight
            if reached >= needed:
                return min(MOST_WAIT_S, LEAST_WAIT_S + at * BIN_S)
        return LEAST_WAIT_S


class JitterBuffer:
    """`push` packets as they come, `pop` when sound is needed. `now` is a steady clock."""

    def __init__(self) -> None:
        self._sequences = Unwrapper(16)
        self._timestamps = Unwrapper(32)
        self._newest: RtpPacket | None = None
        self._histogram = DelayHistogram()
        self._waiting: dict[int, _Waiting] = {}
        self._samples = 0  # of all that wait
        self._next: int | None = None  # the number that is played next; None: it has not begun
        self._last_samples = 960
        self._last_was_silence = False
        self._concealed = 0  # samples made up since the last packet, while none was there
        self.late_packets = 0
        self.lost_packets = 0
        self.malformed_packets = 0
        self.dropped_packets = 0  # at the ceiling

    @property
    def waiting_s(self) -> float:
        """How much sound waits here."""
        return self._samples / CLOCK_RATE

    @property
    def target_s(self) -> float:
        """How much should."""
        return self._histogram.wait_s()

    def push(self, packet: RtpPacket, now: float, *, quiet: bool = False) -> None:
        """A packet arrived. What is no Opus, too late or here already is counted and dropped."""
        try:
            samples = samples_of(packet.payload)
        except MalformedPacketError:
            self.malformed_packets += 1
            return
        if self._begins_anew(packet):
            self._reset()
        if (
            self._newest is None
            or sequence_distance(packet.sequence_number, self._newest.sequence_number) > 0
        ):
            self._newest = packet
        number = self._sequences.unwrap(packet.sequence_number)
        time_s = self._timestamps.unwrap(packet.timestamp) / CLOCK_RATE
        self._histogram.observe(now - time_s, now)
        if number in self._waiting or (self._next is not None and number < self._next):
            self.late_packets += 1
            return
        self._waiting[number] = _Waiting(packet.payload, samples, now, quiet)
        self._samples += samples
        self._keep_ceiling()

    def pop(self, now: float) -> Play | Recover | Conceal | None:
        """What to decode next; None while this voice is silent."""
        if self._next is None:
            self._next = self._beginning(now)
        if self._next is None:
            return None
        if self._next in self._waiting:
            return self._play(self._next)
        if self._waiting:
            return self._fill_hole(self._next)
        return self._bridge()

    def _beginning(self, now: float) -> int | None:
        """The oldest packet, once there is enough behind it or it has waited long enough."""
        if not self._waiting:
            return None
        first = min(self._waiting)
        waited_s = now - self._waiting[first].arrived_at
        return first if max(waited_s, self.waiting_s) >= self.target_s else None

    def _play(self, number: int) -> Play:
        waiting_s = self.waiting_s
        # No target is less than that: nearly always there is no need to look it up.
        hurry = waiting_s > LEAST_WAIT_S + _SLACK_S and waiting_s > self.target_s + _SLACK_S
        packet = self._take(number)
        self._next = number + 1
        self._last_samples = packet.samples
        self._last_was_silence = is_silence(packet.payload)
        self._concealed = 0
        return Play(packet.payload, hurry, packet.quiet, packet.samples)

    def _fill_hole(self, number: int) -> Recover | Conceal | Play:
        """The next packet is missing and later ones are here."""
        first = min(self._waiting)
        if first - number > _LONGEST_HOLE:
            self.lost_packets += first - number
            return self._play(first)
        self.lost_packets += 1
        self._next = number + 1
        if first == number + 1:
            return Recover(self._waiting[first].payload, self._last_samples)
        return Conceal(self._last_samples)

    def _bridge(self) -> Conceal | None:
        """Nothing is here: what is late is waited for, and all that follows comes later by it."""
        if self._last_was_silence or self._concealed >= MOST_CONCEALED_S * CLOCK_RATE:
            self._next = None
            self._concealed = 0
            return None
        self._concealed += self._last_samples
        return Conceal(self._last_samples)

    def _keep_ceiling(self) -> None:
        """Never more than the ceiling, and one packet: the oldest go."""
        while self._samples > MOST_WAIT_S * CLOCK_RATE and len(self._waiting) > 1:
            first = min(self._waiting)
            self._take(first)
            self.dropped_packets += 1
            if self._next is not None:
                self._next = max(self._next, first + 1)

    def _take(self, number: int) -> _Waiting:
        packet = self._waiting.pop(number)
        self._samples -= packet.samples
        return packet

    def _begins_anew(self, packet: RtpPacket) -> bool:
        newest = self._newest
        if newest is None:
            return False
        jump = sequence_distance(packet.sequence_number, newest.sequence_number)
        time_jump = timestamp_distance(packet.timestamp, newest.timestamp)
        return abs(jump) > _MOST_JUMP or abs(time_jump) > _MOST_TIME_JUMP

    def _reset(self) -> None:
        self._sequences, self._timestamps = Unwrapper(16), Unwrapper(32)
        self._newest = None
        self._histogram = DelayHistogram()
        self._waiting = {}
        self._samples = 0
        self._next = None
