"""One certificate for one name, from the directory to the signed chain (RFC 8555 §7), as steps.

A generator that yields what is to be done (`steps`) and returns the chain as PEM; no I/O, no clock:
whoever drives it asks, waits and shows the proof. What it returns is a stranger's: `issued` checks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from typing import Any

from server.door.acme.account import AccountKey, base64url
from server.door.acme.conversation import (
    NO_ACCOUNT,
    Conversation,
    DirectoryRefused,
    address_in,
    checked_address,
    problem_in,
    read_object,
    retry_after_s,
    word_in,
)
from server.door.acme.failures import AcmeFailed, Trouble
from server.door.acme.steps import DirectoryAnswer, Ordering, Prove, Registered, Step

PROOF = "tls-alpn-01"
CHAIN = "application/pem-certificate-chain"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,512}")  # §8.1
# How long between two looks where the directory says nothing: it takes a CA some seconds.
_LOOK_AGAIN_S = 2.0

_Does = Generator[Step, DirectoryAnswer | None, None]
_Finds = Generator[Step, DirectoryAnswer | None, dict[str, Any]]


def order(
    directory: str, account: AccountKey, *, account_url: str, contact: str, name: str, csr: bytes
) -> Generator[Step, DirectoryAnswer | None, bytes]:
    """The steps to a certificate for `name`, whose request (PKCS #10, DER) is `csr`.

    `account_url` is what an earlier `Registered` told, "" where there was none; `contact` is a
    mail address. Raises `AcmeFailed`.
    """
    talk = Conversation(account, account_url=account_url)
    found = yield from talk.begin(directory)
    new_account, new_order = address_in(found, "newAccount"), address_in(found, "newOrder")
    if not talk.account_url:
        yield from _register(talk, new_account, contact)
    wanted = {"identifiers": [{"type": "dns", "value": name}]}
    yield Ordering()
    try:
        answer = yield from talk.post(new_order, wanted)
    except DirectoryRefused as refused:
        if refused.kind != NO_ACCOUNT:
            raise
        yield from _register(talk, new_account, contact)  # it has forgotten us
        answer = yield from talk.post(new_order, wanted)
    where = checked_address(answer.headers.get("location", ""))
    made = read_object(answer)
    for url in _authorizations(made):
        yield from _authorize(talk, url, account, name)
    finalize = address_in(made, "finalize")
    ordered = yield from _until(talk, where, ("ready", "processing", "valid"))
    if ordered["status"] == "ready":
        yield from talk.post(finalize, {"csr": base64url(csr)})
    if ordered["status"] != "valid":
        ordered = yield from _until(talk, where, ("valid",))
    chain = yield from talk.post(address_in(ordered, "certificate"), None, accept=CHAIN)
    return chain.body


def _register(talk: Conversation, url: str, contact: str) -> _Does:
    """An account for our key, or the one it has (§7.3.1). The setting is the consent to terms."""
    talk.account_url = ""
    about = {"termsOfServiceAgreed": True, "contact": [f"mailto:{contact}"]}
    answer = yield from talk.post(url, about)
    talk.account_url = checked_address(answer.headers.get("location", ""))
    yield Registered(talk.account_url)


def _authorizations(made: dict[str, Any]) -> list[str]:
    """Where the proofs are asked for: one name has one."""
    urls = made.get("authorizations")
    if not isinstance(urls, list) or len(urls) != 1:
        raise AcmeFailed(Trouble.NOT_ACME, "an order for one name has not one authorization")
    return [checked_address(str(url)) for url in urls]


def _authorize(talk: Conversation, url: str, account: AccountKey, name: str) -> _Does:
    """Prove that the name is ours (§7.5.1), unless that is known still."""
    found = read_object((yield from talk.post(url, None)))
    if found.get("identifier") != {"type": "dns", "value": name}:
        raise AcmeFailed(Trouble.NOT_ACME, "a proof is asked for another name")
    if found.get("status") == "valid":
        return
    challenge = _challenge(found)
    token = word_in(challenge, "token")
    if not _TOKEN.fullmatch(token):
        raise AcmeFailed(Trouble.NOT_ACME, "a token has signs that it may not have")
    said = f"{token}.{account.thumbprint}".encode()  # the key authorization, §8.1
    yield Prove(name, hashlib.sha256(said).digest())
    yield from talk.post(address_in(challenge, "url"), {})
    yield from _until(talk, url, ("valid",))


def _challenge(found: dict[str, Any]) -> dict[str, Any]:
    offered = found.get("challenges")
    for each in offered if isinstance(offered, list) else []:
        if isinstance(each, dict) and each.get("type") == PROOF:
            return each
    raise AcmeFailed(Trouble.NO_SUCH_PROOF)


def _until(talk: Conversation, url: str, wanted: tuple[str, ...]) -> _Finds:
    """Ask for an order or authorization until it stands as wanted (§7.1.6)."""
    while True:
        answer = yield from talk.post(url, None)
        found = read_object(answer)
        status = word_in(found, "status")
        if status in wanted:
            return found
        if status not in {"pending", "processing", "ready"}:
            raise _why(found)
        yield from talk.wait(retry_after_s(answer) or _LOOK_AGAIN_S)


def _why(found: dict[str, Any]) -> AcmeFailed:
    """Why it is invalid: the order's own error, or that of the proof that was tried."""
    if isinstance(found.get("error"), dict):
        return problem_in(found["error"])
    challenges = found.get("challenges")
    for each in challenges if isinstance(challenges, list) else []:
        if isinstance(each, dict) and isinstance(each.get("error"), dict):
            return problem_in(each["error"], of_proof=True)
    return AcmeFailed(Trouble.REFUSED, f"its status is {found.get('status')}")
