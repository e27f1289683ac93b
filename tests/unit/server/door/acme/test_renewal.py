"""A server that looks after its certificate by itself: time and the directory are in memory."""

from __future__ import annotations

import asyncio
import datetime
import random
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from server.config import Settings
from server.door.acme.failures import AcmeFailed, Trouble
from server.door.acme.memory import AcmeMemory, remember, remembered
from server.door.acme.proof import proving
from server.door.acme.renewal import Renewal
from server.door.acme.steps import Ask, DirectoryAnswer
from server.door.acme.told import AcmeStanding
from server.door.tls import ServedCertificate
from tests.unit.server.door.acme.directory import (
    DAY,
    DIRECTORY,
    NAME,
    Calendar,
    Directory,
    problem,
)
from tests.unit.server.door.certificate_files import NOW
from tests.unit.server.door.test_tls import Client, echoing

SHUT = problem("connection", "203.0.113.7: Timeout during connect")


class Machine:
    """A server's certificate and its renewal, with a clock that waiting moves."""

    def __init__(self, folder: Path) -> None:
        self.calendar = Calendar()
        self.directory = Directory(self.calendar)
        self.folder = folder
        self.until = NOW
        self.there = asyncio.Event()
        self.start()

    def start(self) -> None:
        """As after a restart."""
        settings = Settings(
            data_folder=self.folder,
            public_url=f"https://{NAME}",
            acme="it@school.example",
            acme_directory=DIRECTORY,
        )
        self.served = ServedCertificate(
            settings, now=self.calendar, names=lambda: ["localhost", "10.0.0.5"]
        )
        self.renewal = Renewal(
            settings,
            self.served,
            now=self.calendar,
            ask=self.ask,
            resolve=self.resolve,
            sleep=self.sleep,
            rng=random.Random(3),
        )
        self.served.renewal = self.renewal
        self.directory.visits = lambda: NAME in self.served.context.proofs

    async def ask(self, ask: Ask) -> DirectoryAnswer:
        return await self.directory(ask)

    async def resolve(self, _name: str) -> list[str]:
        return ["203.0.113.7"]

    async def sleep(self, seconds: float) -> None:
        left = (self.until - self.calendar.now).total_seconds()
        await self.calendar.sleep(min(seconds, left))
        if left <= seconds:
            self.there.set()
            await asyncio.Event().wait()

    async def run(self, days: float) -> None:
        """Let it look after itself for so long."""
        self.until = self.calendar.now + days * DAY
        self.there = asyncio.Event()
        task = asyncio.create_task(self.renewal.run())
        there = asyncio.create_task(self.there.wait())
        await asyncio.wait({task, there}, return_when=asyncio.FIRST_COMPLETED)
        for each in (task, there):
            each.cancel()
        await asyncio.gather(task, there, return_exceptions=True)
        assert self.there.is_set(), task.exception()

    @property
    def faults(self) -> set[str]:
        return {fault.value for fault in self.served.condition.faults}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_it_is_had_at_once_and_renewed_again_and_again(machine: Machine) -> None:
    assert machine.renewal.told.standing is AcmeStanding.WAITING
    assert machine.served.condition.leaf == machine.served.leaf
    await machine.run(0.1)
    first = machine.served.public_leaf
    assert first is not None
    assert machine.renewal.told.standing is AcmeStanding.IN_FORCE
    assert machine.served.condition.leaf == first
    since = machine.renewal.told.served_since
    await machine.run(200)
    gaps = [
        after - before
        for before, after in zip(
            machine.directory.orders, machine.directory.orders[1:], strict=False
        )
    ]
    assert len(gaps) == 3
    assert all(datetime.timedelta(days=59) < gap < datetime.timedelta(days=65) for gap in gaps)
    assert machine.directory.accounts == 1
    assert machine.faults == set()
    assert machine.served.public_leaf != first
    assert machine.renewal.told.served_since == since
    assert machine.served.context.proofs == {}


