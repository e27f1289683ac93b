"""What rooms found of themselves (`tongke doctor`), kept for whoever looks after them.

One file a report, in the data folder, so that it is in every backup; of each classroom the last
ten. What a room sends is a form with bounds (`hardware_profiles.doctor.findings`), not believed
further than that.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hardware_profiles.doctor.findings import CheckReport
from server.database.data_folder import write_private

FOLDER = "room_checks"
# A fault that comes and goes shows itself within them; a broken device fills no disk.
MOST_OF_A_ROOM = 10
_ID = re.compile(r"[0-9]{13}-[0-9a-f]{8}")
_CLASSROOM = re.compile(r"[0-9a-zA-Z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """One report; `id` is in the order of time, `at` is when it came, by our clock."""

    id: str
    at: float
    report: CheckReport


class RoomChecks:
    """Those in this data folder. Blocking: called in a thread."""

    def __init__(self, data_folder: Path) -> None:
        self._folder = data_folder / FOLDER

    def keep(self, classroom_id: str, credential_id: str, report: CheckReport, now: float) -> str:
        """Write it, and forget the oldest beyond what is kept. Raises OSError."""
        folder = self._of(classroom_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_id = f"{round(now * 1000):013d}-{_short(credential_id)}"
        write_private(folder / f"{check_id}.json", report.model_dump_json().encode())
        # After a step of the clock backwards those of its future are no reason to forget this one.
        of_the_past = [file for file in self._files(classroom_id) if file.stem <= check_id]
        of_the_future = [file for file in self._files(classroom_id) if file.stem > check_id]
        for file in [*of_the_past, *of_the_future][MOST_OF_A_ROOM:]:
            file.unlink(missing_ok=True)
        return check_id

    def of(self, classroom_id: str) -> list[KeptCheck]:
        """The newest first; what cannot be read is left out."""
        found = (self.one(classroom_id, file.stem) for file in self._files(classroom_id))
        return [check for check in found if check is not None]

    def one(self, classroom_id: str, check_id: str) -> KeptCheck | None:
        """None where there is no such report."""
        if not _ID.fullmatch(check_id):
            return None
        try:
            data = (self._of(classroom_id) / f"{check_id}.json").read_bytes()
            report = CheckReport.model_validate_json(data)
        except (OSError, ValidationError):
            return None
        return KeptCheck(check_id, int(check_id.partition("-")[0]) / 1000, report)

    def _files(self, classroom_id: str) -> list[Path]:
        files = (file for file in self._of(classroom_id).glob("*.json") if _ID.fullmatch(file.stem))
        return sorted(files, reverse=True)

    def _of(self, classroom_id: str) -> Path:
        assert _CLASSROOM.fullmatch(classroom_id)  # ours, never a caller's text
        return self._folder / classroom_id


def _short(credential_id: str) -> str:
    """Two devices of a room may report in one millisecond."""
    return f"{zlib.crc32(credential_id.encode()):08x}"
