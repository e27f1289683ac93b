"""The lesson's program, as far as it is the lesson's: who takes it, where it stands, what it shows.

It is made elsewhere, while somebody takes it: a page that shows it in place of separate pictures,
or a WHEP player. That this has begun or ended is an entry of the log, which whoever makes it hears.
Nothing of it is saved: pages say again what they take when they come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from signaling.errors import LessonRefusal
from signaling.lesson.events import ProgramCut, ProgramStands
from signaling.lesson.record import Device, LessonRecord
from signaling.log import entries as log
from signaling.protocol import messages as m
from signaling.protocol.messages import LessonSource, ProgramStanding


@dataclass(frozen=True, slots=True)
class LessonScene:
    """A lesson as whoever makes its program needs it.

    `flowing` are the producers whose media goes to the others now, `speakers` the seats that are
    heard, loudest first, `takers` those of whose devices one takes the program. Of its picture so
    many layers are needed, from the smallest on; None: nobody has said yet. `fallback_needed` is
    the same of the picture in another codec, for whom cannot show the usual one; 0: for nobody.
    `unheard` are the mixes that nobody receives.
    """

    lesson: m.LessonState
    seats: tuple[m.SeatState, ...]
    flowing: frozenset[str]
    speakers: tuple[str, ...]
    takers: frozenset[str]
    layers_needed: int | None = None
    fallback_needed: int = 0
    unheard: frozenset[str] = frozenset()


class ProgramTaking:
    """Changes what a record knows of the program."""

    def __init__(self, record: LessonRecord) -> None:
        self._record = record

    def take(self, device: Device, message: m.TakeProgram, _now: float) -> None:
        """This device takes the program, or takes it no longer."""
        if message.taken and self._record.program is ProgramStanding.NONE:
            raise LessonRefusal("no-program")
        device.takes_program = message.taken

    def handle(self, event: ProgramStands | ProgramCut, now: float) -> None:
        """Whoever makes it says how far it is, or what it shows from now on."""
        match event:
            case ProgramStands():
                if self._record.program is not ProgramStanding.NONE:
                    self._record.program = event.standing
            case ProgramCut():
                self._cut(event, now)

    def _cut(self, event: ProgramCut, now: float) -> None:
        self._record.write(
            log.ProgramShot(
                at=now,
                layout=event.layout,
                why=event.why,
                width=event.width,
                height=event.height,
                tiles=event.tiles,
            )
        )

    def follow(self, now: float) -> None:
        """Write when the first begins to take it, and when the last has let it go."""
        record = self._record
        wanted = any(True for _device in self._takers())
        if wanted != record.program_wanted:
            record.program_wanted = wanted
            record.write(log.ProgramWanted(at=now, wanted=wanted))

    def scene(self) -> LessonScene:
        """The lesson as it is to be shown now."""
        record = self._record
        picture = next(
            (one for one in record.streams.values() if one.source is LessonSource.PROGRAM), None
        )
        return LessonScene(
            lesson=record.lesson_view(),
            seats=tuple(record.seat_view(seat) for seat in record.seats.values()),
            flowing=frozenset(
                producer.producer_id
                for seat, producer in record.producers()
                if record.may_flow(seat, producer.source)
            ),
            speakers=record.speakers.seats,
            takers=frozenset(device.seat_id for device in self._takers()),
            layers_needed=None if picture is None else picture.layers_needed,
            fallback_needed=0 if picture is None else picture.fallback_needed,
            unheard=frozenset(
                one.producer_id
                for one in record.streams.values()
                if one.source is LessonSource.MIX and one.layers_needed == 0
            ),
        )

    def _takers(self) -> Iterator[Device]:
        if self._record.program is ProgramStanding.NONE:
            return
        for device in self._record.devices.values():
            if device.takes_program or (device.plays is not None and device.plays[0] is None):
                yield device
