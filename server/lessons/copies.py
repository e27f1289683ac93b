"""Whether a room's device credential is in use on two machines at once.

Each start of a room agent has a number of its own (`Tongke-Run`, drawn at random, kept nowhere), so
that even two disks with the same content are told apart. A machine that is started again brings a
new number, and the old one is heard no more; two machines are heard in turn. Nobody is put out for
it: which of the two is the room's, people know. Sans-IO; `now` is of a clock that nobody sets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# An agent asks every minute at the longest, in a lesson too; three of them may be lost.
_HEARD_S = 240.0
# What was sent by an agent just before it was killed may come after the next one's first word.
_TURNS = 2
# Told for as long after the last turn: whoever looks in the afternoon learns of the morning.
_TOLD_S = 12 * 3600.0
_MOST_RUNS = 8  # of one credential: more are as many machines, which is told already
_MOST_CREDENTIALS = 20_000
LONGEST_RUN = 64


@dataclass(frozen=True, slots=True)
class Copied:
    """Where else a credential is used: the networks' addresses, the last heard of first."""

    addresses: tuple[str, ...]


@dataclass(slots=True)
class _Runs:
    heard: dict[str, tuple[float, str]] = field(default_factory=dict)  # the last heard of last
    turns: int = 0
    copied_at: float = float("-inf")
    addresses: tuple[str, ...] = ()


class CredentialCopies:
    """`hear` each question of an agent; `of` tells."""

    def __init__(self) -> None:
        self._runs: dict[str, _Runs] = {}

    def hear(self, credential_id: str, run: str, address: str, now: float) -> bool:
        """An agent's start asked with this credential; whether it is news that there are two."""
        runs = self._runs.pop(credential_id, None) or _Runs()
        self._runs[credential_id] = runs
        while len(self._runs) > _MOST_CREDENTIALS:
            del self._runs[next(iter(self._runs))]
        for old in [one for one, (at, _) in runs.heard.items() if now - at > _HEARD_S]:
            del runs.heard[old]
        if run in runs.heard and next(reversed(runs.heard)) != run:
            runs.turns += 1
        runs.heard.pop(run, None)
        runs.heard[run] = (now, address)
        while len(runs.heard) > _MOST_RUNS:
            del runs.heard[next(iter(runs.heard))]
        if len(runs.heard) < 2:
            runs.turns = 0
        if runs.turns < _TURNS:
            return False
        news = now - runs.copied_at > _TOLD_S
        runs.copied_at = now
        both = (one for _, one in reversed(runs.heard.values()))
        runs.addresses = tuple(dict.fromkeys(both))
        return news

    def of(self, credential_id: str, now: float) -> Copied | None:
        """What is to be told of this credential."""
        runs = self._runs.get(credential_id)
        if runs is None or now - runs.copied_at > _TOLD_S:
            return None
        return Copied(runs.addresses)
