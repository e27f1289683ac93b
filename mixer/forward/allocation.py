"""Shares one subscriber's line among the streams it wants: a layer for each, or a pause.

Sound first, always. Then every picture its smallest layer, then better layers, both in the order
of priority and tile size. On a line that cannot carry even all the sound, those who speak are
heard and the silent are paused; one sound always goes out. Going down is immediate, going up
needs a margin and, after a fall for want of bandwidth, a hold.

Each subscriber has its own `Allocator`, which knows nothing of the others: one weak line never
costs another its quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mixer.forward.layers import Stream, layer_for_tile
from mixer.model import Kind, Want

REASON_NONE = ""
REASON_BANDWIDTH = "bandwidth"
REASON_PAUSED = "producer-paused"
REASON_SILENT = "producer-silent"

NOTHING = -1

# A better layer must leave this much of the line free: bitrates swing by about a tenth, and the
# estimate by as much.
UP_MARGIN = 1.15
# Less for a picture that shows nothing at all: a moment too much is better than nothing to see.
FIRST_MARGIN = 1.05
# With this much more line than needed there is nothing to be careful about: no hold.
ABUNDANCE = 2.0
# After a fall for want of bandwidth wait so long before trying again, less when nothing is shown …
HOLD_S, FIRST_HOLD_S = 2.0, 1.0
# … and longer if the last rise lasted less than FLAP_S; never so long that a line that came back
# is not used fully within ten seconds.
MAX_HOLD_S = 6.0
FLAP_S = 10.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What a subscriber gets of a stream: a layer, or nothing (−1) and why.

    `reason` is as in `mixer.model.ConsumerChanged`; it is `""` for every layer but −1.
    """

    producer_id: str
    layer: int
    reason: str = REASON_NONE


@dataclass(frozen=True, slots=True)
class Allocation:
    """All choices in the order of the wants, what they need, and what perfection would need."""

    choices: tuple[Choice, ...]
    used_bps: int
    wanted_bps: int


@dataclass(slots=True)
class _Hold:
    """How long a stream that fell waits before it may rise again."""

    least_s: float
    hold_s: float = 0.0
    allowed_at: float = 0.0
    rose_at: float = float("-inf")

    def fell(self, now: float) -> None:
        flapped = now - self.rose_at < FLAP_S
        self.hold_s = min(2 * self.hold_s, MAX_HOLD_S) if flapped and self.hold_s else self.least_s
        self.allowed_at = now + self.hold_s


@dataclass(slots=True)
class _State:
    """What is remembered of one stream between allocations."""

    layer: int
    rank: tuple[int, int] = (0, 0)  # priority and pixels of the want
    better: _Hold = field(default_factory=lambda: _Hold(HOLD_S))
    first: _Hold = field(default_factory=lambda: _Hold(FIRST_HOLD_S))

    def move(self, now: float, layer: int, best: int) -> None:
        """The stream goes out in this layer from now on; nobody wants more than `best`."""
        if layer > self.layer:
            hold = self.first if self.layer == NOTHING else self.better
            hold.rose_at = now
        elif layer < self.layer and layer != best:
            hold = self.first if layer == NOTHING else self.better
            hold.fell(now)
        self.layer = layer


@dataclass(slots=True)
class _Candidate:
    """One wanted stream while the line is being shared."""

    stream: Stream
    # Live layers from the smallest to the wanted one, none dearer than the next.
    rungs: tuple[int, ...]
    order: tuple[int, ...]
    rank: tuple[int, int]
    state: _State | None
    chosen: int = NOTHING  # index into rungs

    def cost(self, rung: int) -> int:
        return 0 if rung == NOTHING else self.stream.layers[self.rungs[rung]].bitrate_bps

    @property
    def layer(self) -> int:
        return NOTHING if self.chosen == NOTHING else self.rungs[self.chosen]


