"""The automatic director: which layout, and who is large, when the lead does not say so.

A policy in virtual time: what happens comes in with `handle_…`, and `poll` says when to cut. It
does what a director in a recording studio does:

    who was given the floor is large at once, and the lead again when it is taken back;
    what was chosen by hand stands, for as long as the mode says;
    a shared screen is large while it changes, and shares the frame with the lead when it is still;
    a room that speaks by itself is shown, beside the lead while the two talk with each other;
    else the lead.

Two kinds of cuts: what people did (floor, a choice, somebody gone) is shown at once; what was only
heard or seen waits until the present shot has been held, and has a budget. Nobody who is away is
ever large. Speech is told by the media core (`SpeakersChanged`); a pause for breath ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mixer.composite.arrange import Cast, PictureId, ProgramSeat, content_of
from mixer.composite.layouts import ProgramLayout
from mixer.token_bucket import TokenBucket

# A shot that nobody asked for is held so long: shorter ones are felt as restless.
LEAST_SHOT_S = 4.0

# Cuts for what was only heard or seen: so many at once, then so many a minute.
FREE_CUTS_AT_ONCE = 3
FREE_CUTS_PER_MINUTE = 6.0

# The floor given and taken in one movement (a wrong button) is not two cuts.
FLOOR_SETTLES_S = 0.3

# A word is none's turn: a room speaks for so long before it is shown, the lead for less.
ROOM_SPEAKS_S = 1.5
LEAD_SPEAKS_S = 1.0
BREATH_S = 0.8
# Who has fallen silent stays for a moment: an answer often goes on.
FALLS_SILENT_S = 3.0
# Two who spoke within such a time talk with each other: both are shown, and nobody is cut to.
IN_TALK_S = 10.0

# A page of a deck is read in about so long; a screen that stood still longer shares the frame.
SCREEN_STANDS_S = 20.0

# By default what the lead chose by hand stands so long before the director goes on.
CHOICE_STANDS_S = 60.0


class Directing(StrEnum):
    """How much is decided by itself."""

    AUTOMATIC = "automatic"  # all; what was chosen by hand stands for a minute
    SEMI_AUTOMATIC = "semi-automatic"  # floor and screen; a choice stands until the floor changes
    MANUAL = "manual"  # nothing, but that nobody who is away is large


class Why(StrEnum):
    """What a cut was made for; it goes into the journal with it."""

    BEGIN = "begin"
    CHOICE = "choice"
    FLOOR = "floor"
    SCREEN = "screen"
    SPEECH = "speech"
    LEAD = "lead"  # nothing else is to be shown
    AWAY = "away"  # who was shown has gone
    SEATS = "seats"  # no cut: the same shot, in which others stand now, or elsewhere


_BY_PEOPLE = frozenset({Why.CHOICE, Why.FLOOR})


@dataclass(frozen=True, slots=True)
class Shot:
    """What the program shows from now on: `arrange` makes tiles of it."""

    layout: ProgramLayout
    cast: Cast
    why: Why

    def shows_as(self, other: Shot) -> bool:
        """Whether nobody would see a difference, whatever it was made for."""
        return self.layout is other.layout and self.cast == other.cast


@dataclass(slots=True)
class _Voice:
    """Who speaks: since when, and when it was heard last."""

    since: float
    until: float

    def lasts(self, now: float) -> float:
        """For how long it has been speaking; 0 when it has paused longer than for a breath."""
        return self.until - self.since if now - self.until <= BREATH_S else 0.0


class Director:
    """The state of one lesson's direction. `now` is any steady clock in seconds."""

    def __init__(self, now: float, directing: Directing = Directing.AUTOMATIC) -> None:
        self._directing = directing
        self._seats: dict[str, ProgramSeat] = {}
        self._lead: ProgramSeat | None = None
        self._content: PictureId | None = None
        self._floor: str | None = None
        self._floor_at = now
        self._heard: frozenset[str] = frozenset()
        self._voices: dict[str, _Voice] = {}
        self._screen_changed_at = now
        self._choice: Shot | None = None
        self._chosen_at = now
        self._speaker: str | None = None  # the room that is shown as it speaks
        self._shot: Shot | None = None
        self._cut_at = now
        self._free_cuts = TokenBucket(
            rate_per_s=FREE_CUTS_PER_MINUTE / 60, burst=FREE_CUTS_AT_ONCE, now=now
        )

    @property
    def shot(self) -> Shot | None:
        """What is shown; None before the first `poll`."""
        return self._shot

    def handle_seats(self, seats: Sequence[ProgramSeat], now: float) -> None:
        """Who is in the lesson, and what they send: all of them, at every change."""
        self._seats = {seat.seat_id: seat for seat in seats}
        self._lead = next((seat for seat in seats if seat.role == "lead"), None)
        content = content_of(seats)
        if content != self._content:
            self._content = content
            self._screen_changed_at = now
        self._voices = {seat: voice for seat, voice in self._voices.items() if self._is_here(seat)}
        self._heard &= self._voices.keys()

    def handle_floor(self, seat_id: str | None, now: float) -> None:
        """The floor was given to a seat, or came back."""
        if seat_id == self._floor:
            return
        self._floor = seat_id
        self._floor_at = now
        self._speaker = None
        if self._directing is not Directing.MANUAL:
            self._choice = None

    def handle_speakers(self, seat_ids: Iterable[str], now: float) -> None:
        """Who is heard from now on, at every change."""
        self._listen(now)
        self._heard = frozenset(seat for seat in seat_ids if self._is_here(seat))
        for seat_id in self._heard:
            voice = self._voices.get(seat_id)
            if voice is None or now - voice.until > BREATH_S:
                self._voices[seat_id] = _Voice(now, now)

    def handle_screen_changed(self, now: float) -> None:
        """Something has moved on what is shared."""
        self._screen_changed_at = now

    def handle_choice(self, layout: ProgramLayout, cast: Cast, now: float) -> None:
        """The lead chose this by hand."""
        self._choice = Shot(layout, cast, Why.CHOICE)
        self._chosen_at = now

    def handle_directing(self, directing: Directing, now: float) -> None:
        """The lead lets the director do more or less. What is shown stays when it does nothing."""
        if directing is Directing.MANUAL and self._choice is None and self._shot is not None:
            self.handle_choice(self._shot.layout, self._shot.cast, now)
        elif directing is not Directing.MANUAL and self._directing is Directing.MANUAL:
            self._choice = None
        self._directing = directing

    def poll(self, now: float) -> Shot | None:
        """The shot to cut to now; None: what is shown stays. To be asked several times a second."""
        self._listen(now)
        wanted = self._wanted(now)
        shot = self._shot
        if shot is None:
            wanted = replace(wanted, why=Why.BEGIN)
        elif wanted.shows_as(shot):
            return None
        elif self._has_gone(shot):
            if wanted.why not in _BY_PEOPLE:
                wanted = replace(wanted, why=Why.AWAY)
        elif not self._may_cut(wanted, shot, now):
            return None
        self._shot, self._cut_at = wanted, now
        return wanted

    # --- when --------------------------------------------------------------------------------

    def _may_cut(self, wanted: Shot, shot: Shot, now: float) -> bool:
        if wanted.why is Why.CHOICE:
            return True
        if wanted.why is Why.FLOOR or shot.why is Why.FLOOR:
            return now - self._floor_at >= FLOOR_SETTLES_S
        return now - self._cut_at >= LEAST_SHOT_S and self._free_cuts.take(now)

    def _has_gone(self, shot: Shot) -> bool:
        shown = (shot.cast.large, shot.cast.beside)
        return any(one is not None and not self._is_sent(one) for one in shown)

    # --- what --------------------------------------------------------------------------------

    def _wanted(self, now: float) -> Shot:
        choice = self._choice_that_stands(now)
        if choice is not None:
            return choice
        if self._directing is Directing.MANUAL:
            return self._lead_shot()
        return self._floor_shot() or self._screen_shot(now) or self._talk_shot(now)

    def _choice_that_stands(self, now: float) -> Shot | None:
        if self._choice is None:
            return None
        stands_s = CHOICE_STANDS_S if self._directing is Directing.AUTOMATIC else float("inf")
        if now - self._chosen_at >= stands_s:
            self._choice = None
        elif self._choice.cast.large is None or self._is_sent(self._choice.cast.large):
            return self._choice
        return None

    def _floor_shot(self) -> Shot | None:
        """Who has the floor is large; what is shared, or else the lead, stands first beside."""
        if self._floor is None or self._is_lead(self._floor):
            return None
        face = self._face(self._floor)
        if face is None:
            return None  # sound alone: there is nothing to cut to
        if self._content is not None and self._content.seat_id == self._floor:
            return Shot(ProgramLayout.SCREEN, Cast(self._content, face), Why.FLOOR)
        beside = self._content or self._lead_face
        return Shot(ProgramLayout.SPEAKER, Cast(face, beside), Why.FLOOR)

    def _screen_shot(self, now: float) -> Shot | None:
        content = self._content
        if content is None:
            return None
        speaker, lead = self._speaking_room(now), self._lead_face
        if speaker is not None:
            return Shot(ProgramLayout.SCREEN, Cast(content, self._face(speaker)), Why.SCREEN)
        stands_still = now - self._screen_changed_at >= SCREEN_STANDS_S
        layout = ProgramLayout.LEAD_AND_SCREEN if stands_still and lead else ProgramLayout.SCREEN
        return Shot(layout, Cast(content, lead), Why.SCREEN)

    def _talk_shot(self, now: float) -> Shot:
        speaker = self._speaking_room(now)
        face = self._face(speaker) if speaker is not None else None
        if speaker is None or face is None:
            return self._lead_shot()
        lead = self._lead_face
        if lead is not None and self._heard_within(lead.seat_id, IN_TALK_S, now):
            return Shot(ProgramLayout.DIALOGUE, Cast(face, lead), Why.SPEECH)
        return Shot(ProgramLayout.SPEAKER, Cast(face, lead), Why.SPEECH)

    def _lead_shot(self) -> Shot:
        """The lead large; while they are away, the first who is seen."""
        face = self._lead_face
        if face is None:
            faces = (seat.face for seat in self._seats.values())
            face = next((one for one in faces if one is not None), None)
        return Shot(ProgramLayout.SPEAKER, Cast(face), Why.LEAD)

    # --- who speaks --------------------------------------------------------------------------

    def _listen(self, now: float) -> None:
        """Whoever is heard is heard until now."""
        for seat_id in self._heard:
            self._voices[seat_id].until = now

    def _speaking_room(self, now: float) -> str | None:
        """The room that is shown for its speech: it stays until it, or its talk, is over."""
        if self._directing is not Directing.AUTOMATIC:
            return None
        if self._speaker is not None and not self._goes_on(self._speaker, now):
            self._speaker = None
        if self._speaker is None:
            self._speaker = self._room_that_begins(now)
        return self._speaker

    def _goes_on(self, seat_id: str, now: float) -> bool:
        if self._face(seat_id) is None:
            return False
        if self._heard_within(seat_id, FALLS_SILENT_S, now):
            return True
        # It has fallen silent: while it talks with the lead, both stay.
        lead = self._voices.get(self._lead.seat_id) if self._lead is not None else None
        return (
            lead is not None
            and lead.lasts(now) >= LEAD_SPEAKS_S
            and self._heard_within(seat_id, IN_TALK_S, now)
        )

    def _room_that_begins(self, now: float) -> str | None:
        """The room that has spoken longest, if it has a turn and a face."""
        turns = [
            (voice.lasts(now), seat_id)
            for seat_id, voice in self._voices.items()
            if not self._is_lead(seat_id) and voice.lasts(now) >= ROOM_SPEAKS_S
        ]
        turns.sort(reverse=True)
        return next((seat_id for _, seat_id in turns if self._face(seat_id) is not None), None)

    def _heard_within(self, seat_id: str, time_s: float, now: float) -> bool:
        voice = self._voices.get(seat_id)
        return voice is not None and now - voice.until <= time_s

    # --- who is there ------------------------------------------------------------------------

    @property
    def _lead_face(self) -> PictureId | None:
        return self._lead.face if self._lead is not None else None

    def _is_lead(self, seat_id: str) -> bool:
        return self._lead is not None and self._lead.seat_id == seat_id

    def _is_here(self, seat_id: str) -> bool:
        seat = self._seats.get(seat_id)
        return seat is not None and seat.present

    def _face(self, seat_id: str) -> PictureId | None:
        seat = self._seats.get(seat_id)
        return seat.face if seat is not None else None

    def _is_sent(self, picture: PictureId) -> bool:
        seat = self._seats.get(picture.seat_id)
        return seat is not None and seat.present and picture.source in seat.sources
