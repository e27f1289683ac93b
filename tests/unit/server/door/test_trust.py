"""What is told of the certificate, and the files that make a PC trust it."""

from __future__ import annotations

import base64
import datetime
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from server.config import Settings
from server.door.acme.renewal import Renewal
from server.door.install_files import (
    fingerprint_of,
    linux_script,
    policy,
    safe_origins,
    windows_script,
)
from server.door.tls import ServedCertificate
from tests.unit.server.door.acme.directory import DIRECTORY, NAME, Directory, problem
from tests.unit.server.door.certificate_files import NOW, made
from tests.unit.server.world import World, running_world

DAY = datetime.timedelta(days=1)
ORIGINS = ["https://10.0.0.5:7880", "https://[2001:db8::5]:7880"]


class Calendar:
    def __init__(self) -> None:
        self.now = NOW


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def own(tmp_path: Path, calendar: Calendar) -> AsyncIterator[World]:
    """A server under its own authority."""
    data = tmp_path / "data"
    data.mkdir()
    settings = Settings(data_folder=data)
    served = ServedCertificate(
        settings, now=lambda: calendar.now, names=lambda: ["localhost", "10.0.0.5"]
    )
    async with running_world(tmp_path, certificate=served) as world:
        yield world


@pytest.fixture
async def given(tmp_path: Path, calendar: Calendar) -> AsyncIterator[World]:
    """A server with a certificate of the county's, without its chain."""
    made("county", "t.cn", by=made("R3", by=made("Root"))).write(tmp_path, "x", chain=False)
    settings = Settings(tls_cert=tmp_path / "x.crt", tls_key=tmp_path / "x.key")
    served = ServedCertificate(settings, now=lambda: calendar.now)
    async with running_world(tmp_path, certificate=served) as world:
        yield world


async def readiness(world: World) -> tuple[int, str | None]:
    answer = await (await world.browser()).get("/readyz")
    return answer.status_code, answer.json()["checks"].get("certificate")


