"""Requests under way: numbered, authorized, answered; asked again where a camera wants to know who.

RFC 2326 §12.17 (CSeq), RFC 7616 §3.3 (stale). Owns how often a question is asked: a camera that
answers 401 for ever is believed the second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hardware_profiles.room_agent.sources.rtsp.authorization import (
    Authorization,
    Login,
    strongest,
)
from hardware_profiles.room_agent.sources.rtsp.errors import LoginRefused
from hardware_profiles.room_agent.sources.rtsp.wire import RtspResponse, request_bytes

# The first without or with an old nonce, the second with the new one, a third if that was stale.
MOST_TRIES = 3


@dataclass(slots=True)
class Pending:
    """A request that has no answer yet."""

    method: str
    url: str
    fields: Mapping[str, str]
    tries: int = 1


class Requests:
    """The conversation's questions, one after the other and sometimes two at a time."""

    def __init__(self, login: Login | None, user_agent: str, rng: Random) -> None:
        self.login = login
        self._user_agent = user_agent
        self._rng = rng
        self._number = 0
        self._pending: dict[str, Pending] = {}
        self._authorization: Authorization | None = None

    def ask(self, method: str, url: str, fields: Mapping[str, str]) -> bytes:
        """The bytes of a new request."""
        return self._bytes(Pending(method, url, fields))

    def answered(self, response: RtspResponse) -> Pending | None:
        """Whose answer it is; None when nobody waits for it."""
        return self._pending.pop(response.one("cseq"), None)

    def ask_again(self, pending: Pending, refusal: RtspResponse) -> bytes:
        """The bytes of the request with an answer to the camera's challenge.

        Raises `LoginRefused` when there is nothing (more) to answer.
        """
        challenge = strongest(refusal.all("www-authenticate"))
        used = self._authorization
        answered_it = (
            used is not None
            and challenge is not None
            and (used.challenge.nonce, used.challenge.realm) == (challenge.nonce, challenge.realm)
        )
        again = challenge is not None and (pending.tries == 1 or challenge.stale)
        if self.login is None or challenge is None or answered_it or not again:
            raise LoginRefused(given=self.login is not None)
        if pending.tries >= MOST_TRIES:
            raise LoginRefused(given=True)
        self._authorization = Authorization(challenge, self.login, self._rng)
        pending.tries += 1
        return self._bytes(pending)

    def forget(self) -> None:
        """A new connection: what was asked is not answered any more."""
        self._pending.clear()
        self._authorization = None

    def _bytes(self, pending: Pending) -> bytes:
        self._number += 1
        # Only keep-alives may stay unanswered; of a camera that answers none, the last few count.
        while len(self._pending) >= 8:
            del self._pending[next(iter(self._pending))]
        self._pending[str(self._number)] = pending
        fields = {"CSeq": str(self._number), "User-Agent": self._user_agent, **pending.fields}
        if self._authorization is not None:
            fields["Authorization"] = self._authorization.value(pending.method, pending.url)
        return request_bytes(pending.method, pending.url, fields)
