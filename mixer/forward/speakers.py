"""Who is heard now, from the audio levels that publishers write into their packets (RFC 6464).

The levels come per producer as the loudest packet of each interval. Each producer's loudness is
smoothed fast upwards and slowly downwards, so that pauses between words do not end a speech. The
*active* list is all who are loud enough; the *dominant* speaker changes only when another has
been clearly louder for a moment, or the present one has fallen silent: the long-against-short
term comparison of Volfin & Cohen ("Dominant speaker identification for multipoint
videoconferencing", 2012) in its simplest form, two smoothings and a margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SILENCE_DBOV = -127

# Speech at a normal distance lies at −15 … −35 dBov, a quiet classroom at −50 … −70. Two
# thresholds, so that one who stands at the border does not flicker.
START_DBOV = -45.0
STOP_DBOV = -52.0

RISE_S = 0.1  # a syllable
FIRST_S = 2 * RISE_S  # as if whoever is heard first had been silent for so long
FALL_DB_PER_S = 25.0  # speech at −20 dBov may pause 1.3 s between two sentences
LONG_S = 2.0  # what counts for dominance

# Another must be so much louder over the long term, for so long, to become dominant: a cough or
# a chair is neither.
DOMINANCE_MARGIN_DB = 3.0
DOMINANCE_HOLD_S = 0.6

# Levels are shown as bars and rings: steps of 3 dB are all one sees, and all that is told.
LEVEL_STEP_DB = 3
# The order and the levels of those who speak are told at most so often; a beginning or an end of
# speech at once.
REFRESH_S = 0.3


@dataclass(slots=True)
class _Voice:
    updated_at: float
    heard_dbov: float = SILENCE_DBOV  # the last level, as it came
    short_dbov: float = SILENCE_DBOV
    long_dbov: float = SILENCE_DBOV
    speaking: bool = False


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who is heard: (producer id, dBov) of all active, loudest first, and who is dominant."""

    levels: tuple[tuple[str, int], ...] = ()
    dominant: str | None = None


class ActiveSpeakers:
    """The speakers of one lesson; feed levels and `poll` every 50–300 ms."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self.heard: tuple[str, ...] = ()  # the producers heard now, loudest first
        self._dominant: str | None = None
        self._challenger: tuple[str, float] | None = None
        self._told = Speakers()
        self._told_at = float("-inf")

    def handle_levels(self, levels: Iterable[tuple[str, int]], now: float) -> None:
        """Levels as `Pump.audio_levels` gives them: 0 the loudest … 127 silence, per producer.

        A producer that is not named had no packets: it is taken as silent.
        """
        heard = {producer_id: -min(127, max(0, level)) for producer_id, level in levels}
        for producer_id in heard.keys() - self._voices.keys():
            self._voices[producer_id] = _Voice(now - FIRST_S)
        for producer_id, voice in self._voices.items():
            _follow(voice, heard.get(producer_id, SILENCE_DBOV), now)
        self._sort()

    def remove(self, producer_id: str) -> None:
        """The producer is gone or its microphone is closed: it is silent at once."""
        self._voices.pop(producer_id, None)
        self._sort()
        if self._dominant == producer_id:
            self._dominant = None
        if self._challenger is not None and self._challenger[0] == producer_id:
            self._challenger = None

    @property
    def nobody(self) -> bool:
        """Whether there is no voice to follow, and that is what was told last."""
        return not self._voices and not self._told.levels

    @property
    def quiet(self) -> bool:
        """Whether nobody speaks or begins to, and that is what was told last."""
        heard = any(v.speaking or v.heard_dbov > START_DBOV for v in self._voices.values())
        return not heard and not self._told.levels

    def _sort(self) -> None:
        active = [item for item in self._voices.items() if item[1].speaking]
        active.sort(key=lambda item: (-item[1].short_dbov, item[0]))
        self.heard = tuple(name for name, _ in active)

    def poll(self, now: float) -> Speakers | None:
        """Who is heard, if that changed since the last answer; else None."""
        self._choose_dominant(now)
        levels = tuple((name, _stepped(self._voices[name].short_dbov)) for name in self.heard)
        speakers = Speakers(levels, self._dominant)
        if speakers == self._told:
            return None
        same_people = {name for name, _ in levels} == {name for name, _ in self._told.levels}
        same_dominant = self._dominant == self._told.dominant
        if same_people and same_dominant and now - self._told_at < REFRESH_S:
            return None
        self._told, self._told_at = speakers, now
        return speakers

    def _choose_dominant(self, now: float) -> None:
        """Another becomes dominant by being clearly louder for a while."""
        speaking = {name: v.long_dbov for name, v in self._voices.items() if v.speaking}
        if not speaking:
            self._challenger = None
            return  # nobody speaks: the last one stays the one to look at
        loudest = max(speaking, key=lambda name: (speaking[name], name == self._dominant))
        present = speaking.get(self._dominant) if self._dominant is not None else None
        if present is None:
            self._dominant, self._challenger = loudest, None
        elif speaking[loudest] < present + DOMINANCE_MARGIN_DB:
            self._challenger = None
        elif self._challenger is None or self._challenger[0] != loudest:
            self._challenger = (loudest, now)
        elif now - self._challenger[1] >= DOMINANCE_HOLD_S:
            self._dominant, self._challenger = loudest, None


def _follow(voice: _Voice, dbov: float, now: float) -> None:
    elapsed = max(0.0, now - voice.updated_at)
    voice.heard_dbov = dbov
    if dbov > voice.short_dbov:
        voice.short_dbov += (dbov - voice.short_dbov) * (1 - math.exp(-elapsed / RISE_S))
    else:
        voice.short_dbov = max(dbov, voice.short_dbov - FALL_DB_PER_S * elapsed)
    voice.long_dbov += (dbov - voice.long_dbov) * (1 - math.exp(-elapsed / LONG_S))
    voice.updated_at = now
    voice.speaking = voice.short_dbov > (STOP_DBOV if voice.speaking else START_DBOV)


def _stepped(dbov: float) -> int:
    return max(SILENCE_DBOV, min(0, LEVEL_STEP_DB * round(dbov / LEVEL_STEP_DB)))
