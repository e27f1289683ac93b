"""Spells of speech: when the people at each microphone spoke, told from the levels they have.

A spell begins once somebody has been heard for a moment, so that a chair or a cough is none, and
ends once nobody has been for longer than one pauses between two sentences. Both are told a little
later than they were; their times are true.

A room that merely returns the voice of whoever speaks does not speak (`echo_path.py`). Where that
cannot be told at once, a beginning waits until it can. Once it is known that a room returns a
voice, only what is louder counts as its own: so it is heard when it answers the sentence that it
has returned, and when it speaks into it.

Sans-IO. Time is counted in frames (`echo_path.FRAME_S`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mixer.forward.echo_path import FRAMES, LAGS, WINDOW, EchoPath, Heard, mixed
from mixer.forward.speakers import START_DBOV

BEGIN_FRAMES = 6  # with sound: longer than a cough
WORD_GAP = 5  # so long without, and what came before was no beginning
END_FRAMES = 20  # a pause between two sentences is no end
TOLD_EVERY = 5
MIXED = 4  # voices, the last that were heard: more never speak at once for long
NOTHING = bytes([127])  # no packet, or one of silence (RFC 6464)
PATIENCE = 60  # frames that wait until it is told whose they are; later it could not be told

# A fan hums at one level. Words do not, and are so much louder than the softest tenth of what was
# heard lately.
VARIES_DB = 6
FLAT_FRAMES = 12  # no vowel is held so long
ABOVE_NOISE_DB = 10


@dataclass(frozen=True, slots=True)
class Spell:
    """Somebody has spoken from frame `began` on and until before frame `ended`.

    `over`: and does so no more. Else it is told again as it grows. One that ended where it began
    was none: it turned out to be an echo.
    """

    producer_id: str
    began: int
    ended: int
    over: bool = False


class _Voice:
    """One microphone: what is heard of it, and the stretch of its own sound that goes on."""

    def __init__(self, opened: int) -> None:
        self.heard = Heard(opened)
        self.next = opened  # the first frame not yet decided
        self.threshold = START_DBOV
        self.onset: int | None = None  # the first of those with sound, be it its own or not
        self.began: int | None = None  # where that of its own does
        self.last = opened - FRAMES  # its newest frame of its own
        self.levels: list[int] = []  # of its own, in this stretch until it is a spell
        self.speaking = False
        self.told = 0
        self.path = EchoPath()  # from its loudspeaker

    def take(self, levels: bytes, end: int) -> None:
        """The newest levels, in −dBov."""
        self.heard.take(levels, end)
        self.threshold = _threshold(self.heard.levels)
        self.next = max(self.next, end - FRAMES + LAGS)
        loud = (at for at in range(self.next, end) if self.heard.at(at) > self.threshold)
        self.onset = next(loud, None)

    def compares(self, end: int) -> bool:
        """Whether it matters now what its loudspeaker plays."""
        return self.onset is not None and (
            self.path.returns or self.path.is_due(end) or (self.path.is_open and not self.speaking)
        )

    def own(self, frame: int) -> None:
        """This frame is of its own people."""
        if self.began is None:
            self.began, self.levels = frame, []
        self.last = frame
        if self.speaking:
            return
        self.levels.append(self.heard.at(frame))
        if len(self.levels) >= BEGIN_FRAMES:
            self.speaking = max(self.levels) - min(self.levels) >= VARIES_DB
        if len(self.levels) >= FLAT_FRAMES and not self.speaking:
            self.forget_stretch()

    def give_back(self, frames: int, played: Heard) -> None:
        """So many of the last have turned out to be others' voices."""
        if self.began is None:
            return
        first = max(self.began, self.heard.end - min(frames, FRAMES - LAGS))
        own = [frame for frame in range(first, self.last + 1) if self._exceeds(frame, played)]
        if first > self.began:
            self.last = own[-1] if own else min(self.last, first - 1)
        else:
            self.last = own[-1] if len(own) >= BEGIN_FRAMES else self.began - 1

    def _exceeds(self, frame: int, played: Heard) -> bool:
        level = self.heard.at(frame)
        return level > self.threshold and not self.path.explains(level, played, frame)

    def forget_stretch(self) -> None:
        """It has ended, or was none."""
        self.speaking, self.began, self.told = False, None, 0
        self.path.begin_anew()


