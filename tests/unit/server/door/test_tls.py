"""The certificate in use: exchanged under connections that go on, by files, names, time, SIGHUP."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from server.config import Settings
from server.door import tls
from server.door.condition import Fault
from server.door.tls import ServedCertificate
from server.errors import StartRefused
from tests.unit.server.door.certificate_files import NOW, made

DAY = datetime.timedelta(days=1)


class Machine:
    """A machine whose time and names change when told."""

    def __init__(self) -> None:
        self.now = NOW
        self.names = ["localhost", "127.0.0.1"]

    def serve(self, folder: Path, **settings: object) -> ServedCertificate:
        given = Settings.model_validate({"data_folder": folder, **settings})
        return ServedCertificate(given, now=lambda: self.now, names=lambda: list(self.names))


@asynccontextmanager
async def echoing(served: ServedCertificate) -> AsyncIterator[int]:
    """A TLS server under this certificate that says back what it is told; gives its port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=served.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Client:
    """One TLS connection, and the certificate it was shown."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shown: x509.Certificate
    ) -> None:
        self.reader, self.writer, self.shown = reader, writer, shown

    @classmethod
    async def connected(cls, port: int, *, name: str | None = None) -> Client:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # Without a name nothing is sent in the handshake that says whom it is for.
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname=name or ""
        )
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return cls(reader, writer, x509.load_der_x509_certificate(shown))

    async def says(self, word: str) -> str:
        self.writer.write(f"{word}\n".encode())
        return (await self.reader.readline()).decode().strip()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@pytest.mark.parametrize("name", [None, "tongke.cn"])
async def test_a_replaced_certificate_is_shown_to_the_next_and_drops_nobody(
    tmp_path: Path, name: str | None
) -> None:
    made("old", "tongke.cn").write(tmp_path, "x")
    served = Machine().serve(tmp_path, tls_cert=tmp_path / "x.crt", tls_key=tmp_path / "x.key")
    async with echoing(served) as port:
        before = await Client.connected(port, name=name)
        new = made("new", "tongke.cn")
        new.write(tmp_path, "x")
        assert served.look()
        after = await Client.connected(port, name=name)
        assert after.shown == new.certificate != before.shown
        assert [await before.says("one"), await after.says("two")] == ["one", "two"]
        assert not served.look()
        assert served.reloads == 1
        await before.close()
        await after.close()


@pytest.mark.parametrize("what", ["half written", "foreign key", "gone", "password"])
async def test_what_cannot_be_used_leaves_the_old_in_use(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(tls, "_log", _Log(told.append))
    old = made("old", "tongke.cn")
    old.write(tmp_path, "x")
    certificate, key = tmp_path / "x.crt", tmp_path / "x.key"
    served = Machine().serve(tmp_path, tls_cert=certificate, tls_key=key)
    new = made("new", "tongke.cn")
    match what:
        case "half written":
            new.write(tmp_path, "x")
            certificate.write_bytes(certificate.read_bytes()[:80])
        case "foreign key":  # a renewal that has written one of two files
            new.write(tmp_path, "y")
            certificate.write_bytes((tmp_path / "y.crt").read_bytes())
        case "gone":
            key.unlink()
        case _:
            new.write(tmp_path, "x", password=b"secret")
    async with echoing(served) as port:
        assert not served.look()
        assert told == []  # the other file may be on its way
        assert Fault.NOT_TAKEN not in served.condition.faults
        for _ in range(5):
            assert not served.look()
        assert len(told) == 1
        # Told as long as it lasts: a server that is started anew would not start with these files.
        (finding,) = (one for one in served.condition.findings if one.fault is Fault.NOT_TAKEN)
        assert "the old one stays in use" in finding.text.en and "x." in finding.text.zh
        client = await Client.connected(port)
        assert client.shown == old.certificate
        await client.close()
        new.write(tmp_path, "x")
        assert served.look()
        assert Fault.NOT_TAKEN not in served.condition.faults
        client = await Client.connected(port)
        assert client.shown == new.certificate
        await client.close()


async def test_ours_follows_the_machine_and_the_calendar(tmp_path: Path) -> None:
    machine = Machine()
    served = machine.serve(tmp_path, public_url="https://tongke.county.cn")
    root = served.files.authority
    async with echoing(served) as port:
        first = await Client.connected(port)
        assert "tongke.county.cn" in served.names
        assert not served.look()
        machine.names.append("10.0.0.9")  # a DHCP lease
        assert served.look()
        second = await Client.connected(port)
        assert "10.0.0.9" in served.names
        machine.names.remove("10.0.0.9")
        assert not served.look()  # one name too many harms nobody
        for _ in range(400):  # a year without a touch
            machine.now += DAY
            served.look()
            assert served.condition.findings == ()
        assert served.reloads == 2
        third = await Client.connected(port)
        assert len({client.shown.serial_number for client in (first, second, third)}) == 3
        assert served.files.authority == root
        for client in (first, second, third):
            assert await client.says("still here") == "still here"
            await client.close()


async def test_the_watch_looks_when_told_to(tmp_path: Path) -> None:
    made("old", "tongke.cn").write(tmp_path, "x")
    served = Machine().serve(tmp_path, tls_cert=tmp_path / "x.crt", tls_key=tmp_path / "x.key")
    watch = asyncio.create_task(served.watch())
    made("new", "tongke.cn").write(tmp_path, "x")
    served.hurry()
    async with asyncio.timeout(60):
        while served.reloads == 0:  # noqa: ASYNC110 - the watch's own thread works
            await asyncio.sleep(0.01)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


def test_its_condition_follows_the_public_address(tmp_path: Path) -> None:
    machine = Machine()
    made("x", "tongke.cn").write(tmp_path, "x")
    served = machine.serve(
        tmp_path,
        tls_cert=tmp_path / "x.crt",
        tls_key=tmp_path / "x.key",
        public_url="https://other.cn:7880",
    )
    assert {fault.value for fault in served.condition.faults} == {"other-name"}
    machine.now += 400 * DAY
    assert {fault.value for fault in served.condition.faults} == {"expired", "other-name"}


def test_a_start_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="tls_cert"):
        Machine().serve(tmp_path, tls_cert=tmp_path / "a", tls_key=tmp_path / "b")


class _Log:
    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told

    def warning(self, words: str, **_: object) -> None:
        self._told(words)

    def info(self, *_: object, **__: object) -> None:
        pass


def test_the_roots_of_this_machine_are_known() -> None:
    roots = tls._system_roots()
    assert all(isinstance(word, str) for words in roots for word in words)
    if not roots:  # a machine without Debian's ca-certificates
        return
    words = max(roots, key=len)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word) for word in words])
    assert tls._in_system_store(name)
    assert not tls._in_system_store(made("R3").certificate.subject)
