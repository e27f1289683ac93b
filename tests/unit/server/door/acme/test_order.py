"""An order step by step, and what a directory may answer that is not what was asked for."""

from __future__ import annotations

from dataclasses import replace
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.door.acme.account import AccountKey
from server.door.acme.conversation import MOST_REQUESTS, MOST_WAITED_S, retry_after_s
from server.door.acme.failures import AcmeFailed, Place, Trouble, words_of
from server.door.acme.issued import file_of, new_key, request_for
from server.door.acme.order import order
from server.door.acme.steps import Ask, DirectoryAnswer, Ordering, Prove, Registered, Wait
from tests.unit.server.door.acme.directory import (
    AT,
    DAY,
    DIRECTORY,
    NAME,
    Directory,
    chain_for,
    problem,
    told,
)
from tests.unit.server.door.certificate_files import NOW, made

ACCOUNT = AccountKey(ec.generate_private_key(ec.SECP256R1()))
KEY = new_key()
CSR = request_for(KEY, NAME)


class Carried:
    """An order carried out at a directory, and what it did on the way."""

    def __init__(self, directory: Directory, *, account_url: str = "") -> None:
        self.directory = directory
        self.steps: list[object] = []
        self.waited_s = 0.0
        self._account_url = account_url

    async def chain(self) -> bytes:
        going = order(
            DIRECTORY,
            ACCOUNT,
            account_url=self._account_url,
            contact="it@school.example",
            name=NAME,
            csr=CSR,
        )
        answer: DirectoryAnswer | None = None
        while True:
            try:
                step = going.send(answer)
            except StopIteration as done:
                return bytes(done.value)
            answer = None
            self.steps.append(step)
            if isinstance(step, Ask):
                answer = await self.directory(step)
            elif isinstance(step, Wait):
                self.waited_s += step.seconds


async def test_an_order_is_made_proved_and_fetched() -> None:
    directory = Directory()
    carried = Carried(directory)
    chain = await carried.chain()
    assert file_of(KEY, chain, name=NAME, now=NOW).startswith(b"-----BEGIN PRIVATE KEY")
    kinds = [type(step) for step in carried.steps if not isinstance(step, Ask | Wait)]
    assert kinds == [Registered, Ordering, Prove]
    assert directory.asked == [
        "GET /dir",
        "HEAD /nonce",
        "POST /account",
        "POST /order",
        "POST /authz/1",
        "POST /challenge/1",
        "POST /authz/1",
        "POST /order/1",
        "POST /finalize/1",
        "POST /order/1",
        "POST /chain/1",
    ]
    # Whom it knows it is not told again.
    assert await Carried(directory, account_url=f"{AT}/account/1").chain()
    assert directory.accounts == 1


async def test_who_is_forgotten_registers_anew() -> None:
    class Forgetful(Directory):
        def _answer(self, path: str, payload: object) -> DirectoryAnswer:
            if path == "/order" and self.accounts == 1:
                return problem("accountDoesNotExist", status=400)
            return super()._answer(path, payload)

    directory = Forgetful(accounts=1)
    directory._key = ACCOUNT._key.as_dict(private=False)
    carried = Carried(directory, account_url=f"{AT}/account/1")
    assert await carried.chain()
    assert directory.accounts == 2
    assert Registered(f"{AT}/account/2") in carried.steps


async def test_a_nonce_that_ran_out_is_exchanged_for_the_new_one() -> None:
    class Forgetful(Directory):
        refused = 0

        def _answer(self, path: str, payload: object) -> DirectoryAnswer:
            if self.refused < 3 and path == "/order":
                self.refused += 1
                return problem("badNonce", status=400)
            return super()._answer(path, payload)

    directory = Forgetful()
    assert await Carried(directory).chain()
    assert directory.asked.count("HEAD /nonce") == 1


HTTP = {"newNonce": "http://ca.example/nonce", "newAccount": f"{AT}/a", "newOrder": f"{AT}/o"}
PLAIN = {"status": "pending", "authorizations": [f"{AT}/authz/1"], "finalize": f"{AT}/f"}
ELSEWHERE = {"status": "pending", "identifier": {"type": "dns", "value": "other.example"}}
WITHOUT = {"status": "pending", "identifier": {"type": "dns", "value": NAME}, "challenges": []}
CHALLENGE = {"type": "tls-alpn-01", "url": f"{AT}/c", "token": "a b"}


