"""Whether a microphone returns what its loudspeaker plays, told from levels alone.

A room whose loudspeaker is heard by its own microphone returns the voice of whoever speaks: its
level follows the voice's with a delay, and is by the same number of decibels lower or higher. What
is compared is the shape over the last seconds, at every delay that a line and a room can have, by
its correlation; so a microphone with automatic gain deceives nobody.

Sans-IO. Time is counted in frames of `FRAME_S`, whose level is that of their loudest packet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add, mul, neg

from mixer.forward.speakers import START_DBOV

FRAME_S = 0.1  # half a syllable: what is longer blurs the shape, what is shorter the line's jitter
FRAMES = 128  # as many are kept
SILENCE_DBOV = -60  # below it nobody hears a difference

# By voices of espeak-ng in rooms with 0.3 and 0.7 s of reverberation, with and without automatic
# gain: echoes correlate by 0.80 to 0.97 (from the 5th to the 95th of a hundred windows), two people
# who speak at once by 0.02 to 0.62.
ALIKE = 0.7
UNLIKE = 0.6
WINDOW = 50
# At the delay that is known already, over 3 s: echoes by 0.70 and more, others by 0.4 at most.
STILL_ALIKE = 0.4
NEARLY = 0.4  # a frame beside the delay
CLEARLY = 0.1  # more alike the one way round than the other
ENOUGH_SOUND = 20  # frames of a voice, to tell that it is not returned
SHORT_WINDOW = 30  # no less is compared
SETTLING = 20  # whoever comes in speaks before it hears
LAGS = 16  # 1.5 s: satellite line, jitter buffer and room together
JUDGED_EVERY = 10
ENOUGH = 2  # judgements that agree
GAIN_FOLLOWS = 0.3  # of a change, at each judgement: a microphone's automatic gain

# A returned voice is no louder than this above what its path has given, and dies away so fast.
ABOVE_PATH_DB = 8
DECAY_DB = 6  # in each frame: 1 s of reverberation
TAIL = 8
_DECAYED_DB = [-max(0, age - 2) * DECAY_DB for age in reversed(range(TAIL))]
# RFC 6464: 0 the loudest … 127 silence.
_NOT_BELOW_SILENCE = bytes(min(level, -SILENCE_DBOV) for level in range(256))


class Heard:
    """The levels of one microphone in the last `FRAMES` frames before `end`, in dBov."""

    __slots__ = ("end", "levels", "opened")

    def __init__(self, opened: int) -> None:
        self.opened = opened  # the first frame that counts
        self.end = opened
        self.levels = [SILENCE_DBOV] * FRAMES

    def take(self, levels: bytes, end: int) -> None:
        """The newest, in −dBov."""
        self.levels = list(map(neg, levels.translate(_NOT_BELOW_SILENCE)))
        self.end = end

    def wait_until(self, end: int) -> None:
        """Silence follows."""
        passed = min(FRAMES, end - self.end)
        self.levels = self.levels[passed:] + [SILENCE_DBOV] * passed
        self.end = end

    @property
    def is_silent(self) -> bool:
        """Whether nothing that was heard is kept any more."""
        return max(self.levels) == SILENCE_DBOV

    def at(self, frame: int) -> int:
        """The level of a frame; silence outside those that are kept."""
        place = frame - self.end + FRAMES
        return self.levels[place] if 0 <= place < FRAMES else SILENCE_DBOV

    def loudest(self, first: int, end: int) -> int:
        """Of some frames."""
        start = max(0, first - self.end + FRAMES)
        return max(self.levels[start : end - self.end + FRAMES], default=SILENCE_DBOV)


def mixed(voices: Sequence[Heard]) -> Heard:
    """What a loudspeaker plays of several: in each frame the loudest is heard."""
    if len(voices) == 1:
        return voices[0]
    both = Heard(min(voice.opened for voice in voices))
    both.end = voices[0].end
    both.levels = list(map(max, *(voice.levels for voice in voices)))
    return both


@dataclass(slots=True)
class EchoPath:
    """How one microphone returns voices, as far as that is known."""

    lag: int = 0
    gain_db: float = 0.0
    returns: bool = False  # what is heard now is like it
    _alike: int = 0  # judgements that found it, at the same delay
    _unlike: int = 0  # that found nothing, one after the other
    _judged: int | None = None

    @property
    def is_known(self) -> bool:
        """There is one, at this delay."""
        return self._alike >= ENOUGH

    @property
    def is_open(self) -> bool:
        """Whether there is one cannot be told yet."""
        return not self.is_known and self._unlike < ENOUGH

    def is_due(self, now: int) -> bool:
        """Whether it is to be judged again: once a second."""
        return self._judged is None or now - self._judged >= JUDGED_EVERY

    def begin_anew(self) -> None:
        """Another stretch of sound begins: what it is like is not known."""
        self._unlike = 0
        self.returns = self.is_known

    def judge(self, echo: Heard, voice: Heard) -> int:
        """Compare the last seconds, while both are heard.

        How many of the last frames have turned out to be returned, where that was not known.
        """
        size = min(WINDOW, echo.end - echo.opened - SETTLING, voice.end - voice.opened)
        recent = (echo.end - WINDOW, echo.end)
        if (
            size < SHORT_WINDOW
            or not self.is_due(echo.end)
            or min(echo.loudest(*recent), voice.loudest(*recent)) <= START_DBOV
        ):
            return 0
        self._judged = echo.end
        did_return = self.returns
        if self.is_known and self._go_on(echo.levels, voice.levels):
            return 0 if did_return else SHORT_WINDOW
        if not self.returns:
            self._look(echo.levels, voice.levels, size)
        return FRAMES if self.returns and not did_return else 0

    def _go_on(self, echo: list[int], voice: list[int]) -> bool:
        """Whether they are alike at the delay that is known."""
        likeness, _ = _best(echo, voice, SHORT_WINDOW, _near(self.lag))
        if likeness >= ALIKE:  # nobody speaks into it
            self.returns = True
            gain_db = _gain_db(echo, voice, SHORT_WINDOW, self.lag)
            self.gain_db += (gain_db - self.gain_db) * GAIN_FOLLOWS
        elif likeness < STILL_ALIKE:
            sound = sum(level > START_DBOV for level in voice[-SHORT_WINDOW:])
            self.returns &= sound < ENOUGH_SOUND
        return likeness >= ALIKE

    def _look(self, echo: list[int], voice: list[int], size: int) -> None:
        """Whether they are alike at any delay."""
        likeness, lag = _best(echo, voice, size, range(0, LAGS, 2))
        if likeness >= NEARLY:
            likeness, lag = _best(echo, voice, size, _near(lag))
        if likeness >= ALIKE:
            later = range(1, LAGS)
            ahead = _best(echo, voice, size, later)[0] - _best(voice, echo, size, later)[0]
            if abs(ahead) < CLEARLY:
                return
            if ahead < 0:
                likeness = 0.0
        if likeness >= ALIKE:
            self._alike = self._alike + 1 if abs(lag - self.lag) <= 1 else 1
            self._unlike = 0
            self.lag = lag
            self.gain_db = _gain_db(echo, voice, size, lag)
            self.returns = self.is_known
        elif not self.is_known:
            self._alike = 0
            self._unlike = self._unlike + 1 if likeness < UNLIKE else 0

    def explains(self, level: int, voice: Heard, frame: int) -> bool:
        """Whether a level is no more than the voice that comes back."""
        end = frame - self.lag + 2 - voice.end + FRAMES
        returned: int = max(map(add, voice.levels[max(0, end - TAIL) : end], _DECAYED_DB))
        return level <= returned + self.gain_db + ABOVE_PATH_DB


def _follows(
    echo: Sequence[int], voice: Sequence[int], size: int, lags: range
) -> Iterator[tuple[float, int]]:
    """How alike the last `size` levels are to another's before (Pearson's r; 0 if one is flat)."""
    late, early = echo[-size:], voice[-size - lags[-1] :]
    late_sum = sum(late)
    spread = sum(map(mul, late, late)) - late_sum * late_sum / size
    sums = [0, *accumulate(early)]
    squares = [0, *accumulate(map(mul, early, early))]
    for lag in lags:
        end = len(early) - lag
        total = sums[end] - sums[end - size]
        both = spread * (squares[end] - squares[end - size] - total * total / size)
        product = sum(map(mul, late, early[end - size : end])) - late_sum * total / size
        yield (product / both**0.5 if both > 1 else 0.0), lag


def _near(lag: int) -> range:
    return range(max(0, lag - 1), lag + 2)


def _best(echo: Sequence[int], voice: Sequence[int], size: int, lags: range) -> tuple[float, int]:
    return max(_follows(echo, voice, size, lags))


def _gain_db(echo: Sequence[int], voice: Sequence[int], size: int, lag: int) -> float:
    """By how much the echo is louder than the voice: the median while there is one."""
    end = len(voice) - lag
    louder = sorted(
        echo[at + lag] - near
        for at in range(end - size, end)
        if (near := max(voice[at - 1 : at + 2])) > START_DBOV
    )
    return louder[len(louder) // 2] if louder else 0.0
