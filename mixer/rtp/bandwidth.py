"""How much a line to a peer carries: the send-side bandwidth estimate.

Owns the estimate and how it moves (draft-ietf-rmcat-gcc-02 §4, §5.5). Its senses are in files of
their own: `delay_trend` (is a queue growing), `loss_bound`, `acknowledged`, `probing`. Sharing
the line is `mixer.forward.allocation`'s.

Use, all times from one steady clock in seconds (that of the departures):

1. `handle_departures` with what was sent, before
2. `handle_feedback` with each transport-wide feedback as it arrives. For peers without it
   `handle_loss` (report blocks), `handle_remb` and `handle_sent`. `handle_rtt` when one is known.
3. `set_wanted` with what all wants would take, `poll` every 50–200 ms. Then `bitrate_bps` is the
   estimate, and `take_probe` may ask for a probe to be sent.
"""

from __future__ import annotations

from collections.abc import Iterable

from mixer.rtp.acknowledged import BUSY_WINDOW_S, SlidingBitrate
from mixer.rtp.delay_trend import DelayTrend, Usage
from mixer.rtp.history import TICK_S, Burst, LossReport, SentPackets
from mixer.rtp.loss_bound import LOW_LOSS, LossBound
from mixer.rtp.probing import BEYOND_WANTED, Probe, ProbePlanner
from mixer.rtp.sequence import Unwrapper
from mixer.rtp.twcc import TICKS_PER_REFERENCE, TransportWideFeedback

# A quiet beginning: sound and one small picture; probing finds the rest within a second.
START_BPS = 600_000
# Below this not even one voice is carried; it is sent all the same.
MIN_BPS = 40_000
MAX_BPS = 30_000_000

# §5.5: after overuse fall to a little less than what arrives.
FALL = 0.85
GROWTH_PER_S = 1.08
# Nobody knows what more than this over the present load would do.
LOAD_HEADROOM, LOAD_HEADROOM_BPS = 1.5, 10_000
PACKET_BITS = 8 * 1200
# How near to the known capacity growth turns from multiplicative to one packet per round trip.
NEAR_CAPACITY = 0.15
# No probe so soon after a fall: let the queue drain first.
CALM_S = 1.0
# Without probes an idle part of the line can only be tried by using it: the estimate grows by
# itself while all is well, faster than §5.5 would, and waits after each failure. Before the first
# failure nothing is known against any rate, and a first picture waits for it.
TRIAL_GROWTH_PER_S, FIRST_GROWTH_PER_S = 2.0, 8.0
TRIAL_WAIT_S = 2.0
MAX_TRIAL_WAIT_S = 6.0
# A probe that nobody could send is no hope for so long.
REFUSED_S = 3.0
# A queue that a probe has made drains within so long; it says nothing of what else is sent.
OWN_QUEUE_S = 0.2
# Nothing was sent for so long: there is no load to learn from.
IDLE_S = 0.5
# No feedback for so long while packets leave: the line is dead, not full.
SILENCE_S = 1.0
# A REMB says what the peer has seen; when it is this much above what we send, it is only limited
# by that, and no bound.
REMB_SATURATED = 1.3
REMB_VALID_S = 5.0
# A busy peer takes each hiccup of its own machine for a queue and names less than it gets: a REMB
# is believed when loss says the same, or so much more delay than at best. Its hiccups delay its
# reports too, by up to half a second; a queue that loses nothing grows beyond.
REMB_DELAY_S = 0.6
# The best round trip is forgotten this slowly: about a minute at two reports a second.
LEAST_RTT_DRIFT = 1 / 128