async def measured(world: World) -> str:
    transport = httpx.ASGITransport(app=world.app, client=("127.0.0.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7880") as local:
        return (await local.get("/metrics")).text


async def test_anybody_may_fetch_the_authority_and_nobody_its_key(own: World) -> None:
    stranger = await own.browser()
    told = (await stranger.get("/api/trust")).json()
    answers = [await stranger.get(f"/api/trust/tongke-ca.{end}") for end in ("crt", "pem")]
    for answer in answers:
        assert answer.headers["content-type"] == "application/x-x509-ca-cert"
        assert "attachment" in answer.headers["content-disposition"]
        assert "PRIVATE" not in answer.text
        root = x509.load_pem_x509_certificate(answer.content)
        assert fingerprint_of(root) == told["authority"]["fingerprint"]
    for name in ("tongke-linux.sh", "tongke-windows.cmd"):
        answer = await stranger.get(f"/api/trust/{name}", headers={"host": "evil.example"})
        assert told["authority"]["fingerprint"] in answer.text
        assert "evil.example" not in answer.text
        assert "PRIVATE" not in answer.text
    for name in ("tongke-mac.sh", "ca.key", "..%2fca.key"):
        assert (await stranger.get(f"/api/trust/{name}")).status_code in {404, 422}


async def test_only_a_browser_on_the_machine_itself_is_allowed_its_loopback(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    served = ServedCertificate(Settings(data_folder=tmp_path / "data"), now=lambda: NOW)
    listening: dict[str, Any] = {"certificate": served, "host": "0.0.0.0", "plain_http": False}
    async with running_world(tmp_path, **listening) as world:
        for client, allowed in (("127.0.0.1", True), ("192.0.2.9", False)):
            transport = httpx.ASGITransport(app=world.app, client=(client, 5000))
            async with httpx.AsyncClient(transport=transport, base_url="https://x.cn") as http:
                script = (await http.get("/api/trust/tongke-linux.sh")).text
            assert ("https://127.0.0.1:" in script) is allowed


async def test_the_administrator_sees_what_is_served(own: World, calendar: Calendar) -> None:
    stranger = await own.browser()
    assert (await stranger.get("/api/admin/certificate")).status_code == 401
    admin = await own.administrator()
    told = (await admin.get("/api/admin/certificate")).json()
    assert (told["self_made"], told["findings"]) == (True, [])
    assert told["names"] == ["localhost", "10.0.0.5"]
    assert told["authority"]["name"] == told["issuer"]
    assert await readiness(own) == (200, "ok")
    calendar.now += 390 * DAY  # nobody looked after it
    told = (await admin.get("/api/admin/certificate")).json()
    assert [one["fault"] for one in told["findings"]] == ["ends-soon"]
    assert await readiness(own) == (200, "ends-soon")
    calendar.now += 30 * DAY
    assert await readiness(own) == (503, "expired")
    text = await measured(own)
    assert 'tongke_certificate_fault{fault="expired"} 1.0' in text
    assert 'tongke_certificate_fault{fault="ends-soon"} 0.0' in text


async def test_a_given_one_without_its_chain_is_told_everywhere(given: World) -> None:
    admin = await given.administrator()
    told = (await admin.get("/api/admin/certificate")).json()
    assert told["self_made"] is False
    assert told["authority"] is None
    (finding,) = told["findings"]
    assert finding["fault"] == "no-chain"
    assert "R3" in finding["message_en"]
    assert "R3" in finding["message_zh"]
    assert await readiness(given) == (200, "no-chain")
    assert 'tongke_certificate_fault{fault="no-chain"} 1.0' in await measured(given)
    answer = await admin.get("/api/trust/tongke-ca.crt")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-own-authority")


async def test_a_room_that_trusted_an_earlier_authority_does_not_pass_for_trusting_this_one(
    own: World,
) -> None:
    """Every authority's certificate begins in 2025, whenever it was made."""
    told = (await (await own.administrator()).get("/api/admin/certificate")).json()
    assert told["authority"]["begins_at"] < NOW.timestamp() - 365 * DAY.total_seconds()
    assert told["trusted_since"] == NOW.timestamp()
    assert (told["others"], told["acme"]) == (None, None)


async def test_what_acme_does_is_told_everywhere(tmp_path: Path, calendar: Calendar) -> None:
    (tmp_path / "data").mkdir()
    settings = Settings(
        data_folder=tmp_path / "data",
        public_url=f"https://{NAME}",
        acme="it@school.example",
        acme_directory=DIRECTORY,
    )
    served = ServedCertificate(settings, now=lambda: calendar.now, names=lambda: ["10.0.0.5"])
    directory = Directory(failure=problem("connection", "203.0.113.7: Timeout"))

    async def resolve(_name: str) -> list[str]:
        return ["203.0.113.7"]

    renewal = Renewal(settings, served, now=lambda: calendar.now, ask=directory, resolve=resolve)
    served.renewal = renewal
    async with running_world(tmp_path, certificate=served) as world:
        admin = await world.administrator()
        assert not await renewal.attempt()
        told = (await admin.get("/api/admin/certificate")).json()
        assert (told["self_made"], told["others"]) == (True, None)
        assert [one["fault"] for one in told["findings"]] == ["acme-fails"]
        acme = told["acme"]
        assert (acme["standing"], acme["name"], acme["directory"]) == (
            "failing",
            NAME,
            "ca.example",
        )
        assert acme["detail"] == "203.0.113.7: Timeout"
        assert "203.0.113.7" in acme["message_zh"]
        assert acme["next_at"] >= NOW.timestamp() + 1800
        assert await readiness(world) == (200, "acme-fails")
        assert 'tongke_certificate_fault{fault="acme-fails"} 1.0' in await measured(world)
        calendar.now += DAY
        directory.failure = None
        assert await renewal.attempt()
        told = (await admin.get("/api/admin/certificate")).json()
        assert (told["self_made"], told["issuer"], told["findings"]) == (False, "The CA", [])
        assert told["acme"]["standing"] == "in-force"
        assert told["trusted_since"] == calendar.now.timestamp()
        assert told["others"]["issuer"] == told["authority"]["name"]
        assert "10.0.0.5" in told["others"]["names"]
        assert await readiness(world) == (200, "ok")


async def test_behind_a_proxy_there_is_none(world: World) -> None:
    admin = await world.administrator()
    assert (await admin.get("/api/admin/certificate")).json() is None
    assert (await admin.get("/api/trust")).json()["authority"] is None
    assert await readiness(world) == (200, None)


# --- the files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://10.0.0.5:7880", "https://10.0.0.5:7880"),
        ("https://[2001:db8::5]", "https://[2001:db8::5]"),
        ("https://同课.cn:7880", "https://xn--dqrw51k.cn:7880"),
        ("https://同课.中国:7880", "https://xn--dqrw51k.xn--fiqs8s:7880"),
        ("https://同课.中国", "https://xn--dqrw51k.xn--fiqs8s"),
        ("https://同课.中国:七", None),
        ("https://tongke_1.school.cn:7880", "https://tongke_1.school.cn:7880"),
        ("https://a'b.cn", None),
        ('https://a"b.cn', None),
        ("https://a$(id).cn", None),
        ("https://a%PATH%.cn", None),
        ("https://a.cn/\nrm", None),
        ("javascript:alert(1)", None),
    ],
)
def test_what_may_stand_in_a_script(address: str, origin: str | None) -> None:
    assert safe_origins([address, address]) == ([origin] if origin else [])


