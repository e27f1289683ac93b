"""What is remembered of orders over restarts (`acme.json` in the data folder), and when the next
one may be tried. Pure but for reading and writing that file; time is handed in.

Directories count: Let's Encrypt takes five failed proofs an hour, and five certificates a week for
the same name. A server that is started again and again, or whose port is shut, must never use
these up; so an order counts from the moment before it is made.
"""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pydantic import BaseModel, ConfigDict, ValidationError

from server.database.data_folder import write_private
from server.door.acme.failures import AcmeFailed, Trouble

_FILE = "acme.json"
MOST_ORDERS_A_DAY = 4
DAY_S = 86_400.0
# After an order that failed; and while none could even be made.
_BACK_OFF_S = (1800.0, 7200.0, 21_600.0, 43_200.0)
_NOT_ORDERED_S = (60.0, 120.0, 300.0, 900.0, 3600.0)
# A certificate was signed and thrown away: of those there are five a week.
_SIGNED_IN_VAIN = frozenset({Trouble.WRONG_CERTIFICATE, Trouble.NOT_KEPT})
_SIGNED_IN_VAIN_S = 2 * DAY_S
_SPREAD = 0.1  # servers that failed together do not come back together
# Whatever a directory or a wrong clock says.
_LONGEST_S = 7 * DAY_S
_RENEWED_AFTER = 2 / 3  # of its life
_RENEWAL_SPREAD = 1 / 20
_log = structlog.get_logger("tongke.certificate")


class Failure(BaseModel):
    """The last attempt's end, if it was one without a certificate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trouble: Trouble
    detail: str
    at: float
    leads_to: tuple[str, ...] = ()


class AcmeMemory(BaseModel):
    """`account_url` is what `directory` calls us; `orders` are the times of the last ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: str = ""
    account_url: str = ""
    orders: tuple[float, ...] = ()
    failed: Failure | None = None
    failures: int = 0  # in a row
    not_before: float = 0.0
    served_since: float | None = None  # the first certificate of this directory for this name
    name: str = ""

    def at(self, directory: str, name: str) -> AcmeMemory:
        """The same for this directory and name; another directory knows nothing of us."""
        if self.directory != directory:
            return AcmeMemory(directory=directory, name=name, orders=self.orders)
        if self.name != name:
            anew = {"served_since": None, "failed": None, "failures": 0, "not_before": 0.0}
            return self.model_copy(update={"name": name, **anew})
        return self

    def seen_at(self, now: float) -> AcmeMemory:
        """What a clock that was ahead has written counts from now on."""
        orders = tuple(min(at, now) for at in self.orders)
        change: dict[str, object] = {"orders": orders} if orders != self.orders else {}
        if self.failed is not None and self.failed.at > now:
            pause = min(max(self.not_before - self.failed.at, 0.0), _LONGEST_S)
            failed = self.failed.model_copy(update={"at": now})
            change |= {"failed": failed, "not_before": now + pause}
        return self.model_copy(update=change) if change else self

    def ordering(self, now: float) -> AcmeMemory:
        """An order is about to be made."""
        return self.model_copy(update={"orders": (*self._counted(now), now)})

    def registered(self, account_url: str) -> AcmeMemory:
        """The directory has an account for us."""
        return self.model_copy(update={"account_url": account_url})

    def succeeded(self, now: float) -> AcmeMemory:
        """There is a certificate."""
        return self.model_copy(
            update={
                "failed": None,
                "failures": 0,
                "not_before": 0.0,
                "served_since": now if self.served_since is None else self.served_since,
            }
        )

    def failed_with(
        self,
        failed: AcmeFailed,
        now: float,
        *,
        ordered: bool,
        rng: random.Random,
        leads_to: tuple[str, ...] = (),
    ) -> AcmeMemory:
        """There is none, and this is how long to wait at least."""
        steps = _BACK_OFF_S if ordered else _NOT_ORDERED_S
        pause = steps[min(self.failures, len(steps) - 1)] * rng.uniform(1, 1 + _SPREAD)
        if ordered and failed.trouble in _SIGNED_IN_VAIN:
            pause = max(pause, _SIGNED_IN_VAIN_S)
        pause = min(max(pause, failed.retry_after_s or 0.0), _LONGEST_S)
        failure = Failure(trouble=failed.trouble, detail=failed.detail, at=now, leads_to=leads_to)
        return self.model_copy(
            update={
                "failed": failure,
                "failures": self.failures + 1,
                "not_before": now + pause,
                # A name or a key that the directory takes no more is asked for anew.
                "account_url": "" if failed.trouble is Trouble.ACCOUNT else self.account_url,
            }
        )

    def may_order_at(self, now: float, *, hurried: bool = False) -> float:
        """The earliest time for an attempt. `hurried`: somebody has mended something, so that
        the pause after a failure is over; how many orders a day holds are still counted."""
        earliest = now if hurried else max(now, min(self.not_before, now + _LONGEST_S))
        counted = self._counted(now)
        if len(counted) >= MOST_ORDERS_A_DAY:
            earliest = max(earliest, min(counted[-MOST_ORDERS_A_DAY], now) + DAY_S)
        return earliest

    def _counted(self, now: float) -> tuple[float, ...]:
        """The orders of the last day; one in the future was made by a clock that was wrong."""
        return tuple(sorted(min(at, now) for at in self.orders if at > now - DAY_S))


def renewal_due(leaf: x509.Certificate) -> datetime.datetime:
    """When this certificate should be renewed: two thirds through its life, and a little later.

    How much later follows from the certificate: the same after every restart, another for each
    server, so that they do not all come at once.
    """
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    chance = int.from_bytes(leaf.fingerprint(hashes.SHA256())[:4]) / 2**32
    return begin + (end - begin) * (_RENEWED_AFTER + chance * _RENEWAL_SPREAD)


def remembered(folder: Path) -> AcmeMemory:
    """What is known; nothing where the file is missing or damaged."""
    try:
        return AcmeMemory.model_validate_json((folder / _FILE).read_bytes())
    except FileNotFoundError:
        return AcmeMemory()
    except (OSError, ValidationError) as error:
        _log.warning("what was known of ACME orders is lost", why=type(error).__name__)
        return AcmeMemory()


def remember(folder: Path, memory: AcmeMemory) -> None:
    """Keep it. Raises `AcmeFailed` where it cannot be written: then nothing may be ordered."""
    try:
        write_private(folder / _FILE, memory.model_dump_json().encode())
    except OSError as error:
        raise AcmeFailed(Trouble.NOT_KEPT, str(error)) from None