@pytest.mark.parametrize(
    ("path", "answer", "trouble"),
    [
        ("/dir", DirectoryAnswer(404, {}, b"nothing here"), Trouble.REFUSED),
        ("/dir", DirectoryAnswer(200, {}, b"<html>"), Trouble.NOT_ACME),
        ("/dir", DirectoryAnswer(200, {}, b"[" * 100_000), Trouble.NOT_ACME),
        ("/dir", DirectoryAnswer(200, {}, b"[]"), Trouble.NOT_ACME),
        ("/dir", told({}), Trouble.NOT_ACME),
        ("/dir", told(HTTP), Trouble.NOT_ACME),
        ("/dir", DirectoryAnswer(302, {"location": "https://evil.example/dir"}), Trouble.NOT_ACME),
        ("/nonce", DirectoryAnswer(200, {"replay-nonce": "no nonce"}), Trouble.NOT_ACME),
        ("/account", problem("externalAccountRequired"), Trouble.ACCOUNT),
        ("/account", problem("invalidContact", status=400), Trouble.ACCOUNT),
        ("/account", told({}, status=201, location="file:///etc/passwd"), Trouble.NOT_ACME),
        ("/account", problem("badNonce", status=400), Trouble.NOT_ACME),
        ("/order", problem("rateLimited", status=429), Trouble.RATE_LIMITED),
        (
            "/order",
            DirectoryAnswer(429, {"retry-after": "100"}, b"slow down"),
            Trouble.RATE_LIMITED,
        ),
        ("/order", problem("rejectedIdentifier", status=400), Trouble.NAME_REFUSED),
        ("/order", problem("caa"), Trouble.FORBIDDEN),
        ("/order", problem("serverInternal", status=500), Trouble.REFUSED),
        ("/order", told(PLAIN, status=201), Trouble.NOT_ACME),
        ("/order", told({**PLAIN, "authorizations": []}, location=f"{AT}/o"), Trouble.NOT_ACME),
        ("/order", told({"authorizations": 1}, location=f"{AT}/o"), Trouble.NOT_ACME),
        ("/authz/1", told(ELSEWHERE), Trouble.NOT_ACME),
        ("/authz/1", told(WITHOUT), Trouble.NO_SUCH_PROOF),
        ("/authz/1", told({**WITHOUT, "challenges": [3, CHALLENGE]}), Trouble.NOT_ACME),
        ("/order/1", told({"status": 7}), Trouble.NOT_ACME),
        ("/order/1", told({"status": "invalid"}), Trouble.REFUSED),
        ("/order/1", told({"status": "revoked", "error": {"type": 4}}), Trouble.REFUSED),
        ("/order/1", told({"status": "valid", "certificate": "ftp://x/"}), Trouble.NOT_ACME),
        ("/chain/1", DirectoryAnswer(308, {"location": "https://evil.example/"}), Trouble.NOT_ACME),
    ],
)
async def test_what_is_not_asked_for_is_refused(
    path: str, answer: DirectoryAnswer, trouble: Trouble
) -> None:
    with pytest.raises(AcmeFailed) as failed:
        await Carried(Directory(instead={path: answer})).chain()
    assert failed.value.trouble is trouble, failed.value.detail
    assert failed.value.retry_after_s == (100 if "retry-after" in answer.headers else None)


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("connection", Trouble.NOT_REACHED),
        ("dns", Trouble.NO_ADDRESS),
        ("unauthorized", Trouble.OTHER_ANSWERS),
        ("tls", Trouble.OTHER_ANSWERS),
        ("incorrectResponse", Trouble.OTHER_ANSWERS),
        ("malformed", Trouble.NOT_REACHED),  # as Pebble says where a name has no address
        ("caa", Trouble.FORBIDDEN),
    ],
)
async def test_why_a_proof_was_not_taken(kind: str, trouble: Trouble) -> None:
    refused = problem(kind, "203.0.113.7: \x1b[31mTimeout\n\ndue\u202e to firewall" + "!" * 9000)
    with pytest.raises(AcmeFailed) as failed:
        await Carried(Directory(failure=refused)).chain()
    assert failed.value.trouble is trouble
    detail = failed.value.detail
    assert detail.startswith("203.0.113.7: [31mTimeout due to firewall")
    assert len(detail) < 310


