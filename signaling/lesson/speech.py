"""When each seat has spoken, as entries of the event log.

The media core tells of each spell of speech as it begins, grows and ends; here it gets its seat and
its times. An entry is written at the beginning and at the end, and once a second between, so that a
killed server loses at most a second of how long somebody spoke. A stream that goes takes its spell
with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mixer.model import SpeechHeard
from signaling.log import entries as log

WRITTEN_EVERY_S = 0.9  # it is told of twice a second, to a tenth


@dataclass(slots=True)
class _Spell:
    """One that goes on."""

    seat_id: str
    since: float
    until: float
    written_until: float

    def entry(self, now: float, *, over: bool = False) -> log.Speech:
        self.written_until = self.until
        return log.Speech(
            at=now, seat_id=self.seat_id, since=self.since, until=self.until, over=over
        )


class OpenSpells:
    """The spells that go on, by producer."""

    def __init__(self) -> None:
        self._spells: dict[str, _Spell] = {}

    def heard(self, seat_id: str, event: SpeechHeard, now: float) -> Iterator[log.Speech]:
        """The media core tells of a spell."""
        since, lasted_s = now - event.began_ago_s, event.began_ago_s - event.ended_ago_s
        spell = self._spells.get(event.producer_id)
        if spell is not None and since > spell.until:  # its end was never told
            yield from self.end(event.producer_id, now)
            spell = None
        is_new = spell is None
        if spell is None:
            spell = self._spells[event.producer_id] = _Spell(seat_id, since, since, since)
        spell.until = spell.since + lasted_s
        if event.over:
            yield from self.end(event.producer_id, now)
        elif is_new or spell.until - spell.written_until >= WRITTEN_EVERY_S:
            yield spell.entry(now)

    def end(self, producer_id: str, now: float) -> Iterator[log.Speech]:
        """Its stream has gone, or it was told to be over."""
        spell = self._spells.pop(producer_id, None)
        if spell is not None:
            yield spell.entry(now, over=True)

    def end_all(self, now: float) -> Iterator[log.Speech]:
        """The lesson is over."""
        for producer_id in list(self._spells):
            yield from self.end(producer_id, now)