async def test_a_restart_orders_nothing_while_one_is_in_force(machine: Machine) -> None:
    await machine.run(1)
    leaf = machine.served.public_leaf
    for _ in range(5):
        machine.start()
        assert machine.served.public_leaf == leaf
        assert machine.served.reloads == 0
        machine.renewal.hurry()  # SIGHUP
        await machine.run(1)
    assert len(machine.directory.orders) == 1


async def test_a_shut_port_is_told_in_both_languages_and_tried_again(machine: Machine) -> None:
    machine.directory.failure = SHUT
    await machine.run(3)
    told = machine.renewal.told
    assert told.standing is AcmeStanding.FAILING
    assert told.failure is not None
    assert f"Port 443 of {NAME} is not reachable from the internet" in told.failure.en
    assert "(it points to 203.0.113.7)" in told.failure.en
    assert "port 7880 of this server" in told.failure.en
    assert f"从互联网无法连接 {NAME} 的 443 端口（现在指向 203.0.113.7）" in told.failure.zh
    assert told.detail == "203.0.113.7: Timeout during connect"
    assert machine.faults == {"acme-fails"}
    assert machine.served.condition.leaf == machine.served.leaf  # ours serves meanwhile
    orders = len(machine.directory.orders)
    assert 4 <= orders <= 10
    # Whoever starts it again and again does not make it ask more often; nor is it forgotten why.
    for _ in range(20):
        machine.start()
        assert machine.renewal.told.failure == told.failure
        await machine.run(0.01)
    assert len(machine.directory.orders) <= orders + 1
    machine.directory.failure = None
    await machine.run(1.1)
    assert machine.renewal.told.standing is AcmeStanding.IN_FORCE
    assert machine.faults == set()


async def test_a_clock_that_was_ahead_holds_up_no_server_that_is_restarted_every_night(
    machine: Machine,
) -> None:
    """What it wrote counts from the first start with the right time, not from each."""
    ahead = AcmeMemory().at(DIRECTORY, NAME)
    for _ in range(4):
        ahead = ahead.ordering((NOW + 400 * DAY).timestamp())
    remember(machine.folder, ahead)
    machine.start()
    for _night in range(3):
        await machine.run(0.8)
        machine.start()
    assert machine.served.public_leaf is not None


async def test_who_has_mended_it_need_not_wait(machine: Machine) -> None:
    machine.directory.failure = SHUT
    await machine.run(0.01)
    assert len(machine.directory.orders) == 1
    machine.directory.failure = None
    machine.served.hurry()
    await machine.run(0.01)
    assert len(machine.directory.orders) == 2
    assert machine.served.public_leaf is not None


async def test_when_it_runs_out_ours_stands_in_and_the_next_takes_over(machine: Machine) -> None:
    machine.directory.life = 6 * DAY
    await machine.run(0.1)
    machine.directory.failure = SHUT
    await machine.run(4.5)
    assert machine.faults == {"acme-fails"}  # there is time
    await machine.run(0.5)
    assert machine.faults == {"acme-fails", "ends-soon"}
    await machine.run(1)
    assert machine.served.public_leaf is None
    assert machine.faults == {"acme-fails"}
    async with echoing(machine.served) as port:
        by_name = await Client.connected(port, name=NAME)
        assert by_name.shown == machine.served.leaf
        machine.directory.failure = None
        await machine.run(2)
        again = await Client.connected(port, name=NAME)
        assert again.shown == machine.served.public_leaf
        by_address = await Client.connected(port)
        by_another = await Client.connected(port, name="localhost")
        assert by_address.shown == by_another.shown == machine.served.leaf
        assert await by_name.says("still here") == "still here"
        for client in (by_name, again, by_address, by_another):
            await client.close()


async def test_a_directory_that_is_away_costs_no_order(machine: Machine) -> None:
    async def away(_ask: Ask) -> DirectoryAnswer:
        raise AcmeFailed(Trouble.UNREACHABLE, "Name or service not known")

    machine.renewal._ask = away
    await machine.run(1)
    assert machine.renewal.told.standing is AcmeStanding.FAILING
    assert remembered(machine.folder).orders == ()
    machine.renewal._ask = machine.ask
    await machine.run(0.1)
    assert machine.renewal.told.standing is AcmeStanding.IN_FORCE


