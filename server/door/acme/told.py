"""What people are told of the certificate by ACME."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.errors import Text


class AcmeStanding(StrEnum):
    """How it stands with it."""

    WAITING = "waiting"  # there is none yet, and no attempt has failed
    ORDERING = "ordering"
    IN_FORCE = "in-force"
    FAILING = "failing"  # the last attempt failed, whether or not an older one serves


@dataclass(frozen=True, slots=True)
class Told:
    """All of it. `next_at` is when it is tried next; `detail` are the directory's own words."""

    standing: AcmeStanding
    name: str
    directory: str
    next_at: float
    served_since: float | None
    failure: Text | None
    detail: str
    failed_at: float | None
