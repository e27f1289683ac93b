"""The certificate in use: watched, renewed and exchanged while connections go on.

Owns: the TLS context that new connections begin with, the task that looks for a new certificate
(files replaced, SIGHUP, this machine's names changed, an end in sight) and what is told of its
condition. An open connection keeps what it began with. A new certificate that cannot be used
leaves the old one in use, and is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from cryptography import x509

from server.config import Settings
from server.door.addresses import host_names
from server.door.certificates import Certificate, given_certificate, own_certificate
from server.door.condition import Condition, examine, names_of
from server.errors import StartRefused

LOOK_EVERY_S = 5.0
# However little changes: a certificate ends by the clock alone.
_LOOK_WHOLE_EVERY = datetime.timedelta(hours=1)
_log = structlog.get_logger("tongke.certificate")

Now = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time, as certificates have it."""
    return datetime.datetime.now(datetime.UTC)


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
        self._refused, self._refused_looks = "", 0
        self._hurry = asyncio.Event()
        self.reloads = 0
        self.files = self._find()
        self._signature = self.files.signature
        self._current = self.context = self.files.context()
        self._chain = self.files.chain()
        # Asked at each handshake, also where the client names nobody (RFC 6066 §3).
        self.context.sni_callback = self._choose

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that it is for."""
        return names_of(self._chain[0])

    @property
    def condition(self) -> Condition:
        """How the served certificate stands now."""
        return examine(
            self._chain,
            now=self._now(),
            asked=self._public_host(),
            authority=self.files.authority,
            knows=_in_system_store,
        )

    def look(self) -> bool:
        """Take what is new, if it can be used; True when another certificate is served."""
        try:
            files = self._find()
            signature = files.signature
            if signature == self._signature:
                self._refused_looks = 0
                return False
            context, chain = files.context(), files.chain()
        except (StartRefused, OSError, ValueError) as error:
            self._tell_refused(str(error))
            return False
        self.files, self._signature, self._chain = files, signature, chain
        self._current, self._refused_looks = context, 0
        self.reloads += 1
        condition = self.condition
        _log.info(
            "another certificate is served",
            until=condition.leaf.not_valid_after_utc.isoformat(),
            names=", ".join(condition.names),
        )
        self.tell_findings()
        return True

    def tell_findings(self) -> None:
        """Say in the log what is wrong with the served certificate."""
        for finding in self.condition.findings:
            _log.warning(finding.text.en, fault=finding.fault.value)

    def hurry(self) -> None:
        """Look now (SIGHUP)."""
        self._looked_whole = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        self._hurry.set()

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

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        if connection.context is not self._current:
            connection.context = self._current

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

    def _tell_refused(self, why: str) -> None:
        """Once, not every five seconds; and not of two files between whose writing we looked."""
        self._refused_looks = self._refused_looks + 1 if why == self._refused else 1
        self._refused = why
        if self._refused_looks == 2:
            _log.warning("a new certificate cannot be used; the old one stays in use", why=why)


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