async def test_a_bug_of_ours_does_not_end_the_renewals(machine: Machine) -> None:
    async def broken(_ask: Ask) -> DirectoryAnswer:
        raise KeyError("what")

    machine.renewal._ask = broken
    await machine.run(0.01)
    assert machine.renewal.told.detail == "KeyError: 'what'"
    machine.renewal._ask = machine.ask
    await machine.run(0.1)
    assert machine.renewal.told.standing is AcmeStanding.IN_FORCE


async def test_nothing_is_ordered_that_cannot_be_remembered(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_folder: Path, _memory: AcmeMemory) -> None:
        raise AcmeFailed(Trouble.NOT_KEPT, "No space left on device")

    monkeypatch.setattr("server.door.acme.renewal.remember", full)
    await machine.run(0.5)
    assert machine.directory.orders == []
    assert machine.renewal.told.standing is AcmeStanding.FAILING
    monkeypatch.undo()
    await machine.run(0.1)  # none was made: nothing holds the next one back for a day
    assert machine.renewal.told.standing is AcmeStanding.IN_FORCE


async def test_a_failure_is_told_while_a_certificate_is_due_and_no_longer(
    machine: Machine,
) -> None:
    """A clock that was wrong at the start had taken it for run out."""
    await machine.run(1)
    kept = remembered(machine.folder)
    failed = kept.failed_with(
        AcmeFailed(Trouble.UNTRUSTED, "roots"),
        machine.calendar.now.timestamp(),
        ordered=False,
        rng=random.Random(1),
    )
    remember(machine.folder, failed)
    machine.start()
    told = machine.renewal.told
    assert (told.standing, told.failure, told.failed_at) == (AcmeStanding.IN_FORCE, None, None)


async def test_a_damaged_file_is_ordered_anew_and_keeps_nobody_out(machine: Machine) -> None:
    await machine.run(1)
    (machine.folder / "acme.pem").write_bytes(b"half of it")
    machine.start()
    assert machine.served.public_leaf is None
    assert machine.served.condition.leaf == machine.served.leaf
    await machine.run(0.1)
    assert machine.served.public_leaf is not None


async def visited(port: int, name: str, *protocols: str) -> tuple[x509.Certificate, str | None]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    line = writer.get_extra_info("ssl_object")
    shown = x509.load_der_x509_certificate(line.getpeercert(binary_form=True))
    writer.close()
    await writer.wait_closed()
    return shown, line.selected_alpn_protocol()


async def test_a_proof_is_shown_to_who_comes_for_it_and_to_nobody_else(machine: Machine) -> None:
    served, digest = machine.served, bytes(range(32))
    async with echoing(served) as port:
        assert await visited(port, NAME, "acme-tls/1") == (served.leaf, None)
        served.prove(NAME, proving(NAME, digest, now=NOW))
        proof, protocol = await visited(port, NAME.upper(), "acme-tls/1")
        assert protocol == "acme-tls/1"
        said = proof.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
        assert said.critical
        assert isinstance(said.value, x509.UnrecognizedExtension)
        assert said.value.value == b"\x04\x20" + digest
        names = proof.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert list(names) == [x509.DNSName(NAME)]
        for name, *protocols in ((NAME, "http/1.1"), (NAME, "h2", "http/1.1"), ("localhost",)):
            assert (await visited(port, name, *protocols))[0] == served.leaf
        assert await visited(port, "other.example", "acme-tls/1") == (served.leaf, None)
        served.prove_nothing()
        assert await visited(port, NAME, "acme-tls/1") == (served.leaf, None)


async def test_another_name_is_another_certificate(machine: Machine) -> None:
    await machine.run(1)
    settings = Settings(
        data_folder=machine.folder,
        public_url="https://other.school.example",
        acme="it@school.example",
        acme_directory=DIRECTORY,
    )
    served = ServedCertificate(settings, now=machine.calendar, names=lambda: ["localhost"])
    assert served.public_leaf is None
    renewal = Renewal(settings, served, now=machine.calendar)
    assert renewal.next_at() == machine.calendar.now.timestamp()
    assert replace(renewal.told, next_at=0).standing is AcmeStanding.WAITING