class BandwidthEstimator:
    """The estimate for one transport.

    `can_probe` says whether somebody sends the probes that `take_probe` asks for; without them a
    line's idle part is found more slowly, by using it.
    """

    def __init__(
        self,
        now: float,
        *,
        start_bps: int = START_BPS,
        max_bps: int = MAX_BPS,
        can_probe: bool = True,
    ) -> None:
        self.can_probe = can_probe
        self.rtt_s = 0.1
        self._least_rtt_s = float("inf")
        self._delayed_s = 0.0  # the last round trip above the least one
        self._max_bps = float(max_bps)
        self._rate_bps = float(min(start_bps, max_bps))
        self._wanted_bps = 0.0
        self._trend = DelayTrend()
        self._loss = LossBound()
        self._acknowledged = SlidingBitrate()
        self._busy = SlidingBitrate(BUSY_WINDOW_S)
        self._sent = SlidingBitrate()
        self._sent_told_bps: float | None = None
        self._probes = ProbePlanner()
        self._history = SentPackets()
        self._clock = Unwrapper(bits=24)
        self._reported_to: int | None = None  # one above the highest sequence reported on
        self._newest_acknowledged_s = float("-inf")
        self._unheard_since: float | None = None
        self._dead_until_s = float("-inf")  # what was sent before met a dead line
        self._silent = self._idle = False
        self._own_queue_until = float("-inf")
        self._remb: tuple[float, float] | None = None  # (bit/s, when)
        self._fell_at = float("-inf")
        self._trial_wait_s = TRIAL_WAIT_S
        self._refused_at = float("-inf")
        self._last_sent_s = float("-inf")
        self._capacity_bps: float | None = None  # what the line carried when it was last full
        self._steered_at = now

    @property
    def bitrate_bps(self) -> int:
        """What may be sent now, all streams together."""
        rate = min(self._rate_bps, self._loss.bound_bps, self._max_bps)
        return round(max(rate, MIN_BPS))

    @property
    def loss(self) -> float:
        """The line's loss by the last measure, 0 … 1."""
        return self._loss.loss

    @property
    def acknowledged_bps(self) -> int | None:
        """What arrives at the peer; None while unknown."""
        rate = self._acknowledged.bitrate_bps
        return None if rate is None else round(rate)

    @property
    def usage(self) -> Usage:
        """What the delay says of the line."""
        return self._trend.usage

    @property
    def silent(self) -> bool:
        """Whether packets leave and nothing is heard of them."""
        return self._silent

    # What is known

    def set_wanted(self, wanted_bps: int) -> None:
        """What would be sent if the line were wide enough; the estimate need not be far above."""
        self._wanted_bps = float(wanted_bps)

    def handle_rtt(self, rtt_s: float) -> None:
        """A measured round trip."""
        self.rtt_s += (min(rtt_s, 5.0) - self.rtt_s) / 8
        self._least_rtt_s = min(rtt_s, self._least_rtt_s)
        self._delayed_s = rtt_s - self._least_rtt_s
        self._least_rtt_s += LEAST_RTT_DRIFT * self._delayed_s

    def handle_departures(self, log: Iterable[tuple[int, int, int]]) -> None:
        """What was sent, as `Pump.departures` gives it: (sequence, sent in ns, bytes)."""
        for sent_s, size_bytes in self._history.add(log):
            self._sent.handle_bytes(sent_s, size_bytes)
            self._last_sent_s = sent_s
            self._idle = False
            if self._unheard_since is None:
                self._unheard_since = sent_s

    def handle_feedback(self, feedback: TransportWideFeedback, now: float) -> None:
        """One transport-wide feedback message."""
        if self._silent:
            self._return(now)
        self._unheard_since = None
        base = self._history.unwrap(feedback.base_sequence)
        ticks = self._clock.unwrap(feedback.reference_time & 0xFF_FFFF) * TICKS_PER_REFERENCE
        self._bridge_gap(base, ticks * TICK_S)
        train: list[tuple[float, float, int]] | None = [] if self._probes.under_way else None
        bursts, report = self._history.read(
            base, ticks, feedback.deltas, dead_until_s=self._dead_until_s, train=train
        )
        for burst in bursts:
            self._acknowledge(burst)
        if train:
            self._probes.handle_packets(train)
        self._loss.handle(report, now)
        self._reported_to = max(self._reported_to or 0, base + len(feedback.deltas))
        self._steer(now)

    def handle_loss(self, expected: int, lost: int, now: float) -> None:
        """Report blocks of a peer without transport-wide feedback: packets sent, and lost."""
        if self._reported_to is None:
            self._loss.handle(LossReport(expected, lost), now)

    def handle_remb(self, bitrate_bps: int, now: float) -> None:
        """The peer's own estimate (draft-alvestrand-rmcat-remb-03)."""
        self._remb = (float(bitrate_bps), now)

    def handle_sent(self, bitrate_bps: int) -> None:
        """What is sent now, for peers whose packets carry no transport-wide sequence."""
        self._sent_told_bps = float(bitrate_bps)

    # What follows

    def refuse_probe(self, now: float) -> None:
        """The probe that `take_probe` gave could not be sent; other ways are gone for a while."""
        self._refused_at = now
        self._probes.cancel(now)

    def poll(self, now: float) -> None:
        """Let time pass: notice silence, and move the estimate while there is no feedback."""
        if self._reported_to is None:
            self._steer(now)
        elif now - self._last_sent_s > IDLE_S:
            if not self._idle:
                self._idle = True
                self._trend.reset()  # its last verdict is about a load that is gone
                self._steered_at = now
            self._silent = False
            self._unheard_since = None
            self._steer(now)
        elif self._unheard_since is not None:
            self._listen(now, now - self._unheard_since)

    def _listen(self, now: float, unheard_s: float) -> None:
        if unheard_s <= max(SILENCE_S, 3 * self.rtt_s):
            return
        if not self._silent:
            # It will come back as a line nobody knows: begin as a new one would.
            self._rate_bps = min(self._rate_bps, float(START_BPS))
        self._silent = True
        self._steered_at = now

    def take_probe(self, now: float) -> Probe | None:
        """A probe to be sent now, if one is due; it counts as begun."""
        calm = now - self._fell_at > max(CALM_S, self.rtt_s)
        heard = self._reported_to is not None and not self._silent
        if not (self.can_probe and heard and calm and self._trend.usage is Usage.NORMAL):
            return None
        if self._loss.troubled:
            return None
        wanted = min(self._wanted_bps, self._max_bps)
        return self._probes.plan(now, known_bps=self.bitrate_bps, wanted_bps=wanted)

    # How the estimate moves

    def _acknowledge(self, burst: Burst) -> None:
        self._newest_acknowledged_s = max(self._newest_acknowledged_s, burst.last_sent_s)
        if burst.fresh_bytes:
            self._acknowledged.handle_bytes(burst.arrived_s, burst.fresh_bytes)
        self._busy.handle_bytes(burst.arrived_s, burst.size_bytes)
        self._trend.handle_burst(burst.first_sent_s, burst.last_sent_s, burst.arrived_s)

    def _bridge_gap(self, base: int, arrived_s: float) -> None:
        """Feedback was lost on its way: what it would have said is taken to be as usual."""
        if self._reported_to is not None and base > self._reported_to:
            size_bytes = self._history.assume(self._reported_to, base)
            if size_bytes:
                self._acknowledged.handle_bytes(
                    arrived_s, round(size_bytes * (1 - self._loss.loss))
                )

    def _load_bps(self) -> float | None:
        """What we put on the line that gets through, with the loss that is not ours added."""
        rate = self._acknowledged.bitrate_bps
        return None if rate is None else rate / (1 - self._loss.inherent)

    def _sent_bps(self) -> float:
        if self._sent_told_bps is not None:
            return self._sent_told_bps
        return self._sent.bitrate_bps or 0.0

    def _steer(self, now: float) -> None:
        elapsed = max(0.0, min(1.0, now - self._steered_at))
        self._steered_at = now
        self._apply_probe(now)
        if self._trend.usage is Usage.OVERUSE:
            if now > self._own_queue_until:
                self._fall(now)
        elif self._trend.usage is Usage.NORMAL:
            self._grow(now, elapsed)
        self._apply_remb(now)
        sent_bps, target_bps = self._sent_bps(), self.bitrate_bps
        if self._loss.update(now, sent_bps=sent_bps, target_bps=target_bps, rtt_s=self.rtt_s):
            self._fail(now)

    def _fall(self, now: float) -> None:
        # Once per round trip and a bit: the last fall must have had its effect.
        if now - self._fell_at < 0.1 + self.rtt_s:
            return
        self._fail(now)
        # A keyframe fills the queue of a line that is not full otherwise: what the line carries
        # shows while the queue drains, not over the half second around it.
        load = max(self._load_bps() or 0.0, self._busy.bitrate_bps or 0.0)
        if load == 0.0:
            self._rate_bps *= FALL
            return
        known = self._capacity_bps
        self._capacity_bps = load if known is None else known + (load - known) / 3
        self._rate_bps = max(min(self._rate_bps, FALL * load), MIN_BPS)

    def _grow(self, now: float, elapsed: float) -> None:
        limit = min(self._max_bps, max(BEYOND_WANTED * self._wanted_bps, MIN_BPS))
        if self._rate_bps >= limit:
            return
        load = self._load_bps()
        if self._trial_due(now):
            failed = self._fell_at > float("-inf")
            growth = TRIAL_GROWTH_PER_S if failed else FIRST_GROWTH_PER_S
            self._rate_bps = min(limit, self._rate_bps * growth**elapsed)
        if load is None:
            return
        if self._near_capacity(load):
            grown = self._rate_bps + elapsed * PACKET_BITS / (0.1 + self.rtt_s)
        else:
            grown = self._rate_bps * GROWTH_PER_S**elapsed
        ceiling = min(limit, LOAD_HEADROOM * load + LOAD_HEADROOM_BPS)
        self._rate_bps = max(self._rate_bps, min(grown, ceiling))

    def _near_capacity(self, load: float) -> bool:
        capacity = self._capacity_bps
        if capacity is None:
            return False
        if load > (1 + NEAR_CAPACITY) * capacity:
            self._capacity_bps = None  # the line has become wider
            return False
        return self._rate_bps > (1 - NEAR_CAPACITY) * capacity

    def _trial_due(self, now: float) -> bool:
        """Whether to try a higher rate by allowing it: where no probe can show it."""
        probing = self.can_probe and self._reported_to is not None
        probing = probing and now - self._refused_at > REFUSED_S
        probing = probing and now - self._last_sent_s <= IDLE_S
        waited = now - self._fell_at > self._trial_wait_s
        return waited and not probing and not self._loss.troubled

    def _apply_probe(self, now: float) -> None:
        if self._probes.under_way:
            self._own_queue_until = now + OWN_QUEUE_S + self.rtt_s
        result = self._probes.result_bps(now, self._newest_acknowledged_s)
        if result is None:
            return
        result /= 1 - self._loss.inherent
        if result > self.bitrate_bps:
            self._rate_bps = min(max(result, self._rate_bps), self._max_bps)
            self._loss.lift(self._rate_bps)
            if self._capacity_bps is not None and result > self._capacity_bps:
                self._capacity_bps = None

    def _apply_remb(self, now: float) -> None:
        if self._remb is None or now - self._remb[1] > REMB_VALID_S:
            return
        bound = self._remb[0]
        if bound >= REMB_SATURATED * self._sent_bps() or bound >= self._rate_bps:
            return
        if self._delayed_s <= REMB_DELAY_S and self._loss.loss <= LOW_LOSS:
            return
        if bound < FALL * self._rate_bps:
            self._fail(now)
        self._rate_bps = max(bound, MIN_BPS)

    def _fail(self, now: float) -> None:
        """The line was too full: whoever tried to use more of it waits longer next time."""
        soon = now - self._fell_at < 2 * self._trial_wait_s + 1
        self._trial_wait_s = (
            min(1.5 * self._trial_wait_s, MAX_TRIAL_WAIT_S) if soon else TRIAL_WAIT_S
        )
        self._fell_at = now
        self._probes.line_overused(now)

    def _return(self, now: float) -> None:
        """A dead line speaks again: what was lost meanwhile says nothing."""
        self._silent = False
        self._dead_until_s = now
        self._trend.reset()
        self._acknowledged.reset()
        self._busy.reset()
        self._loss.reset_window()
        self._probes.line_returned(now)
        self._capacity_bps = None
        self._steered_at = now
