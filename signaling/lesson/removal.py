"""Putting devices out of the lesson, and who is let in no more.

A device is put out by the lead, or from outside: by an administrator, or because whoever it belongs
to may not be here any more (their account was deleted, say). It is told why, its connection closes
and its seat's place stands empty. Putting out is about a *bearer*, the person or the room device
that the join tokens were given to: a new device of the same bearer is refused until the seat is
readmitted. Other devices of that bearer that are here stay, so that a room's PC need not go because
somebody has opened the room's address on another computer.

What the database knows (a deleted account, a revoked credential) is asked there at every join and
is not remembered here.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.errors import LessonRefusal
from signaling.lesson.events import RemovalRequested
from signaling.lesson.record import Bar, Device, LessonRecord
from signaling.lesson.roster import Roster
from signaling.log import entries as log
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, RemovalCode
from signaling.protocol.refusals import removed


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who put a device out: a seat and the bearer at it; nobody of the lesson if both are empty."""

    seat_id: str = ""
    bearer_id: str = ""


class Removal:
    """Takes devices out of a record and keeps their bearers out."""

    def __init__(self, record: LessonRecord, roster: Roster) -> None:
        self._record = record
        self._roster = roster

    def remove_device(self, device: Device, message: m.RemoveDevice, now: float) -> None:
        """The lead puts a device out; raises `LessonRefusal` (`unknown-device`, `own-device`)."""
        chosen = self._record.devices.get(message.device_id)
        if chosen is None:
            raise LessonRefusal("unknown-device")
        if chosen is device:
            raise LessonRefusal("own-device")
        asker = _Asker(device.seat_id, device.bearer.bearer_id)
        self._remove(chosen, RemovalCode.BY_LEAD, now, bars=True, asker=asker)

    def readmit(self, device: Device, message: m.Readmit, now: float) -> None:
        """The lead lets those in again who were put out of a seat."""
        record = self._record
        barred = any(bar.seat_id == message.seat_id for bar in record.barred.values())
        if not barred and message.seat_id not in record.seats:
            raise LessonRefusal("unknown-seat")
        self.readmit_seat(message.seat_id, now, by=device.seat_id)

    def requested(self, event: RemovalRequested, now: float) -> None:
        """Devices are put out from outside the lesson; those that have left meanwhile are no more.

        Without `bars` the database knows the reason, and is asked when somebody comes again.
        """
        for device_id in event.device_ids:
            device = self._record.devices.get(device_id)
            if device is not None:
                self._remove(device, event.code, now, bars=event.bars, asker=_Asker())

    def readmit_seat(self, seat_id: str, now: float, *, by: str = "") -> None:
        """Nobody is kept out of this seat any more."""
        record = self._record
        out = [bearer for bearer, bar in record.barred.items() if bar.seat_id == seat_id]
        if out:
            for bearer_id in out:
                del record.barred[bearer_id]
            record.keep_bars()
            record.write(log.SeatReadmitted(at=now, seat_id=seat_id, by=by))

    def _remove(
        self, device: Device, code: RemovalCode, now: float, *, bars: bool, asker: _Asker
    ) -> None:
        record, bearer_id = self._record, device.bearer.bearer_id
        # The lead who closes a window of their own somewhere must not lock themselves out.
        if bars and bearer_id and bearer_id != asker.bearer_id:
            record.barred[bearer_id] = Bar(device.seat_id, device.bearer.name, code)
            record.keep_bars()
        record.write(
            log.DeviceRemoved(
                at=now,
                seat_id=device.seat_id,
                device_id=device.device_id,
                code=code,
                by=asker.seat_id,
            )
        )
        record.reply(device.connection, removed(code))
        self._roster.leave(device, now, "removed", close_code=CloseCode.REMOVED)
