"""Orders at a directory that is not ours: the proof is fetched from the port that serves."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from cryptography import x509

from server.config import Settings
from server.door.acme.failures import ABOUT_THE_NAME
from server.door.acme.https import asked
from server.door.acme.renewal import Renewal
from server.door.acme.steps import Ask, DirectoryAnswer
from server.door.tls import ServedCertificate
from tests.unit.server.door.acme.pebble import PROGRAM, Pebble, pebble
from tests.unit.server.door.test_tls import Client, echoing

KEPT = {"acme.pem", "acme.json", "acme_account.key"}

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Debian's pebble")

NAME = "lesson.school.example"


async def no_time(_seconds: float) -> None:
    await asyncio.sleep(0.01)


def served_in(folder: Path, port: int, directory: str = "https://127.0.0.1/dir") -> Settings:
    return Settings(
        data_folder=folder,
        port=port,
        public_url=f"https://{NAME}",
        acme="it@school.example",
        acme_directory=directory,
    )


def renewal_at(ca: Pebble, settings: Settings, served: ServedCertificate) -> Renewal:
    async def ask(request: Ask) -> DirectoryAnswer:
        return await asked(request, context=ca.context)

    async def resolve(_name: str) -> list[str]:
        return ["203.0.113.7"]

    at_pebble = settings.model_copy(update={"acme_directory": ca.directory})
    return Renewal(at_pebble, served, ask=ask, resolve=resolve, sleep=no_time)


async def test_a_certificate_is_ordered_proved_and_served_while_others_talk(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings = served_in(data, 7880)
    served = ServedCertificate(settings, names=lambda: ["localhost", "127.0.0.1"])
    async with echoing(served) as port, pebble(tmp_path, tls_port=port) as ca:
        before = await Client.connected(port, name=NAME)
        renewal = renewal_at(ca, settings, served)
        ca.names.knows = False
        assert not await renewal.attempt()
        told = renewal.told
        assert told.failure is not None
        assert NAME in told.failure.en
        assert NAME in told.failure.zh
        assert json.loads((data / "acme.json").read_text())["failed"]["trouble"] in (ABOUT_THE_NAME)
        assert served.public_leaf is None
        ca.names.knows = True
        assert await renewal.attempt(), renewal.told
        by_name = await Client.connected(port, name=NAME)
        by_address = await Client.connected(port)
        assert "Pebble" in by_name.shown.issuer.rfc4514_string()
        assert by_address.shown == before.shown == served.leaf
        for client in (before, by_name, by_address):
            assert await client.says("here") == "here"
        kept = (data / "acme.pem").read_bytes()
        assert x509.load_pem_x509_certificates(kept)[0] == by_name.shown
        # Renewed: the account is known, the key is another one.
        assert await renewal.attempt()
        again = await Client.connected(port, name=NAME)
        assert again.shown.public_key() != by_name.shown.public_key()
        assert await by_name.says("still here") == "still here"
        for client in (before, by_name, by_address, again):
            await client.close()
        for file in KEPT:
            assert (data / file).stat().st_mode & 0o777 == 0o600
        # Nothing of a proof, nor of a writing that was begun, is left beside them.
        own = {"ca.crt", "ca.key", "tls.crt", "tls.key"}  # what serves by address
        assert {path.name for path in data.iterdir()} == KEPT | own
