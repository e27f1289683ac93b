"""Who may try a password now: the rules at the one door where a secret can be guessed.

Three things are told apart, so that who guesses shuts out himself and nobody else:

- **A browser that has signed in as this name before** (`known_browsers`) has tries of its own:
  whatever strangers do, it is let in. So OWASP describes it ("device cookies").
- **Strangers**: counted per network and name; and per name, over all networks, so that many
  networks together do not guess on. A network from which this name has signed in is no stranger
  to it: the many cannot shut a teacher out of the own school.
- **Names that nobody has** tell of a guesser, or of a class of pupils playing: their network is
  *slow* for a while. In a slow network a wrong try is answered after a second (later four), and
  names that nobody has cost no hash; a right password is let in as ever, because whole schools
  stand behind one address.

Nothing here, nor the time an answer takes, tells which names exist. Sans-IO.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from server.accounts.throttle import Throttle

_HOMES = 20_000  # networks in which names have signed in: 3 MB at most
# An hour. Few, for each costs a hash like somebody's, and being slow costs those who know their
# password nothing.
_UNKNOWN_NAMES = 5
_MANY_UNKNOWN_NAMES = 100  # nobody who mistypes
_SLOW_S, _SLOWER_S = 1.0, 4.0


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody tries a password. `browser` names a browser known for this name, if it is one."""

    address: str
    name: str
    browser: str | None = None

    @property
    def pair(self) -> str:
        """The network and the name, as one key."""
        return f"{self.address} {self.name}"


class Familiarity(Enum):
    """What is known of who tries."""

    KNOWN_BROWSER = "has signed in as this name"
    AT_HOME = "where this name has signed in"
    STRANGER = "may be anybody"


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a try at the door: it may go on at once, or must wait.

    `rank` is the place of a stranger's try among others, the lowest first: how often its network
    has tried this name, then any. None for those of whom something is known.
    """

    attempt: Try
    at: float
    familiarity: Familiarity
    wait_s: float = 0.0
    rank: tuple[int, int] | None = None


def _count() -> Throttle:
    """One that only counts."""
    return Throttle(free=0, first_wait_s=0, longest_wait_s=0)


class SignInGuard:
    """Counts tries. `begin` each, then say of whom it was and how it went."""

    def __init__(self) -> None:
        self._browser = Throttle(free=10, first_wait_s=5, longest_wait_s=900)
        # A teacher at a new PC waits this long behind a pupil who tries her name at the school.
        self._pair = Throttle(free=5, first_wait_s=5, longest_wait_s=300)
        self._name = Throttle(free=50, first_wait_s=5, longest_wait_s=300)
        self._unknown = _count()
        self._network = _count()
        self._homes: OrderedDict[str, None] = OrderedDict()

    def begin(self, attempt: Try, now: float) -> Admission:
        """Counts the try, or says how long it must wait (and then nothing is counted)."""
        if attempt.browser is not None and not self._browser.wait_s(attempt.browser, now):
            self._browser.count(attempt.browser, now)
            return Admission(attempt, now, familiarity=Familiarity.KNOWN_BROWSER)
        if attempt.pair in self._homes:
            familiarity = Familiarity.AT_HOME
            wait_s = self._pair.wait_s(attempt.pair, now)
        else:
            familiarity = Familiarity.STRANGER
            pair_s = self._pair.wait_s(attempt.pair, now)
            wait_s = max(pair_s, self._name.wait_s(attempt.name, now))
        if wait_s:
            return Admission(attempt, now, familiarity=familiarity, wait_s=wait_s)
        rank = (self._pair.tries(attempt.pair, now), self._network.tries(attempt.address, now))
        self._pair.count(attempt.pair, now)
        if familiarity is Familiarity.AT_HOME:
            return Admission(attempt, now, familiarity=familiarity)
        self._network.count(attempt.address, now)
        self._name.count(attempt.name, now)
        return Admission(attempt, now, familiarity=familiarity, rank=rank)

    def of_somebody(self, attempt: Try) -> None:
        """The name exists."""
        self._pair.keep(attempt.pair)
        self._name.keep(attempt.name)

    def of_nobody(self, attempt: Try, now: float) -> None:
        """The name is nobody's."""
        self._unknown.count(attempt.address, now)

    def slow_s(self, address: str, now: float) -> float:
        """How long a wrong try from there takes: names that nobody has were tried too often."""
        tries = self._unknown.tries(address, now)
        if tries < _UNKNOWN_NAMES:
            return 0.0
        return _SLOW_S if tries < _MANY_UNKNOWN_NAMES else _SLOWER_S

    def succeeded(self, admission: Admission) -> None:
        """It was right. The network stays slow if it is: it may hold a guesser as well."""
        attempt = admission.attempt
        if admission.familiarity is Familiarity.KNOWN_BROWSER:
            self._browser.forgive(attempt.browser or "")
        else:
            self._pair.forgive(attempt.pair)
        if admission.familiarity is Familiarity.STRANGER:
            self._name.take_back(attempt.name)
            self._network.take_back(attempt.address)
        self._homes[attempt.pair] = None
        self._homes.move_to_end(attempt.pair)
        while len(self._homes) > _HOMES:
            self._homes.popitem(last=False)

    def undone(self, admission: Admission) -> None:
        """It was never looked at: the server was too busy."""
        attempt = admission.attempt
        if admission.familiarity is Familiarity.KNOWN_BROWSER:
            self._browser.take_back(attempt.browser or "")
            return
        self._pair.take_back(attempt.pair)
        if admission.familiarity is Familiarity.STRANGER:
            self._name.take_back(attempt.name)
            self._network.take_back(attempt.address)
