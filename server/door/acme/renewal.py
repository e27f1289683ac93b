"""The task that has a certificate signed, and signed anew in time, while lessons go on.

Owns carrying out an order's steps (asking, waiting, showing the proof), keeping what came, and
what is told of it. Leaves serving to `ServedCertificate`, which looks for what is kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from server.config import Settings
from server.database.data_folder import write_private
from server.door.acme.account import AccountKey
from server.door.acme.failures import ABOUT_THE_NAME, AcmeFailed, Place, Trouble, words_of
from server.door.acme.https import asked
from server.door.acme.issued import file_of, new_key, request_for
from server.door.acme.memory import AcmeMemory, Failure, remember, remembered, renewal_due
from server.door.acme.order import order
from server.door.acme.proof import proving
from server.door.acme.steps import Ask, DirectoryAnswer, Ordering, Prove, Registered, Wait
from server.door.acme.told import AcmeStanding, Told
from server.door.authority import pem_of_key
from server.door.certificates import ACME_FILE, kept_key
from server.door.tls import Now, ServedCertificate, utc_now
from server.errors import Text

ACCOUNT_FILE = "acme_account.key"
_LOOK_EVERY_S = 6 * 3600.0  # clocks are set, machines sleep
_RESOLVE_TIMEOUT_S = 5.0
_MOST_ADDRESSES = 4
_log = structlog.get_logger("tongke.certificate")

Asking = Callable[[Ask], Awaitable[DirectoryAnswer]]
Resolving = Callable[[str], Awaitable[list[str]]]
Sleeping = Callable[[float], Awaitable[None]]


class Renewal:
    """One server's. `name` is the public address's, as certificates have it."""

    def __init__(
        self,
        settings: Settings,
        served: ServedCertificate,
        *,
        now: Now = utc_now,
        ask: Asking | None = None,
        resolve: Resolving | None = None,
        sleep: Sleeping = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._folder: Path = settings.data_folder
        self._directory = settings.acme_directory
        self._contact = settings.acme
        self._served = served
        self.name = served.public_host
        self._now = now
        self._ask = ask or _Internet().ask
        self._resolve = resolve or _addresses_of
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 - it spreads, and hides nothing
        self._place = Place(
            self.name, settings.port, urlsplit(self._directory).hostname or self._directory
        )
        self._memory = remembered(self._folder).at(self._directory, self.name)
        self._ordering = False
        self._hurried = asyncio.Event()

    @property
    def told(self) -> Told:
        """How it stands now."""
        failed = self._failed
        if self._ordering:
            standing = AcmeStanding.ORDERING
        elif failed is not None:
            standing = AcmeStanding.FAILING
        else:
            standing = AcmeStanding.IN_FORCE if self._served.public_leaf else AcmeStanding.WAITING
        return Told(
            standing=standing,
            name=self.name,
            directory=self._place.directory,
            next_at=self.next_at(),
            served_since=self._memory.served_since if self._served.public_leaf else None,
            failure=self.failure,
            detail=failed.detail if failed else "",
            failed_at=failed.at if failed else None,
        )

    @property
    def failure(self) -> Text | None:
        """Why the last attempt gave no certificate, and what to do."""
        failed = self._failed
        if failed is None:
            return None
        place = self._place
        return words_of(
            failed.trouble, Place(place.name, place.port, place.directory, failed.leads_to)
        )

    @property
    def _failed(self) -> Failure | None:
        """Why there is none, while one is due."""
        leaf = self._served.public_leaf
        in_time = leaf is not None and self._now() < renewal_due(leaf)
        return None if in_time else self._memory.failed

    def next_at(self) -> float:
        """When the next attempt is due."""
        now = self._now().timestamp()
        leaf = self._served.public_leaf
        due = now if leaf is None else renewal_due(leaf).timestamp()
        return max(due, self._memory.may_order_at(now, hurried=self._hurried.is_set()))

    def hurry(self) -> None:
        """Try now, if an attempt has failed (SIGHUP); a good certificate is not renewed for it."""
        self._hurried.set()

    async def run(self) -> None:
        """Renew whenever it is due, until cancelled."""
        while True:
            await self._look_at_the_clock()
            left = self.next_at() - self._now().timestamp()
            if left <= 0:
                self._hurried.clear()
                await self.attempt()
                continue
            pause = asyncio.ensure_future(self._sleep(min(max(left, 1.0), _LOOK_EVERY_S)))
            hurry = asyncio.ensure_future(self._hurried.wait())
            try:
                await asyncio.wait({pause, hurry}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in (pause, hurry):
                    each.cancel()
                await asyncio.gather(pause, hurry, return_exceptions=True)
            if self.next_at() > self._now().timestamp():
                self._hurried.clear()

    async def _look_at_the_clock(self) -> None:
        """What a clock that was ahead has written counts from now on, over restarts too: a server
        that is started anew every night would count from each start, and never come to it."""
        seen = self._memory.seen_at(self._now().timestamp())
        if seen is not self._memory:
            self._memory = seen
            with contextlib.suppress(AcmeFailed):  # the disk is full: it counts from the next start
                await self._remember(seen)

    async def attempt(self) -> bool:
        """One order; True when its certificate is served."""
        self._ordering, ordered_before = True, self._memory.orders
        try:
            await self._order()
        except AcmeFailed as failed:
            await self._fail(failed, ordered=self._memory.orders != ordered_before)
            return False
        except Exception as error:  # a bug of ours must not end the renewals for years
            _log.exception("an order by ACME broke off")
            bug = AcmeFailed(Trouble.REFUSED, f"{type(error).__name__}: {error}")
            await self._fail(bug, ordered=True)
            return False
        finally:
            self._ordering = False
            self._served.prove_nothing()
        _log.info("a certificate was signed", name=self.name, by=self._place.directory)
        return True

    async def _order(self) -> None:
        key, account = new_key(), await asyncio.to_thread(self._account)
        steps = order(
            self._directory,
            account,
            account_url=self._memory.account_url,
            contact=self._contact,
            name=self.name,
            csr=request_for(key, self.name),
        )
        answer: DirectoryAnswer | None = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                chain: bytes = done.value
                break
            answer = None
            match step:
                case Ask():
                    answer = await self._ask(step)
                case Wait():
                    await self._sleep(step.seconds)
                case Registered():
                    await self._remember(self._memory.registered(step.account_url))
                case Ordering():
                    await self._remember(self._memory.ordering(self._now().timestamp()))
                case Prove():
                    await asyncio.to_thread(self._prove, step)
        content = file_of(key, chain, name=self.name, now=self._now())
        await asyncio.to_thread(self._keep, content)
        leaf = self._served.public_leaf
        if leaf is None or leaf.public_key() != key.public_key():
            raise AcmeFailed(Trouble.WRONG_CERTIFICATE, "this server cannot serve it")
        await self._remember(self._memory.succeeded(self._now().timestamp()))

    def _prove(self, step: Prove) -> None:
        try:
            shown = proving(step.name, step.digest, now=self._now())
        except OSError as error:
            raise AcmeFailed(Trouble.NOT_KEPT, str(error)) from None
        self._served.prove(step.name, shown)

    def _account(self) -> AccountKey:
        """Our key, made at the first call; a damaged one only costs another account."""
        path = self._folder / ACCOUNT_FILE
        key = kept_key(path)
        if key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            try:
                write_private(path, pem_of_key(key))
            except OSError as error:
                raise AcmeFailed(Trouble.NOT_KEPT, str(error)) from None
            self._memory = self._memory.registered("")
        return AccountKey(key)

    def _keep(self, content: bytes) -> None:
        try:
            write_private(self._folder / ACME_FILE, content)
        except OSError as error:
            raise AcmeFailed(Trouble.NOT_KEPT, str(error)) from None
        self._served.look()

    async def _fail(self, failed: AcmeFailed, *, ordered: bool) -> None:
        leads_to: tuple[str, ...] = ()
        if failed.trouble in ABOUT_THE_NAME:
            leads_to = tuple(await self._resolve(self.name))
        now = self._now().timestamp()
        memory = self._memory.failed_with(
            failed, now, ordered=ordered, rng=self._rng, leads_to=leads_to
        )
        self._memory = memory
        with contextlib.suppress(AcmeFailed):  # the disk is full: it is known until the next start
            await self._remember(memory)
        text = self.failure
        _log.warning(
            text.en if text else str(failed),
            trouble=failed.trouble.value,
            said=failed.detail,
            next=datetime.datetime.fromtimestamp(self.next_at(), datetime.UTC).isoformat(),
        )

    async def _remember(self, memory: AcmeMemory) -> None:
        await asyncio.to_thread(remember, self._folder, memory)
        self._memory = memory


class _Internet:
    """Asks directories, trusting whom the system trusts."""

    _context: ssl.SSLContext | None = None

    async def ask(self, request: Ask) -> DirectoryAnswer:
        if self._context is None:  # reads a hundred roots
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return await asked(request, context=self._context)


async def _addresses_of(name: str) -> list[str]:
    """Where this name leads, as this machine's resolver has it; nothing where it does not say."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_TIMEOUT_S):
            found = await loop.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a timeout is an OSError too
        return []
    return list(dict.fromkeys(str(where[0]) for *_, where in found))[:_MOST_ADDRESSES]
