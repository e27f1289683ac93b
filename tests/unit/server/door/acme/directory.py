"""A directory in memory and in virtual time, strict about what it is asked (RFC 8555 §6).

Each answer can be exchanged for a hostile one (`instead`). What it signs is good, unless `signs`
says otherwise.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from server.door.acme.steps import Ask, DirectoryAnswer
from server.door.authority import pem_of
from tests.unit.server.door.certificate_files import NOW, Made, made

AT = "https://ca.example"
DIRECTORY = f"{AT}/dir"
NAME = "lesson.school.example"
DAY = datetime.timedelta(days=1)
ROOT = made("The CA", ends=NOW + 4000 * DAY)


@dataclass
class Calendar:
    """Time that passes when somebody waits."""

    now: datetime.datetime = NOW

    def __call__(self) -> datetime.datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)
        await asyncio.sleep(0)


def problem(kind: str, detail: str = "so it is", *, status: int = 403) -> DirectoryAnswer:
    body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}
    return DirectoryAnswer(status, {}, json.dumps(body).encode())


def told(what: object, *, status: int = 200, **headers: Any) -> DirectoryAnswer:
    return DirectoryAnswer(status, headers, json.dumps(what).encode())


@dataclass
class Directory:
    """`visits` is how it looks for a proof: True if it is shown."""

    calendar: Calendar = field(default_factory=Calendar)
    life: datetime.timedelta = 90 * DAY
    visits: Callable[[], bool] = lambda: True
    failure: DirectoryAnswer | None = None  # of every proof
    instead: dict[str, DirectoryAnswer] = field(default_factory=dict)  # by path
    asked: list[str] = field(default_factory=list)
    orders: list[datetime.datetime] = field(default_factory=list)
    accounts: int = 0
    _nonces: int = 0
    _open: set[str] = field(default_factory=set)
    _key: dict[str, Any] = field(default_factory=dict)
    _state: str = "pending"
    _chain: bytes = b""

    async def __call__(self, ask: Ask) -> DirectoryAnswer:
        path = urlsplit(ask.url).path
        assert ask.url.startswith(AT), ask.url
        self.asked.append(f"{ask.method} {path}")
        payload = self._checked(ask) if ask.method == "POST" else None
        answer = self.instead.get(path) or self._answer(path, payload)
        if ask.method == "GET":  # of these nobody has to get a nonce (§6.5)
            return answer
        self._nonces += 1
        self._open.add(f"nonce-{self._nonces}")
        return DirectoryAnswer(
            answer.status,
            {"replay-nonce": f"nonce-{self._nonces}", **answer.headers},
            answer.body,
        )

    def _checked(self, ask: Ask) -> Any:
        said = json.loads(ask.body)
        assert set(said) == {"payload", "protected", "signature"}
        head = json.loads(_plain(said["protected"]))
        assert (head["alg"], head["url"]) == ("ES256", ask.url)
        self._open.remove(head["nonce"])  # once
        if "jwk" in head:
            assert ask.url == f"{AT}/account"
            assert "d" not in head["jwk"]
            self._key = head["jwk"]
        else:
            assert head["kid"] == f"{AT}/account/{self.accounts}"
        x, y = (int.from_bytes(_plain(self._key[axis])) for axis in ("x", "y"))
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        signature = _plain(said["signature"])
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        signed = f"{said['protected']}.{said['payload']}".encode()
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        return json.loads(_plain(said["payload"])) if said["payload"] else None

    def _answer(self, path: str, payload: Any) -> DirectoryAnswer:  # noqa: PLR0911 - a page each
        match path:
            case "/dir":
                named = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
                return told({name: f"{AT}/{end}" for name, end in named.items()})
            case "/nonce":
                return DirectoryAnswer(200)
            case "/account":
                assert payload["termsOfServiceAgreed"] is True
                assert payload["contact"] == ["mailto:it@school.example"]
                self.accounts += 1
                return told({}, status=201, location=f"{AT}/account/{self.accounts}")
            case "/order":
                assert payload == {"identifiers": [{"type": "dns", "value": NAME}]}
                self.orders.append(self.calendar.now)
                self._state = "pending"
                return told(self._order(), status=201, location=f"{AT}/order/1")
            case "/order/1":
                return told(self._order())
            case "/authz/1":
                return told(self._authorization())
            case "/challenge/1":
                assert payload == {}
                self._state = "ready" if self.failure is None and self.visits() else "invalid"
                return told({})
            case "/finalize/1":
                csr = x509.load_der_x509_csr(_plain(payload["csr"]))
                self._chain = self.signed(csr)
                self._state = "valid"
                return told(self._order())
            case "/chain/1":
                return DirectoryAnswer(200, {}, self._chain)
        raise AssertionError(path)

    def signed(self, csr: x509.CertificateSigningRequest) -> bytes:
        return chain_for(csr.public_key(), NAME, now=self.calendar.now, life=self.life)

    def _order(self) -> dict[str, Any]:
        return {
            "status": self._state,
            "identifiers": [{"type": "dns", "value": NAME}],
            "authorizations": [f"{AT}/authz/1"],
            "finalize": f"{AT}/finalize/1",
            "certificate": f"{AT}/chain/1",
        }

    def _authorization(self) -> dict[str, Any]:
        challenge: dict[str, Any] = {
            "type": "tls-alpn-01",
            "url": f"{AT}/challenge/1",
            "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
        }
        state = {"pending": "pending", "invalid": "invalid"}.get(self._state, "valid")
        if state == "invalid" and self.failure is not None:
            challenge["error"] = json.loads(self.failure.body)
        other = {"type": "http-01", "url": f"{AT}/challenge/2", "token": "x"}
        return {
            "status": state,
            "identifier": {"type": "dns", "value": NAME},
            "challenges": [other, challenge],
        }

    def thumbprint(self) -> bytes:
        words = {name: self._key[name] for name in ("crv", "kty", "x", "y")}
        return hashlib.sha256(json.dumps(words, separators=(",", ":")).encode()).digest()


def chain_for(
    key: Any,
    name: str,
    *,
    now: datetime.datetime = NOW,
    life: datetime.timedelta = 90 * DAY,
    by: Made = ROOT,
    uses: Iterable[x509.ObjectIdentifier] = (),
) -> bytes:
    """A certificate for this key and name as a directory gives it, with its issuer's."""
    building = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(by.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    if uses:
        building = building.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    leaf = building.sign(by.key, hashes.SHA256())
    return pem_of(leaf) + pem_of(by.certificate)


def _plain(word: str) -> bytes:
    return urlsafe_b64decode(word + "=" * (-len(word) % 4))
