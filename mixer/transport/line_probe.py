"""Checks that lead nowhere: whoever waits for a lesson learns whether they come through.

Owns one pair of ICE credentials that belongs to no session, and the answers to checks made with it
(RFC 8445 §7.3). Nothing is kept of who asks. Whoever has the password may have an answer, never a
longer one than the check, and each source a bounded number: nobody gets more out of us than he puts
in.
"""

from __future__ import annotations

from collections.abc import Callable

from mixer.sdp import IceCredentials
from mixer.transport import stun
from mixer.transport.rate_limit import SourceBudget

# A browser checks from each of its addresses a few times a second, for some seconds; sixty rooms of
# a county may stand behind one address.
PROBES_PER_S = 50.0
PROBES_BURST = 500.0


class LineProbes:
    """Sans-IO; `now` is of any clock that nobody sets."""

    def __init__(self, random_text: Callable[[int], str], lengths: tuple[int, int]) -> None:
        ufrag, password = lengths
        self.credentials = IceCredentials(random_text(ufrag), random_text(password))
        self._budget = SourceBudget(rate_per_s=PROBES_PER_S, burst=PROBES_BURST)

    @property
    def withheld(self) -> int:
        """Answers that a source had too many of."""
        return self._budget.refused

    def answer(self, address: stun.Address, data: bytes, now: float) -> bytes | None:
        """What a check made with our ufrag is told; None for nothing. Raises `StunError`."""
        request = stun.parse_binding_request(data)
        if not request.authentic(self.credentials.password):
            return None
        if not self._budget.take(address[0], now):
            return None
        answer = stun.success(request.transaction_id, address, self.credentials.password)
        return answer if len(answer) <= len(data) else None