def test_the_policy_is_for_these_pages_alone() -> None:
    root = made("Tongke CA").certificate
    rules = json.loads(policy(root, ORIGINS))
    for name in ("AudioCaptureAllowedUrls", "VideoCaptureAllowedUrls", "AutoplayAllowlist"):
        assert rules[name] == ORIGINS
    (known,) = rules["CACertificates"]
    assert x509.load_der_x509_certificate(base64.b64decode(known)) == root


_INTO_FILE = '>> "%CA%" echo '


def test_the_command_file_for_windows() -> None:
    """What can be seen without Windows: its lines, its certificate, its registry entries."""
    root = made("Tongke CA").certificate
    text = windows_script(root, ORIGINS)
    lines = text.split("\r\n")
    assert "\n" not in "".join(lines)
    assert lines[0] == "@echo off"
    shown = [line.removeprefix(_INTO_FILE) for line in lines]
    begin = shown.index("-----BEGIN CERTIFICATE-----")
    end = shown.index("-----END CERTIFICATE-----")
    assert x509.load_pem_x509_certificate("\n".join(shown[begin : end + 1]).encode()) == root
    assert all(line.startswith(_INTO_FILE) for line in lines[begin : end + 1])
    entries = [line for line in lines if "reg add" in line]
    assert len(entries) == 9 * len(ORIGINS)
    for step in [*entries, 'certutil -addstore -f Root "%CA%"']:
        assert lines[lines.index(step) + 1] == "if errorlevel 1 goto failed"
    for origin in ORIGINS:
        assert sum(f'/d "{origin}"' in line for line in entries) == 9
    for browser in (r"Microsoft\Edge", r"Google\Chrome", "Chromium"):
        assert sum(rf"\Policies\{browser}" in line for line in entries) == 6
    # `net session` fails for administrators too where the Server service does not run.
    assert lines[lines.index("if errorlevel 1 (") - 1] == "fltmc >nul 2>&1"
    assert "certutil -addstore -f Root" in text
    # cmd.exe reads a line in another code page wrongly: Chinese only after all is done.
    before = text[: text.index("chcp 65001")]
    assert before.isascii()


@pytest.mark.parametrize("origins", [ORIGINS, [], ["https://a%PATH%.cn"]])
def test_no_block_of_the_command_file_is_empty(origins: list[str]) -> None:
    """An empty one is a syntax error, found when half of it is done."""
    text = windows_script(made("Tongke CA").certificate, origins)
    blocks = re.findall(r"\(\r\n(.*?)^\)", text, re.M | re.S)
    assert len(blocks) == 1
    assert all(block.strip() for block in blocks)


@pytest.mark.skipif(shutil.which("certutil") is None, reason="needs Debian's libnss3-tools")
def test_the_script_for_linux_does_it_twice_the_same(tmp_path: Path) -> None:
    root = made("Tongke CA 1A2B3C4D").certificate
    script = tmp_path / "tongke-linux.sh"
    script.write_text(linux_script(root, ORIGINS))
    home, packaged = tmp_path / "home", tmp_path / "packaged"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/bin", "DESTDIR": str(packaged)}
    for _ in range(2):
        done = subprocess.run(
            ["sh", str(script)], env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "Tongke CA 1A2B3C4D is trusted" in done.stdout
    listed = subprocess.run(
        ["certutil", "-d", f"sql:{home}/.pki/nssdb", "-L"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.findall(r"^Tongke CA 1A2B3C4D +(\S+)", listed, re.M) == ["C,,"]
    policies = sorted(packaged.rglob("tongke.json"))
    assert [str(path.relative_to(packaged)) for path in policies] == [
        f"etc/{place}/policies/managed/tongke.json"
        for place in ("chromium", "chromium-browser", "opt/chrome", "opt/edge")
    ]
    assert json.loads(policies[0].read_text())["VideoCaptureAllowedUrls"] == ORIGINS