@pytest.mark.parametrize("path", ["/authz/1", "/order/1"])
async def test_who_never_comes_to_an_end_is_left(path: str) -> None:
    wait = replace(told({"status": "processing"}), headers={"retry-after": "9" * 400})
    if path == "/authz/1":
        pending = Directory()._authorization()
        wait = told(pending)
    carried = Carried(Directory(instead={path: wait}))
    with pytest.raises(AcmeFailed) as failed:
        await carried.chain()
    assert failed.value.trouble is Trouble.TOO_SLOW
    assert carried.waited_s <= MOST_WAITED_S
    assert len(carried.directory.asked) <= MOST_REQUESTS


GOOD = chain_for(KEY.public_key(), NAME)
SERVERS = chain_for(KEY.public_key(), NAME, uses=[ExtendedKeyUsageOID.SERVER_AUTH])
CLIENTS = chain_for(KEY.public_key(), NAME, uses=[ExtendedKeyUsageOID.CLIENT_AUTH])


def with_bytes(chain: bytes, before: str, after: str) -> bytes:
    """The chain with these bytes of its first certificate exchanged (in hexadecimals)."""
    leaf = x509.load_pem_x509_certificates(chain)[0].public_bytes(Encoding.DER)
    assert leaf.count(bytes.fromhex(before)) == 1
    return DER_cert_to_PEM_cert(leaf.replace(bytes.fromhex(before), bytes.fromhex(after))).encode()


ANOTHER = made("Another").certificate


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        (chain_for(new_key().public_key(), NAME), "another key"),
        (chain_for(KEY.public_key(), "other.example"), f"not for {NAME}"),
        (chain_for(KEY.public_key(), NAME, now=NOW - 91 * DAY), "ended on"),
        (chain_for(KEY.public_key(), NAME, now=NOW + DAY), "begins on"),
        (GOOD + GOOD, "hold together"),
        (CLIENTS, "not for servers"),
        # The use's identifier is that of the names: these stand there twice.
        (with_bytes(SERVERS, "0603551d25", "0603551d11"), f"not for {NAME}"),
        # A point that is not on the curve; a curve that nobody knows.
        (with_bytes(GOOD, "03420004", "03420005"), "no certificate"),
        (with_bytes(GOOD, "06082a8648ce3d030107", "06082a8648ce3d030177"), "no certificate"),
        (GOOD * 9, "no end"),
    ],
)
def test_a_certificate_that_cannot_serve_is_refused(chain: bytes, why: str) -> None:
    with pytest.raises(AcmeFailed, match=why) as failed:
        file_of(KEY, chain, name=NAME, now=NOW)
    assert failed.value.trouble is Trouble.WRONG_CERTIFICATE


def test_a_certificate_for_servers_serves() -> None:
    assert file_of(KEY, SERVERS, name=NAME, now=NOW)


@pytest.mark.parametrize(
    ("says", "seconds"),
    [
        ("100", 100.0),
        ("Wed, 01 Jan 2025 00:01:00 GMT", 60.0),
        ("Wed, 01 Jan 2025 00:00:00 +99999999999999999999", None),
        ("Wed, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("-5", None),
        ("soon", None),
    ],
)
def test_when_to_ask_again(says: str, seconds: float | None) -> None:
    headers = {"retry-after": says, "date": "Wed, 01 Jan 2025 00:00:00 GMT"}
    assert retry_after_s(DirectoryAnswer(200, headers)) == seconds


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_has_words(trouble: Trouble) -> None:
    for leads_to in ((), ("203.0.113.7", "2001:db8::7")):
        text = words_of(trouble, Place(NAME, 7880, "ca.example", leads_to))
        assert "{" not in text.zh + text.en
        assert text.en.endswith(".")
        assert text.zh.endswith("。")
