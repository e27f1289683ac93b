"""Where tables come in: read by a child, planned, and, once somebody has agreed, carried out.

One at a time: what is under way is a child of half a gigabyte at most, and a plan of 5,000 rows.
Planning is done beside the event loop and before the database's turn is taken: neither lessons nor
other writers wait for a county.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.children.once import ChildFailed, ChildLate, ask_once
from server.clock import Clock
from server.database.engine import Database
from server.importing.carry_out import HandedOut, carry_out
from server.importing.known import Known, profile_names, read_known
from server.importing.plan import plan_of
from server.importing.refused import (
    another_plan,
    has_faults,
    no_answer,
    refusal_of,
    too_busy,
    too_large,
)
from server.importing.right_rows import right_of
from server.importing.table import MOST_BYTES, FileRefused, Table, load
from server.importing.wanted import ImportPlan, PlannedRow

# Who heard no answer asks again at once, or when the line is back; what is told once is secret, and
# not kept for longer.
ASKED_AGAIN_S = 600.0


@dataclass(frozen=True, slots=True)
class _CarriedOut:
    """What was done last, by whom and at what agreement: asked for again, it is told again."""

    person: str
    digest: str
    right_rows: bool
    at: float
    plan: ImportPlan
    handed_out: HandedOut


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file would do; of one with faults also what its right rows would do without them."""

    plan: ImportPlan
    right: ImportPlan | None
    left_out: Sequence[PlannedRow]


class ImportDesk:
    """Looks at tables, and imports them."""

    def __init__(self, database: Database, clock: Clock, profile_folders: Sequence[Path]) -> None:
        self._database = database
        self._clock = clock
        self._profile_folders = profile_folders
        self._turn = asyncio.Lock()
        self._last: _CarriedOut | None = None

    async def look(self, data: bytes) -> Looked:
        """What this file would do now. Refuses (413, 422) what is no table."""
        async with self._turn:
            plan, known = await self._plan(data)
            right = await asyncio.to_thread(right_of, plan, known) if plan.wrong else None
            return Looked(plan, *(right or (None, ())))

    async def carry_out(
        self, data: bytes, *, person: str, digest: str, right_rows: bool = False
    ) -> tuple[ImportPlan, HandedOut]:
        """Do what this file says, all of it or nothing; with `right_rows` what its right rows say.

        `digest` is the plan's that was agreed to. Refuses (409) when another would be carried out
        now, and (422) a plan with faults. `person` whose answer was lost asks again: the last one
        is told again for ten minutes, to them alone, and nothing is done twice.
        """
        async with self._turn:
            again = self._done_before(person, digest, right_rows=right_rows)
            if again is not None:
                return again.plan, again.handed_out
            plan, known = await self._plan(data)
            if plan.wrong:
                right = await asyncio.to_thread(right_of, plan, known) if right_rows else None
                if right is None:
                    raise has_faults()
                plan, _ = right
            if plan.digest != digest:
                raise another_plan()
            async with self._database.write() as session:
                if await read_known(session, known.profiles) != known:  # while it was planned
                    raise another_plan()
                handed_out = await carry_out(session, plan, now=self._clock())
            self._last = _CarriedOut(person, digest, right_rows, self._clock(), plan, handed_out)
            return plan, handed_out

    def _done_before(self, person: str, digest: str, *, right_rows: bool) -> _CarriedOut | None:
        """What this very request did a moment ago. What is older is forgotten here."""
        last = self._last
        if last is not None and not 0 <= self._clock() - last.at < ASKED_AGAIN_S:
            last = self._last = None
        asked = (person, digest, right_rows)
        same = last is not None and (last.person, last.digest, last.right_rows) == asked
        return last if same else None

    async def _plan(self, data: bytes) -> tuple[ImportPlan, Known]:
        """The plan, and what it was made on."""
        table = await _read(data)
        profiles = profile_names(self._profile_folders)
        async with self._database.read() as session:
            known = await read_known(session, profiles)
        return await asyncio.to_thread(plan_of, table, known), known


async def _read(data: bytes) -> Table:
    if len(data) > MOST_BYTES:
        raise too_large()
    try:
        answer = await ask_once("server.importing.reader", data)
        return await asyncio.to_thread(load, answer)
    except FileRefused as refused:
        raise refusal_of(refused) from None
    except ChildLate:
        raise too_busy() from None
    except (ChildFailed, ValueError):
        raise no_answer() from None
