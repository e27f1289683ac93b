"""Signed requests to an ACME server and the reading of its answers (RFC 8555 §6), as steps.

The other side is a stranger: every answer is an object of the form that is expected or the order
is over, addresses are https, requests and waiting are counted.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

from server.door.acme.account import AccountKey
from server.door.acme.failures import AcmeFailed, Trouble
from server.door.acme.steps import Ask, DirectoryAnswer, Step, Wait

# An order for one name takes some twelve requests, and seconds.
MOST_REQUESTS = 80
MOST_WAITED_S = 300.0
LONGEST_WAIT_S = 30.0
_MOST_BAD_NONCES = 5
_NONCE = re.compile(r"[A-Za-z0-9_-]{1,512}")  # §6.5.1
_ERROR = "urn:ietf:params:acme:error:"
BAD_NONCE, NO_ACCOUNT = "badNonce", "accountDoesNotExist"

Steps = Generator[Step, DirectoryAnswer | None, DirectoryAnswer]

# §6.7. What is not here is `REFUSED`.
_TROUBLES = {
    "caa": Trouble.FORBIDDEN,
    "connection": Trouble.NOT_REACHED,
    "dns": Trouble.NO_ADDRESS,
    "externalAccountRequired": Trouble.ACCOUNT,
    "incorrectResponse": Trouble.OTHER_ANSWERS,
    "invalidContact": Trouble.ACCOUNT,
    "rateLimited": Trouble.RATE_LIMITED,
    "rejectedIdentifier": Trouble.NAME_REFUSED,
    "tls": Trouble.OTHER_ANSWERS,
    "unauthorized": Trouble.ACCOUNT,  # of a proof it is another one: `problem_in`
    "unsupportedContact": Trouble.ACCOUNT,
    "unsupportedIdentifier": Trouble.NAME_REFUSED,
    "userActionRequired": Trouble.ACCOUNT,
}


class DirectoryRefused(AcmeFailed):
    """A problem document (RFC 7807); `kind` is ACME's word for it, "" for any other."""

    def __init__(self, kind: str, detail: str, *, retry_after_s: float | None) -> None:
        trouble = _TROUBLES.get(kind, Trouble.REFUSED)
        super().__init__(trouble, detail, retry_after_s=retry_after_s)
        self.kind = kind


class Conversation:
    """One visit at one directory, by one account."""

    def __init__(self, account: AccountKey, *, account_url: str = "") -> None:
        self._account = account
        self.account_url = account_url
        self._new_nonce = ""
        self._nonce = ""
        self._requests = 0
        self._waited_s = 0.0

    def begin(self, url: str) -> Generator[Step, DirectoryAnswer | None, dict[str, Any]]:
        """Read the directory (§7.1.1)."""
        answer = yield from self._ask(Ask("GET", url))
        if answer.status != 200:
            raise _problem(answer)
        found = read_object(answer)
        self._new_nonce = address_in(found, "newNonce")
        return found

    def post(self, url: str, what: dict[str, Any] | None, *, accept: str = "") -> Steps:
        """A signed request; None is a POST-as-GET (§6.3).

        Raises `DirectoryRefused` and `AcmeFailed`.
        """
        payload = b"" if what is None else json.dumps(what).encode()
        for _ in range(_MOST_BAD_NONCES):
            nonce = yield from self._fresh_nonce()
            body = self._account.signed(payload, url=url, nonce=nonce, account_url=self.account_url)
            answer = yield from self._ask(Ask("POST", url, body, accept or "application/json"))
            if 200 <= answer.status < 300:
                return answer
            problem = _problem(answer)
            if problem.kind != BAD_NONCE:
                raise problem
        raise AcmeFailed(Trouble.NOT_ACME, "it takes none of the nonces that it gives")

    def wait(self, seconds: float) -> Generator[Step, DirectoryAnswer | None, None]:
        """Let time pass, as long as there is patience."""
        seconds = min(max(seconds, 0.5), LONGEST_WAIT_S)
        self._waited_s += seconds
        if self._waited_s > MOST_WAITED_S:
            raise AcmeFailed(Trouble.TOO_SLOW, f"not done after {MOST_WAITED_S:.0f} seconds")
        yield Wait(seconds)

    def _fresh_nonce(self) -> Generator[Step, DirectoryAnswer | None, str]:
        if not self._nonce:
            answer = yield from self._ask(Ask("HEAD", self._new_nonce))
            if not self._nonce:
                raise AcmeFailed(Trouble.NOT_ACME, f"no nonce (status {answer.status})")
        nonce, self._nonce = self._nonce, ""
        return nonce

    def _ask(self, request: Ask) -> Steps:
        self._requests += 1
        if self._requests > MOST_REQUESTS:
            raise AcmeFailed(Trouble.TOO_SLOW, f"not done after {MOST_REQUESTS} requests")
        answer = yield request
        if answer is None:
            raise TypeError("a request was not answered")
        if 300 <= answer.status < 400:
            raise AcmeFailed(Trouble.NOT_ACME, f"it sends us elsewhere (status {answer.status})")
        nonce = answer.headers.get("replay-nonce", "")
        self._nonce = nonce if _NONCE.fullmatch(nonce) else ""
        return answer


def read_object(answer: DirectoryAnswer) -> dict[str, Any]:
    """An answer's JSON object."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise AcmeFailed(Trouble.NOT_ACME, "an answer is no JSON object")
    return found


def word_in(found: dict[str, Any], name: str) -> str:
    """A string of an object."""
    word = found.get(name)
    if not isinstance(word, str) or not word:
        raise AcmeFailed(Trouble.NOT_ACME, f"an answer lacks {name}")
    return word


def address_in(found: dict[str, Any], name: str) -> str:
    """An https address of an object."""
    return checked_address(word_in(found, name))


def checked_address(url: str) -> str:
    """This address, if it is one that we may ask."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 2000
    if not plain or parts.scheme != "https" or not parts.hostname or port == 0 or parts.username:
        raise AcmeFailed(Trouble.NOT_ACME, f"no https address: {url}")
    return url


def retry_after_s(answer: DirectoryAnswer) -> float | None:
    """What the answer says of when to ask again (RFC 9110 §10.2.3): seconds, or a date."""
    word = answer.headers.get("retry-after", "")
    if word.isascii() and word.isdecimal():
        return float(word[:9])
    try:
        then = email.utils.parsedate_to_datetime(word)
        now = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # a date that no calendar has
        return None


def problem_in(
    found: object, *, after_s: float | None = None, of_proof: bool = False
) -> DirectoryRefused:
    """A problem document as a failure. `of_proof`: it says why a proof was not taken."""
    told: dict[str, Any] = found if isinstance(found, dict) else {}
    kind, detail = str(told.get("type", "")), str(told.get("detail", ""))
    name = kind.removeprefix(_ERROR) if kind.startswith(_ERROR) else ""
    problem = DirectoryRefused(name, detail or kind, retry_after_s=after_s)
    if of_proof and name == "unauthorized":
        problem.trouble = Trouble.OTHER_ANSWERS
    elif of_proof and problem.trouble is Trouble.REFUSED:  # something on the way to the name
        problem.trouble = Trouble.NOT_REACHED
    return problem


def _problem(answer: DirectoryAnswer) -> DirectoryRefused:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = {"detail": f"status {answer.status}"}
    problem = problem_in(found, after_s=retry_after_s(answer))
    if problem.trouble is Trouble.REFUSED and answer.status == 429:
        problem.trouble = Trouble.RATE_LIMITED
    return problem
