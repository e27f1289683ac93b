"""The certificate in use: watched, renewed and exchanged while connections go on.

Owns: the TLS context that new connections begin with, the task that looks for a new certificate
(files replaced, SIGHUP, this machine's names changed, an end in sight) and what is told of its
condition. An open connection keeps what it began with. A new certificate that cannot be used
leaves the old one in use, and is told.

With ACME there are two: who asks for the public name (SNI, RFC 6066 §3) is shown the one that
every browser knows, while there is one in force; whoever comes by another name or by an address is
shown the one of our own authority, as ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from cryptography import x509

from server.config import Settings
from server.door.addresses import host_names
from server.door.certificates import (
    ACME_FILE,
    Certificate,
    given_certificate,
    own_certificate,
)
from server.door.condition import Condition, examine, is_named, names_of
from server.door.handshake import DoorContext, Visit
from server.errors import StartRefused, Text

if TYPE_CHECKING:
    from server.door.acme.renewal import Renewal

LOOK_EVERY_S = 5.0  # so late a certificate that was put in its place is served
_SURE = 2  # looks: between the first two of them the second file may have come
# However little changes: a certificate ends by the clock alone.
_LOOK_WHOLE_EVERY = datetime.timedelta(hours=1)
_log = structlog.get_logger("tongke.certificate")

Now = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time, as certificates have it."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True)
class _Public:
    """A certificate had by ACME, as it lies in its file."""

    signature: tuple[tuple[int, int, int], ...]
    context: ssl.SSLContext
    chain: list[x509.Certificate]
    names: tuple[str, ...]


class ServedCertificate:
    """The certificate of a running server. Raises `StartRefused` without one to begin with."""

    def __init__(
        self,
        settings: Settings,
        *,
        now: Now = utc_now,
        names: Callable[[], list[str]] = host_names,
    ) -> None:
        self._settings = settings
        self._now = now
        self._names = names
        self._known_names: list[str] = []
        self._looked_whole = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        self._refused: dict[str, tuple[Text, int]] = {}  # by what: why, and how many looks ago
        self._hurry = asyncio.Event()
        self.reloads = 0
        self.files = self._find()
        self._signature = self.files.signature
        self.context = self.files.context_of(DoorContext)
        self._current: ssl.SSLContext = self.context
        self._chain = self.files.chain()
        self.public_host = self._public_host()
        self.renewal: Renewal | None = None  # whoever runs the server sets it, with ACME
        self._looking = threading.Lock()
        self._public: _Public | None = None
        if settings.acme:
            self._look_public()
        # Asked at each handshake, also where the client names nobody (RFC 6066 §3).
        self.context.sni_callback = self._choose

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that it is for."""
        return names_of(self._chain[0])

    @property
    def leaf(self) -> x509.Certificate:
        """What is shown to who does not ask for the public name, or to all."""
        return self._chain[0]

    @property
    def public_leaf(self) -> x509.Certificate | None:
        """What ACME has had signed and is shown to who asks for the public name; None without."""
        public = self._public_in_force()
        return public.chain[0] if public else None

    @property
    def condition(self) -> Condition:
        """How that certificate stands now which is shown to who asks for the public name."""
        public = self._public_in_force()
        return examine(
            public.chain if public else self._chain,
            now=self._now(),
            asked=self.public_host,
            authority=self.files.authority,
            acme_fails=self.renewal.failure if self.renewal else None,
            not_taken=self._not_taken(),
            knows=_in_system_store,
        )

    def prove(self, name: str, context: ssl.SSLContext) -> None:
        """Show this to an ACME server that comes for the proof for `name`, and to nobody else."""
        self.context.proofs = {name.lower(): context}

    def prove_nothing(self) -> None:
        """No proof is looked for any more."""
        self.context.proofs = {}

    def look(self) -> bool:
        """Take what is new, if it can be used; True when another certificate is served."""
        with self._looking:  # the watch and the renewal come from threads of their own
            found = self._look_public() if self._settings.acme else False
            return self._look_files() or found

    def _look_files(self) -> bool:
        try:
            files = self._find()
            signature = files.signature
            if signature == self._signature:
                self._refused.pop("files", None)
                return False
            context, chain = files.context(), files.chain()
        except (StartRefused, OSError, ValueError) as error:
            self._tell_refused("files", error)
            return False
        self.files, self._signature, self._chain = files, signature, chain
        self._current = context
        self._refused.pop("files", None)
        self._tell_exchanged(chain[0])
        return True

    def _look_public(self) -> bool:
        """Take a certificate that ACME has had signed, where another one lies there."""
        path: Path = self._settings.data_folder / ACME_FILE
        files = Certificate(path, path)
        try:
            signature = files.signature
            if self._public is not None and self._public.signature == signature:
                self._refused.pop("acme", None)
                return False
            context, chain = files.context(), files.chain()
        except FileNotFoundError:
            return False
        except (StartRefused, OSError, ValueError) as error:
            self._tell_refused("acme", error)
            return False
        self._refused.pop("acme", None)
        first = self._public is None
        self._public = _Public(signature, context, chain, names_of(chain[0]))
        if not first or self.renewal is not None:  # not what was there at the start
            self._tell_exchanged(chain[0])
        return True

    def _public_in_force(self) -> _Public | None:
        public = self._public
        if public is None or not is_named(self.public_host, public.names):
            return None
        leaf = public.chain[0]
        in_time = leaf.not_valid_before_utc <= self._now() < leaf.not_valid_after_utc
        return public if in_time else None

    def _tell_exchanged(self, leaf: x509.Certificate) -> None:
        self.reloads += 1
        _log.info(
            "another certificate is served",
            until=leaf.not_valid_after_utc.isoformat(),
            names=", ".join(names_of(leaf)),
        )
        self.tell_findings()

    def tell_findings(self) -> None:
        """Say in the log what is wrong with the served certificate."""
        for finding in self.condition.findings:
            _log.warning(finding.text.en, fault=finding.fault.value)

    def hurry(self) -> None:
        """Look now (SIGHUP)."""
        self._looked_whole = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        self._hurry.set()
        if self.renewal is not None:
            self.renewal.hurry()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        told = self._now()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._hurry.wait()
            self._hurry.clear()
            await asyncio.to_thread(self.look)
            if self._now() - told > datetime.timedelta(days=1):
                told = self._now()
                self.tell_findings()

    def _choose(self, connection: ssl.SSLObject, name: str | None, _first: ssl.SSLContext) -> None:
        wanted = self._current
        if name is not None and isinstance(connection, Visit) and connection.proves:
            wanted = self.context.proofs.get(name.lower(), wanted)
        elif name is not None and (public := self._public_in_force()) is not None:
            wanted = public.context if is_named(name.lower(), public.names) else wanted
        if connection.context is not wanted:
            connection.context = wanted

    def _public_host(self) -> str:
        """The host of the public address as certificates have it; "" without one."""
        host = urlsplit(self._settings.public_url).hostname or ""
        try:
            return host.encode("idna").decode() if host else ""
        except UnicodeError:
            return host

    def _find(self) -> Certificate:
        """The files to serve; ours made anew where they must be."""
        settings = self._settings
        if settings.tls_cert is not None and settings.tls_key is not None:
            return given_certificate(settings.tls_cert, settings.tls_key)
        now, names = self._now(), self._names()
        if names == self._known_names and abs(now - self._looked_whole) < _LOOK_WHOLE_EVERY:
            return self.files
        public = [host for host in (self._public_host(),) if host]
        given = [*public, *settings.tls_names, *settings.advertised]
        found = own_certificate(settings.data_folder, names=names, given=given, now=now)
        self._known_names, self._looked_whole = names, now
        return found

    def _tell_refused(self, what: str, error: Exception) -> None:
        """Once, not every five seconds; and not of two files between whose writing we looked."""
        text = error.text if isinstance(error, StartRefused) else Text(str(error), str(error))
        known, looks = self._refused.get(what, (None, 0))
        looks = looks + 1 if text == known else 1
        self._refused[what] = text, looks
        if looks == _SURE:
            _log.warning(
                "a new certificate cannot be used; the old one stays in use", why=str(error)
            )

    def _not_taken(self) -> Text | None:
        """Why the files of the settings are not what is served, where that stays so."""
        why, looks = self._refused.get("files", (None, 0))
        return why if looks >= _SURE else None


@functools.cache
def _system_roots() -> frozenset[tuple[str, ...]]:
    """The roots that this machine's system knows, as browsers do: the words of their names.

    Read by OpenSSL, which takes old roots as they are.
    """
    roots: list[dict[str, Any]] = ssl.create_default_context().get_ca_certs()
    return frozenset(
        tuple(value for part in root["subject"] for _, value in part) for root in roots
    )


def _in_system_store(issuer: x509.Name) -> bool:
    return tuple(str(part.value) for part in issuer) in _system_roots()
