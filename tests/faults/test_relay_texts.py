"""What coturn's log really says, as Debian runs it, where something is amiss."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aioice import turn

from tests.browser.turn_process import documented_configuration, has_turn_server, turn_server
from tests.browser.whip_encoder import certificate

PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("networks.md", "zh/networks.md")]
LIMIT_S = 30.0
pytestmark = pytest.mark.skipif(
    not has_turn_server(), reason="needs Debian's coturn (scripts/need-servers.sh)"
)


def documented(text: str) -> str:
    """The text, which both pages must have as coturn says it."""
    assert all(f"`{text}`" in page.read_text(encoding="utf-8") for page in PAGES), text
    return text


async def asked_for_a_relay(host: str, port: int, secret: str) -> None:
    """As a room's browser does, with a credential made as Tongke makes it."""
    username = str(int(time.time()) + 3600)
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=(host, port),
        username=username,
        password=base64.b64encode(digest).decode(),
        lifetime=600,
        transport="udp",
    )
    transport.close()


def test_two_secrets_that_differ(tmp_path: Path) -> None:
    with turn_server("127.0.0.1", tmp_path / "turn") as relay:
        with pytest.raises(Exception, match="401"):
            asyncio.run(asked_for_a_relay(relay.host, relay.port, "another secret"))
        text = documented("Cannot find credentials of user")
        await_text(relay.log, text)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights are taken on by root alone")
@pytest.mark.parametrize(
    ("key_mode", "may_bind", "text"),
    [
        (
            0o600,
            True,
            "cannot start TLS and DTLS listeners because private key file is not set properly",
        ),
        (0o640, False, "Cannot bind TLS/TCP listener socket to addr"),
        (0o640, True, ""),
    ],
)
def test_tls_on_a_low_port_as_debian_runs_it(
    tmp_path: Path, key_mode: int, may_bind: bool, text: str
) -> None:
    """As the user `turnserver`; with the capability only where the drop-in gives it."""
    page = PAGES[0].read_text(encoding="utf-8")
    (tls,) = re.findall(r"```ini\n(tls-listening-port=443\n.*?)```", page, re.DOTALL)
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in page
    folder = Path("/run") / f"tongke-test-{os.getpid()}"  # one that every user can enter
    folder.mkdir(mode=0o755)
    try:
        files = certificate(folder)
        Path(files["key_file"]).chmod(key_mode)
        shutil.chown(files["key_file"], group="turnserver")
        Path(files["cert_file"]).chmod(0o644)
        configuration = folder / "turnserver.conf"
        configuration.write_text(
            (documented_configuration().replace("no-tls\n", "") + tls)
            .replace("203.0.113.7", "127.0.0.1")
            .replace("listening-port=443", "listening-port=843")  # as low, and nobody's
            .replace("listening-port=3478", "listening-port=13478")
            .replace("/etc/turnserver/fullchain.pem", files["cert_file"])
            .replace("/etc/turnserver/key.pem", files["key_file"])
            + f"pidfile={folder}/pid\nuserdb=/tmp/{folder.name}.db\nlog-file=stdout\nsimple-log\n"
        )
        rights = ["--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service"]
        user = ["--reuid", "turnserver", "--regid", "turnserver", "--clear-groups"]
        command = ["setpriv", *user, *(rights if may_bind else []), "turnserver", "-c"]
        with relay_of_debian([*command, str(configuration)], folder / "log") as log:
            if text:
                await_text(log, documented(text))
            else:
                assert a_certificate_is_shown(843)
    finally:
        shutil.rmtree(folder)
        Path(f"/tmp/{folder.name}.db").unlink(missing_ok=True)


@contextlib.contextmanager
def relay_of_debian(command: list[str], log: Path) -> Iterator[Path]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["stdbuf", "-oL", *command], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def await_text(log: Path, text: str) -> None:
    until = time.monotonic() + LIMIT_S
    while text not in log.read_text(errors="replace") and time.monotonic() < until:
        time.sleep(0.02)
    assert text in log.read_text(errors="replace")


def a_certificate_is_shown(port: int) -> bool:
    """What `openssl s_client` would show."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            return "BEGIN CERTIFICATE" in ssl.get_server_certificate(("127.0.0.1", port))
        time.sleep(0.05)
    return False