class SpeechSpells:
    """The spells of one lesson: let it `hear` twice a second while `is_busy`."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._opened: dict[str, int] = {}  # since when microphones count that were closed
        self._closed: list[Heard] = []  # what was spoken into others comes back still
        self._end = 0  # the frame after the newest

    @property
    def is_busy(self) -> bool:
        """Whether somebody speaks, or may have begun to."""
        return any(
            voice.began is not None or voice.onset is not None for voice in self._voices.values()
        )

    def hear(self, levels: Mapping[str, bytes], end: int) -> list[Spell]:
        """Take the levels of all open microphones in the last `FRAMES` frames before `end`.

        Each is in −dBov: 0 the loudest … 127 silence. What has begun, grown or ended by that.
        """
        gone = [name for name in self._voices if name not in levels]
        spells = [spell for name in gone for spell in self.remove(name, end)]
        self._end = end
        self._opened = {name: at for name, at in self._opened.items() if at > end - FRAMES}
        for heard in self._closed:
            heard.wait_until(end)
        self._closed = [heard for heard in self._closed if not heard.is_silent]
        for name, its_levels in levels.items():
            if name not in self._voices:
                first = end - len(its_levels.lstrip(NOTHING))
                self._voices[name] = _Voice(max(first, self._opened.get(name, first)))
            self._voices[name].take(its_levels, end)
        # Who began first is decided first: what follows may be its echo.
        for name in sorted(levels, key=lambda name: self._onset(self._voices[name])):
            spells += self._follow(name, self._voices[name])
        return spells

    def remove(self, producer_id: str, now: int) -> list[Spell]:
        """A microphone is gone, or was closed or opened at frame `now`: a spell of it is over."""
        self._opened[producer_id] = now
        voice = self._voices.pop(producer_id, None)
        if voice is None or voice.began is None:
            return []
        self._closed.append(voice.heard)
        if not voice.speaking:
            return []
        return [Spell(producer_id, voice.began, voice.last + 1, over=True)]

    # --- frame by frame -----------------------------------------------------------------------

    def _onset(self, voice: _Voice) -> int:
        return self._end if voice.onset is None else voice.onset

    def _follow(self, name: str, voice: _Voice) -> Iterator[Spell]:
        """Decide as many frames as can be."""
        played = self._played(voice) if voice.compares(self._end) else None
        if played is not None and (returned := voice.path.judge(voice.heard, played)):
            voice.give_back(returned, played)
        while voice.next < self._end:
            is_own = self._is_own(voice, voice.next, played)
            if is_own is None and self._end - voice.next < PATIENCE:
                break
            if is_own:
                voice.own(voice.next)
            elif voice.began is not None:
                silent = voice.next - voice.last
                if voice.speaking and silent >= END_FRAMES:
                    yield Spell(name, voice.began, voice.last + 1, over=True)
                    voice.forget_stretch()
                elif not voice.speaking and silent > WORD_GAP:
                    voice.forget_stretch()
            voice.next += 1
        if voice.began is not None and voice.speaking and voice.last >= voice.told + TOLD_EVERY:
            voice.told = voice.last
            yield Spell(name, voice.began, voice.last + 1)

    def _is_own(self, voice: _Voice, frame: int, played: Heard | None) -> bool | None:
        """Whether a frame is of the microphone's own people; None: that is not known yet."""
        level = voice.heard.at(frame)
        if level <= voice.threshold:
            return False
        if played is None:
            return True
        if voice.path.returns:
            return not voice.path.explains(level, played, frame)
        if voice.speaking or not voice.path.is_open:
            return True
        return None if played.loudest(frame - LAGS, frame + 1) > START_DBOV else True

    def _played(self, voice: _Voice) -> Heard | None:
        """What its loudspeaker may play: all who speak, or were heard no later than it was."""
        others = [
            other
            for other in self._voices.values()
            if other is not voice
            and (
                other.last > self._end - WINDOW
                or (
                    other.onset is not None
                    and other.onset <= self._onset(voice)
                    and not other.path.returns
                )
            )
        ]
        others.sort(key=lambda other: -other.last)
        heard = [other.heard for other in others[:MIXED]] + self._closed[-MIXED:]
        return mixed(heard) if heard else None


def _threshold(levels: list[int]) -> float:
    """Above which level a frame is a voice, by the noise there was."""
    return max(START_DBOV, sorted(levels)[len(levels) // 10] + ABOVE_NOISE_DB)
