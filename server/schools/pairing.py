"""Screens that wait to be told which classroom they stand in: pairing, without I/O.

The page of a room whose PC has no credential yet is given two things: a secret, which it keeps, and
eight figures, which it shows. An administrator says of the figures which classroom they stand in,
and from then on the secret is that classroom's credential. The figures *name* a screen and open
nothing (decision 20): whoever reads or guesses them has nothing.

Held in memory alone, of the secret its hash: after a restart no screen waits, and each shows other
figures by itself. `now` is of a clock that nobody sets.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from server.accounts.throttle import WrongKeys
from server.errors import Refusal, Text
from server.ids import new_secret, secret_hash
from server.schools.places import DEVICE_SECRET

DIGITS = 8  # seven by chance, and one that shows a mistake
LIFE_S = 900.0  # what was noted down at a screen yesterday names none today
ASK_AGAIN_S = 3.0  # how soon a screen shows what the administrator has said of it
_GONE_AFTER_S = 30.0  # a screen that asks no more was closed, or has lost its line
_PER_NETWORK = 60  # all rooms of a large school on one afternoon, behind one address
_IN_ALL = 1000

# Damm's quasigroup of order 10 (H. M. Damm, 2004): its figure at the end shows every single wrong
# figure and every two that changed places, the mistakes of who reads aloud and who writes down.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


@dataclass(slots=True)
class WaitingScreen:
    """A room's page that shows figures; `hashed` is all that is kept of its secret."""

    code: str
    hashed: str
    network: str
    until: float
    asked_at: float


class PairingDesk:
    """The screens that wait. Each asks every few seconds (`find`); one that does not is gone."""

    def __init__(self, *, randbelow: Callable[[int], int] = secrets.randbelow) -> None:
        self._randbelow = randbelow
        self._by_code: dict[str, WaitingScreen] = {}
        self._by_hash: dict[str, WaitingScreen] = {}
        self._wrong = WrongKeys()

    def begin(self, network: str, now: float) -> tuple[WaitingScreen, str]:
        """A screen begins to wait; with it the secret that it keeps, told this once.

        Refuses (429) a network with too many, (503) anybody while all places are taken.
        """
        for one in list(self._by_code.values()):
            self._waiting(one, now)
        if sum(one.network == network for one in self._by_code.values()) >= _PER_NETWORK:
            raise _too_many(429, "too-many-attempts")
        if len(self._by_code) >= _IN_ALL:
            raise _too_many(503, "too-many-screens")
        secret = new_secret(DEVICE_SECRET)
        screen = WaitingScreen(self._new_code(), secret_hash(secret), network, now + LIFE_S, now)
        self._by_code[screen.code] = self._by_hash[screen.hashed] = screen
        return screen, secret

    def find(self, hashed: str, now: float) -> WaitingScreen | None:
        """The screen with this secret, which asks now; None if none waits (any more)."""
        screen = self._waiting(self._by_hash.get(hashed), now)
        if screen is not None:
            screen.asked_at = now
        return screen

    def take(self, code: str, now: float, *, by: str) -> WaitingScreen:
        """The screen with these figures, which waits no more: they work once.

        Refuses figures that no screen shows (404; 429 an address `by` which that keeps coming).
        """
        screen = self._waiting(self._by_code.get(code), now)
        if screen is None:
            if wait_s := self._wrong.wait_s(by, now):
                raise Refusal(
                    429,
                    "too-many-attempts",
                    Text("尝试次数过多，请稍候。", "Too many attempts. Wait a little."),
                    retry_after_s=wait_s,
                )
            raise _no_such_screen()
        self._remove(screen)
        return screen

    def put_back(self, screen: WaitingScreen) -> None:
        """What it was taken for did not come about."""
        self._by_code[screen.code] = self._by_hash[screen.hashed] = screen

    def _new_code(self) -> str:
        while True:
            digits = str(self._randbelow(10 ** (DIGITS - 1))).zfill(DIGITS - 1)
            code = digits + str(check_figure(digits))
            if code not in self._by_code:
                return code

    def _waiting(self, screen: WaitingScreen | None, now: float) -> WaitingScreen | None:
        """The screen, if its time is not over; else it is forgotten."""
        if screen is None:
            return None
        if screen.until > now and now - screen.asked_at <= _GONE_AFTER_S:
            return screen
        self._remove(screen)
        return None

    def _remove(self, screen: WaitingScreen) -> None:
        del self._by_code[screen.code], self._by_hash[screen.hashed]


def check_figure(digits: str) -> int:
    """The figure that is written after these; of figures with theirs it is 0."""
    row = 0
    for digit in digits:
        row = _DAMM[row][int(digit)]
    return row


def _too_many(status: int, code: str) -> Refusal:
    return Refusal(
        status,
        code,
        Text(
            "同时等待配对的屏幕过多，请稍候，本页会自动重试。",
            "Too many screens wait to be paired. This page tries again by itself.",
        ),
        retry_after_s=_GONE_AFTER_S,
    )


def _no_such_screen() -> Refusal:
    text = Text(
        "没有屏幕显示这组数字。请核对后重新输入；数字约每 15 分钟更换一次。",
        "No screen shows these figures. Compare them: they change every 15 minutes.",
    )
    return Refusal(404, "no-such-screen", text, {"code": text})