class Allocator:
    """Chooses for one subscriber; call `allocate` when anything changed, and every 100–500 ms.

    When nothing has changed but bitrates, ask `reprice` first: it costs a twentieth.
    """

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        # What was chosen last, (producer, layer) each, if that is all that is wanted.
        self._all_wanted: tuple[tuple[str, int], ...] | None = None

    def allocate(
        self,
        now: float,
        *,
        available_bps: int,
        wants: Sequence[Want],
        streams: Mapping[str, Stream],
        speakers: Sequence[str] = (),
    ) -> Allocation:
        """Share `available_bps` among the wants.

        A want whose producer is not in `streams` is passed over; of two for the same producer
        the later one counts. `speakers` are the producers heard now, loudest first.
        """
        latest = {want.producer_id: want for want in wants if want.producer_id in streams}
        choices: dict[str, Choice] = {}
        sounds: list[_Candidate] = []
        pictures: list[_Candidate] = []
        for position, want in enumerate(latest.values()):
            stream = streams[want.producer_id]
            refusal = _refusal(stream)
            if refusal:
                choices[want.producer_id] = Choice(want.producer_id, NOTHING, refusal)
            elif stream.kind is Kind.AUDIO:
                sounds.append(self._sound(stream, want, position, speakers))
            else:
                pictures.append(self._picture(now, stream, want, position))
        line = _Line(now, available_bps, sum(c.cost(len(c.rungs) - 1) for c in sounds + pictures))
        line.share_among_sounds(sorted(sounds, key=lambda sound: sound.order))
        line.share_among_pictures(sorted(pictures, key=lambda picture: picture.order))
        for candidate in sounds + pictures:
            name, layer = candidate.stream.producer_id, candidate.layer
            choices[name] = Choice(name, layer, REASON_BANDWIDTH if layer == NOTHING else "")
            self._remember(now, candidate)
        for gone in self._states.keys() - latest.keys():
            del self._states[gone]
        self._all_wanted = _all_wanted(sounds + pictures)
        return Allocation(tuple(choices[name] for name in latest), line.used_bps, line.wanted_bps)

    def forget(self, producer_id: str) -> None:
        """The layers of this stream are others now: choose as if it were new."""
        self._states.pop(producer_id, None)
        self._all_wanted = None

    def reprice(self, *, available_bps: int, bitrates: Mapping[str, Sequence[int]]) -> int | None:
        """What the last choices need at today's bitrates; None when `allocate` must choose anew.

        `bitrates` are of each producer's layers, in bit/s. Wants, speakers, and which layers are
        live must be as they were then: while the line carries all that is wanted, `allocate` would
        come to the same choices and remember the same of them.
        """
        if self._all_wanted is None:
            return None
        needed_bps = 0
        for producer_id, layer in self._all_wanted:
            needed_bps += bitrates[producer_id][layer]
        return needed_bps if needed_bps <= available_bps else None

    def _sound(
        self, stream: Stream, want: Want, position: int, speakers: Sequence[str]
    ) -> _Candidate:
        silent = want.producer_id not in speakers
        state = self._states.get(stream.producer_id)
        # Among the silent the ones that go out now stay: they spoke last.
        heard = state is not None and state.layer != NOTHING
        order = (silent, -want.priority, not heard, position)
        return _Candidate(stream, stream.live_layers[:1], order, (want.priority, 0), state)

    def _picture(self, now: float, stream: Stream, want: Want, position: int) -> _Candidate:
        target = layer_for_tile(stream.layers, want.width, want.height)
        live = stream.live_layers
        rungs = tuple(layer for layer in live if layer <= target) or live[:1]
        rungs = _without_dearer_than_better(stream, rungs)
        rank = (want.priority, want.width * want.height)
        state = self._states.get(stream.producer_id)
        if state is not None and rank > state.rank:
            # Somebody looks at it now: no hold.
            state.first.allowed_at = state.better.allowed_at = now
        return _Candidate(stream, rungs, (-rank[0], -rank[1], position), rank, state)

    def _remember(self, now: float, candidate: _Candidate) -> None:
        layer, state = candidate.layer, candidate.state
        if state is None:
            self._states[candidate.stream.producer_id] = _State(layer, candidate.rank)
            return
        state.rank = candidate.rank
        state.move(now, layer, candidate.rungs[-1])


@dataclass(slots=True)
class _Line:
    """The line while it is shared: what it carries and what is spent."""

    now: float
    available_bps: int
    wanted_bps: int
    used_bps: int = 0
    # Kept for pictures that could go up but wait: what comes after them in order must not rise
    # into it.
    reserved_bps: int = 0

    def share_among_sounds(self, sounds: list[_Candidate]) -> None:
        """Those first in order, as many as fit, and in any case one."""
        for sound in sounds:
            after_bps = self.used_bps + sound.cost(0)
            heard = sound.state is not None and sound.state.layer != NOTHING
            limit_bps = self.available_bps / (1 if heard or sound.state is None else UP_MARGIN)
            if self.used_bps == 0 or after_bps <= limit_bps:
                sound.chosen, self.used_bps = 0, after_bps

    def share_among_pictures(self, pictures: list[_Candidate]) -> None:
        """All their smallest layer, then better ones, in order."""
        for picture in pictures:
            self.climb(picture, to=0)
        for picture in pictures:
            while NOTHING < picture.chosen < len(picture.rungs) - 1:
                if not self.climb(picture, to=picture.chosen + 1):
                    break

    def climb(self, candidate: _Candidate, *, to: int) -> bool:
        """Spend what it takes to bring the candidate to rung `to`, if that may be."""
        after_bps = self.used_bps + candidate.cost(to) - candidate.cost(candidate.chosen)
        if not self._affordable(candidate, candidate.rungs[to], after_bps):
            return False
        self.used_bps = after_bps
        candidate.chosen = to
        return True

    def _affordable(self, candidate: _Candidate, layer: int, after_bps: int) -> bool:
        state = candidate.state
        if state is not None and layer <= state.layer:
            return after_bps <= self.available_bps
        free_bps = self.available_bps - self.reserved_bps
        margin = FIRST_MARGIN if candidate.chosen == NOTHING else UP_MARGIN
        if after_bps * margin > free_bps:
            return False
        abundant = self.available_bps >= ABUNDANCE * self.wanted_bps
        if state is None or abundant:
            return True
        hold = state.first if candidate.chosen == NOTHING else state.better
        if self.now >= hold.allowed_at:
            return True
        self.reserved_bps += after_bps - self.used_bps
        return False


def _without_dearer_than_better(stream: Stream, rungs: tuple[int, ...]) -> tuple[int, ...]:
    """Of these layers, from small to large, those after which nothing better costs less.

    Layers are priced at what they carry now: for a moment (one shows a new picture already, the
    other still rests) a small one may cost more. It must not keep a line from the better one.
    """
    kept: list[int] = []
    for layer in reversed(rungs):
        if not kept or stream.layers[layer].bitrate_bps <= stream.layers[kept[-1]].bitrate_bps:
            kept.append(layer)
    return tuple(reversed(kept))


def _all_wanted(candidates: Sequence[_Candidate]) -> tuple[tuple[str, int], ...] | None:
    """The choices, if each is the best its subscriber wants."""
    if any(one.chosen < len(one.rungs) - 1 for one in candidates):
        return None
    return tuple((one.stream.producer_id, one.layer) for one in candidates)


def _refusal(stream: Stream) -> str:
    """Why nothing of this stream can be sent, whatever the line; empty if it can."""
    if stream.paused:
        return REASON_PAUSED
    return REASON_NONE if stream.live_layers else REASON_SILENT
