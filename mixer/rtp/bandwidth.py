"""How much a line to a peer carries: the send-side bandwidth estimate.

Owns the estimate and how it moves (draft-ietf-rmcat-gcc-02 §4, §5.5), with `loss_bound` and
`probing`. What it knows of the line the pump has sensed (`line_reading`). Sharing the line is
`mixer.forward.allocation`'s.

Use, all times from one steady clock in seconds (the pump's):

1. `handle_reading` with each reading of a line whose peer sends transport-wide feedback. For peers
   without it `handle_loss` (report blocks), `handle_remb` and `handle_sent`. `handle_rtt` when
   one is known.
2. `set_wanted` with what all wants would take, `poll` every 50–200 ms. Then `bitrate_bps` is the
   estimate, and `take_probe` may ask for a probe to be sent.
"""

from __future__ import annotations

from mixer.rtp.line_reading import LineReading, Usage
from mixer.rtp.loss_bound import LOW_LOSS, LossBound, LossReport
from mixer.rtp.probing import BEYOND_WANTED, ENOUGH, Probe, ProbePlanner, Train

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
        self._reading = LineReading()  # the last one
        self._loss = LossBound()
        self._sent_told_bps: float | None = None
        self._probes = ProbePlanner()
        self._heard = self._silent = False
        self._own_queue_until = float("-inf")
        self._remb: tuple[float, float] | None = None  # (bit/s, when)
        self._fell_at = float("-inf")
        self._trial_wait_s = TRIAL_WAIT_S
        self._refused_at = float("-inf")
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
        rate = self._reading.acknowledged_bps
        return None if rate < 0 else round(rate)

    @property
    def usage(self) -> int:
        """What the delay says of the line: a `Usage`."""
        return self._reading.usage

    @property
    def silent(self) -> bool:
        """Whether packets leave and nothing is heard of them."""
        return self._silent

    @property
    def settled(self) -> bool:
        """Whether the line is known to carry all that is wanted, with a margin, and all is well.

        Then nothing is looked for, and readings may come less often.
        """
        enough_bps = ENOUGH * min(self._wanted_bps, self._max_bps)
        enough = self._heard and self.bitrate_bps >= enough_bps
        quiet = not self._silent and self.usage == Usage.NORMAL
        return enough and quiet and not self._probes.under_way

    @property
    def at_rest(self) -> bool:
        """Whether readings of a line that is `settled` are no news while nothing happens to it.

        It carries as much as is ever looked for, and its loss, of which there is none, is judged.
        """
        return self._rate_bps >= self._limit_bps and self._loss.at_rest

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

    def handle_reading(self, reading: LineReading, now: float) -> None:
        """What the line to a peer with transport-wide feedback has shown since the last one."""
        if (reading.silent or reading.returned) and not self._silent:
            # It will come back as a line nobody knows: begin as a new one would.
            self._rate_bps = min(self._rate_bps, float(START_BPS))
        if reading.returned:
            self._return(now)
        if reading.silent or reading.idle != self._reading.idle:
            self._steered_at = now  # there was no load to learn from
        self._silent = reading.silent
        self._reading = reading
        if reading.heard_since_s is None:
            return
        self._heard = True
        if reading.acknowledged_bps >= 0:
            self._loss.handle_arrived(reading.acknowledged_bps, now)
        self._loss.handle(reading.loss, reading.heard_since_s)
        self._steer(now, reading.train)

    def handle_loss(self, expected: int, lost: int, now: float) -> None:
        """Report blocks of a peer without transport-wide feedback: packets sent, and lost."""
        if not self._heard:
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
        """Let time pass where no feedback comes that would move the estimate."""
        if self._silent:
            self._steered_at = now
        elif not self._heard or self._reading.idle:
            self._steer(now)

    def take_probe(self, now: float) -> Probe | None:
        """A probe to be sent now, if one is due; it counts as begun."""
        calm = now - self._fell_at > max(CALM_S, self.rtt_s)
        heard = self._heard and not self._silent
        if not (self.can_probe and heard and calm and self.usage == Usage.NORMAL):
            return None
        if self._loss.troubled:
            return None
        wanted = min(self._wanted_bps, self._max_bps)
        return self._probes.plan(now, known_bps=self.bitrate_bps, wanted_bps=wanted)

    # How the estimate moves

    def _load_bps(self) -> float | None:
        """What we put on the line that gets through, with the loss that is not ours added."""
        rate = self._reading.acknowledged_bps
        return None if rate < 0 else rate / (1 - self._loss.inherent)

    def _sent_bps(self) -> float:
        if self._sent_told_bps is not None:
            return self._sent_told_bps
        return max(0.0, self._reading.sent_bps)

    def _steer(self, now: float, train: Train | None = None) -> None:
        elapsed = max(0.0, min(1.0, now - self._steered_at))
        self._steered_at = now
        self._watch_probe(now, train)
        if self.usage == Usage.OVERUSE:
            if now > self._own_queue_until:
                self._fall(now)
        elif self.usage == Usage.NORMAL:
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
        load = max(self._load_bps() or 0.0, self._reading.busy_bps)
        if load == 0.0:
            self._rate_bps *= FALL
            return
        known = self._capacity_bps
        self._capacity_bps = load if known is None else known + (load - known) / 3
        self._rate_bps = max(min(self._rate_bps, FALL * load), MIN_BPS)

    @property
    def _limit_bps(self) -> float:
        """The estimate does not grow beyond: nobody wants more."""
        return min(self._max_bps, max(BEYOND_WANTED * self._wanted_bps, MIN_BPS))

    def _grow(self, now: float, elapsed: float) -> None:
        limit = self._limit_bps
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
        probing = self.can_probe and self._heard and not self._reading.idle
        probing = probing and now - self._refused_at > REFUSED_S
        waited = now - self._fell_at > self._trial_wait_s
        return waited and not probing and not self._loss.troubled

    def _watch_probe(self, now: float, train: Train | None) -> None:
        if self._probes.under_way:
            self._own_queue_until = now + OWN_QUEUE_S + self.rtt_s
        result = None if train is None else self._probes.handle_train(train, now)
        if result is None:
            return
        result /= 1 - self._loss.inherent
        if result > self.bitrate_bps:
            self._rate_bps = min(max(result, self._rate_bps), self._max_bps)
            self._loss.lift(result)
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
        self._loss.line_returned()
        self._probes.line_returned(now)
        self._capacity_bps = None
        self._steered_at = now
