"""A room's PC that trusts the server's authority and nothing else: no warning, ever.

Chromium with a fresh profile, told of the authority as its administrator would tell it: by the file
that the server hands out. Nothing here makes the browser look away from certificates.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error, Page, Playwright, expect

from tests.browser.county import ROOMS, County
from tests.browser.room_network import can_make_networks
from tests.browser.screens import CHROMIUM, WAIT_S
from tests.browser.server_process import ServerProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("certutil") is None, reason="needs Debian's libnss3-tools (certutil)"
    ),
]

NAME = "county.example.cn"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
)
DEVICES = """async () => {
  const found = {};
  for (const kind of ["audio", "video"]) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: true });
      found[kind] = stream.getTracks()[0].readyState;
      stream.getTracks()[0].stop();
    } catch (error) {
      found[kind] = error.name;
    }
  }
  return found;
}"""


@contextmanager
def fresh_browser(
    playwright: Playwright, home: Path, *, program: Path = CHROMIUM
) -> Iterator[Page]:
    """A browser of the user whose home this is, with a profile of its own."""
    home.mkdir(exist_ok=True)
    browser = playwright.chromium.launch(
        executable_path=str(program),
        args=list(FLAGS),
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
    )
    try:
        with browser.new_context(locale="en-US") as context:
            context.set_default_timeout(WAIT_S * 1000)
            yield context.new_page()
    finally:
        browser.close()


def install(server: ServerProcess, home: Path, packaged: Path) -> None:
    """Fetch the file for Linux and run it as the user whose home this is."""
    home.mkdir(exist_ok=True)
    with httpx.Client(verify=False, timeout=WAIT_S) as client:  # noqa: S501 - it is compared below
        script = client.get(f"{server.origin}/api/trust/tongke-linux.sh").text
        told = client.get(f"{server.origin}/api/trust").json()["authority"]
    assert f"SHA-256 {told['fingerprint']}" in server.log.read_text()  # as it printed at its start
    assert f"SHA-256 {told['fingerprint']}" in script
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "DESTDIR": str(packaged)}
    subprocess.run(["sh", "-c", script], env=environment, check=True, capture_output=True)


def refused_for_its_certificate(page: Page, address: str) -> str:
    with pytest.raises(Error) as refused:
        page.goto(address)
    return str(refused.value)


def opens_the_room(page: Page, address: str) -> None:
    """The room's page, its script and its answers from the server: all came over trusted lines."""
    page.goto(address)
    expect(page.get_by_text("No lesson now")).to_be_visible()


def test_only_who_trusts_the_authority_comes_in_and_notices_nothing_later(
    tmp_path: Path, playwright: Playwright
) -> None:
    server = ServerProcess(tmp_path / "data")
    server.data_folder.mkdir()
    try:
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        county.teacher.close()
        room = f"/room#{county.credentials[ROOMS[0]]}"
        install(server, tmp_path / "home", tmp_path / "packaged")
        with fresh_browser(playwright, tmp_path / "stranger") as page:
            told = refused_for_its_certificate(page, server.origin + room)
            assert "ERR_CERT_AUTHORITY_INVALID" in told
        with fresh_browser(playwright, tmp_path / "home") as page:
            opens_the_room(page, server.origin + room)
            # Trusted it is, but for its own names alone.
            told = refused_for_its_certificate(page, f"https://{NAME}:{server.port}{room}")
            assert "ERR_CERT_COMMON_NAME_INVALID" in told
        # It moves to a name of its own, and its certificate is lost: nobody is warned.
        server.stop()
        (server.data_folder / "tls.crt").unlink()
        server.settings["TONGKE_PUBLIC_URL"] = f"https://{NAME}:{server.port}"
        server.start()
        with fresh_browser(playwright, tmp_path / "home") as page:
            opens_the_room(page, f"https://{NAME}:{server.port}{room}")
            opens_the_room(page, server.origin + room)
    finally:
        server.stop()


def test_the_policies_let_a_room_that_nobody_touches_use_its_devices(
    tmp_path: Path, playwright: Playwright
) -> None:
    """As root would install them: read by Chromium from /etc, in a place of their own."""
    if not can_make_networks():
        pytest.skip("policies in /etc of a test's own need a mount namespace: root")
    server = ServerProcess(tmp_path / "data")
    server.data_folder.mkdir()
    try:
        server.start()
        install(server, tmp_path / "home", tmp_path / "packaged")
        kiosk = tmp_path / "kiosk"
        kiosk.write_text(
            "#!/bin/sh\nexec unshare --mount sh -c '"
            f"mount --bind {tmp_path}/packaged/etc/chromium /etc/chromium && "
            f'exec {CHROMIUM} "$@"\' sh "$@"\n'
        )
        kiosk.chmod(stat.S_IRWXU)
        with fresh_browser(playwright, tmp_path / "home") as page:  # the certificate alone
            page.goto(f"{server.origin}/room")
            assert page.evaluate(DEVICES) == {
                "audio": "NotAllowedError",
                "video": "NotAllowedError",
            }
        with fresh_browser(playwright, tmp_path / "nobody", program=kiosk) as page:
            page.goto(f"{server.origin}/room")  # the policy has told it of the authority
            assert page.evaluate(DEVICES) == {"audio": "live", "video": "live"}
    finally:
        server.stop()
