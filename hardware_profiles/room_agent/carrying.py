"""Whose microphone a room is heard by, as far as its agent has a say. Sans-IO.

The agent claims the sound where its profile names a microphone. When that one is lost for good it
leaves the sound to the room's page, if the profile allows, and takes it back once it flows again:
the server sees to it that there are never two (`signaling.lesson.roster`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from signaling.protocol.messages import (
    LessonSource,
    LessonState,
    OfferSound,
    SeatState,
    Source,
    SourceState,
    Want,
)

# A child that is started anew, or a plug that is moved, is back by then; a class that nobody hears
# has not lost a sentence yet.
LOST_AFTER_S = 5.0
# A loose contact comes and goes: sound moves to the page once and not ten times.
BACK_AFTER_S = 2.0
_SOUND_FIRST = 2  # of a want: before all pictures


class Offering:
    """`look` now and then: what to tell the server."""

    def __init__(self, *, page_takes_over: bool) -> None:
        self.offers = True
        self._page_takes_over = page_takes_over
        self._since: float | None = None  # since when it flows, or does not, other than we offer

    def look(self, now: float, *, flows: bool) -> OfferSound | None:
        """`flows`: whether the microphone gives sound."""
        if flows is self.offers or not self._page_takes_over:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if now - self._since < (BACK_AFTER_S if flows else LOST_AFTER_S):
            return None
        self.offers, self._since = flows, None
        return OfferSound(offers=flows)


class Hearing:
    """What is to be heard in the room: the mix for it where there is one, else every voice."""

    def __init__(self, seat_id: str, device_id: str) -> None:
        self._seat_id, self._device_id = seat_id, device_id
        self._streams: Mapping[str, SourceState] = {}
        self._own: SeatState | None = None

    @property
    def carries(self) -> bool:
        """Whether this device is the one whose microphone the room is heard by."""
        return self._own is not None and self._own.sound_device == self._device_id

    @property
    def plays(self) -> bool:
        return self._own is not None and self._own.sound_player == self._device_id

    def seat_is(self, seat: SeatState) -> None:
        if seat.seat_id == self._seat_id:
            self._own = seat

    def lesson_is(self, lesson: LessonState) -> None:
        """The lesson's own streams: a mix for this seat, or the one for all who are silent."""
        mixes = [one for one in lesson.streams if one.source is LessonSource.MIX]
        self._streams = {
            one.seat_id or "": SourceState(
                source=Source.ROOM,
                producer_id=one.producer_id,
                device_id="lesson",
                kind="audio",
                codec=one.codec,
            )
            for one in mixes
            if one.seat_id in (None, self._seat_id)
        }

    def wants(self, seats: Mapping[str, SeatState]) -> list[Want]:
        """What to receive; nothing where another device plays."""
        return [
            Want(producer_id=one.producer_id, priority=_SOUND_FIRST) for one in self._heard(seats)
        ]

    def owners(self, seats: Mapping[str, SeatState]) -> dict[str, SeatState]:
        """Seats as the receiving connection needs them: the mix stands as a seat's own sound."""
        mix = self._mix()
        if mix is None or self._own is None:
            return dict(seats)
        heard = self._own.model_copy(update={"seat_id": "", "sources": [mix]})
        return {**seats, "": heard}

    def _heard(self, seats: Mapping[str, SeatState]) -> Iterable[SourceState]:
        if not self.plays:
            return []
        if (mix := self._mix()) is not None:
            return [mix]
        return [
            source
            for seat_id in sorted(seats)
            if seat_id != self._seat_id
            for source in seats[seat_id].sources
            if source.kind == "audio"
        ]

    def _mix(self) -> SourceState | None:
        own = self._streams.get(self._seat_id)
        if own is not None:
            return own
        # In the mix for all who are silent a voice of ours would come back.
        speaks = self._own is not None and any(one.kind == "audio" for one in self._own.sources)
        return None if speaks else self._streams.get("")
