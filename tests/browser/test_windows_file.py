"""A room's PC with Windows: its one file is downloaded, run, and what it starts is the room.

The administrator's page hands the file out; Wine runs it whole, line by line, as Windows' own
interpreter would; what it leaves (the trusted authority, the policies, the start) is given to
Debian's Chromium, which comes into the room's page with camera and microphone, unasked.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.county import ADMINISTRATOR, ROOMS, County
from tests.browser.room_network import can_make_networks
from tests.browser.screens import CHROMIUM, WAIT_S
from tests.browser.screens import FLAGS as ANY_CERTIFICATE
from tests.browser.server_process import ServerProcess
from tests.browser.test_trust import DEVICES
from tests.browser.windows_pc import WindowsPc, has_wine, windows_pc

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SHORTCUT = (
    "$s = (New-Object -ComObject WScript.Shell).CreateShortcut($env:LINK);"
    " $s.TargetPath = $env:BROWSER; $s.Arguments = $env:OPTIONS; $s.Save()"
)
STARTUP = "Microsoft\\Windows\\Start Menu\\Programs\\StartUp\\Tongke.lnk"
READY = b"This PC is ready."
ALLOWED = ("AudioCaptureAllowedUrls", "VideoCaptureAllowedUrls", "AutoplayAllowlist")
# What this machine's Chromium needs beside what the file starts a browser with.
HERE = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--lang=en-US",
    "--remote-debugging-port=0",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("windows")
    server = ServerProcess(folder / "data")
    server.data_folder.mkdir()
    server.settings["TONGKE_PUBLIC_URL"] = server.origin
    try:
        server.start()
        County.founded(server.origin, server.setup_key, profile="old-pc").teacher.close()
        yield server
    finally:
        server.stop()


@pytest.fixture
def pc() -> Iterator[WindowsPc]:
    if not has_wine():
        pytest.skip("needs Debian's wine and wine64")
    with (
        tempfile.TemporaryDirectory(prefix="tongke-windows-") as folder,
        windows_pc(Path(folder)) as pc,
    ):
        yield pc


@contextmanager
def administrators_page(playwright: Playwright, server: ServerProcess) -> Iterator[Page]:
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ANY_CERTIFICATE])
    try:
        with browser.new_context(locale="zh-CN", ignore_https_errors=True) as context:
            context.set_default_timeout(WAIT_S * 1000)
            page = context.new_page()
            page.goto(f"{server.origin}/sign-in")
            page.get_by_test_id("field-username").fill(ADMINISTRATOR["username"])
            page.get_by_test_id("field-password").fill(ADMINISTRATOR["password"])
            page.get_by_test_id("sign-in").click()
            page.wait_for_url(f"{server.origin}/")
            yield page
    finally:
        browser.close()


def downloaded(playwright: Playwright, server: ServerProcess, folder: Path) -> Path:
    """The file for Windows of the first room, as a click on its button brings it."""
    with administrators_page(playwright, server) as page:
        page.goto(f"{server.origin}/admin/classrooms")
        row = page.locator("tr").filter(has_text=ROOMS[0])
        row.locator("[data-testid^=credentials-]").click()
        with page.expect_download() as coming:
            page.get_by_test_id("room-file-windows").click()
        promised = page.locator("tk-room-files ol li")
        expect(promised.first).to_be_visible()
        file = folder / coming.value.suggested_filename
        coming.value.save_as(file)
    return file


def test_the_file_that_is_downloaded_is_the_one_that_was_promised(
    server: ServerProcess, tmp_path: Path, playwright: Playwright
) -> None:
    """Read as a Chinese Windows reads it, and each address in it asked as its PC will ask."""
    file = downloaded(playwright, server, tmp_path)
    assert file.name == f"tongke-{ROOMS[0]}.cmd"
    written = file.read_bytes()
    # A byte order mark would stand before the first command. Until the code page is UTF-8 all is
    # ASCII, which no code page reads otherwise.
    assert written.startswith(b"@echo off\r\n")
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", written) is None
    before, _, after = written.partition(b"chcp 65001 >nul\r\n")
    assert before.isascii()
    assert "这台电脑已准备好" in after.decode()

    text = written.decode()
    pem = "\n".join(re.findall(r'^>> "%CA%" echo (.+?)\r$', text, re.M))
    authority = x509.load_pem_x509_certificate(pem.encode())
    fingerprint = authority.fingerprint(hashes.SHA256()).hex(":").upper()
    assert f"rem   SHA-256 {fingerprint}\r\n" in text
    trusting = ssl.create_default_context(cadata=pem)
    addresses = set(re.findall(r"https?://[^\s\"/#]+", text))
    assert addresses == {server.origin}
    with httpx.Client(verify=trusting, timeout=WAIT_S) as client:
        told = client.get(f"{server.origin}/api/trust").json()["authority"]
        assert told["fingerprint"] == fingerprint
        (secret,) = re.findall(r"/room#credential=(tkr_[\w-]+) ", text)
        for address in addresses:
            answer = client.get(
                f"{address}/api/room", headers={"authorization": f"Bearer {secret}"}
            )
            assert answer.json()["classroom"]["name"] == ROOMS[0]


@contextmanager
def started(
    playwright: Playwright, options: list[str], home: Path, policies: Path
) -> Iterator[Browser]:
    """This machine's Chromium, with these options and these policies, for the user of `home`."""
    profile = home / "profile"
    profile.mkdir(parents=True)
    bound = f'mount --bind {policies} /etc/chromium && exec {CHROMIUM} "$@"'
    process = subprocess.Popen(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            bound,
            "sh",
            *HERE,
            f"--user-data-dir={profile}",
            *options,
        ],
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        stderr=subprocess.DEVNULL,
    )
    try:
        told, deadline = profile / "DevToolsActivePort", time.monotonic() + WAIT_S
        while not (told.exists() and told.read_text().count("\n")):
            assert process.poll() is None, "the browser ended"
            assert time.monotonic() < deadline, "the browser does not start"
            time.sleep(0.1)
        port = told.read_text().split()[0]
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        yield browser
        browser.close()
    finally:
        process.terminate()
        process.wait(30)


def fails(pc: WindowsPc, file: Path) -> None:
    """It says that it did not work, and how it does."""
    done = pc.run(file)
    assert (done.returncode, READY in done.stdout) == (1, False)
    assert b"That did not work: run this file as an administrator" in done.stdout


def test_a_pc_that_ran_its_file_is_the_room(
    server: ServerProcess, tmp_path: Path, playwright: Playwright, pc: WindowsPc
) -> None:
    if not can_make_networks():
        pytest.skip("policies in /etc of a test's own need a mount namespace: root")
    file = downloaded(playwright, server, tmp_path)

    # What fails is said, and nothing goes on. (Wine shows no Chinese here.)
    pc.stand_in("fltmc", code=1)
    pc.run(file)
    (again,) = pc.asked("powershell")
    assert again == '-NoProfile -Command "Start-Process -FilePath $env:SELF -Verb RunAs"'
    assert pc.environment("powershell")["SELF"] == f"C:\\Downloads of li\\{file.name}"
    assert pc.asked("certutil") == []
    pc.stand_in("fltmc")
    pc.stand_in("certutil", code=5)
    fails(pc, file)
    assert pc.policy("Microsoft\\Edge", ALLOWED[0]) == []
    pc.stand_in("certutil")
    fails(pc, file)  # there is no browser
    assert pc.asked("powershell") == [again]

    pc.install("edge", into="Program Files (x86)")  # every Windows has it there
    done = pc.run(file)
    assert (done.returncode, READY in done.stdout) == (0, True)
    assert pc.asked("certutil")[-1].startswith("-addstore -f Root ")
    assert pc.asked("powershell")[1:] == [f'-NoProfile -Command "{SHORTCUT}"']
    start = pc.environment("powershell")
    assert start["BROWSER"].endswith("(x86)\\Microsoft\\Edge\\Application\\msedge.exe")
    assert start["LINK"] == f"C:\\ProgramData\\{STARTUP}"
    options = start["OPTIONS"].split(" ")
    assert "--kiosk" in options

    rules = {name: pc.policy("Microsoft\\Edge", name) for name in ALLOWED}
    assert all(server.origin in pages for pages in rules.values())
    for other in ("Google\\Chrome", "Chromium"):
        assert {name: pc.policy(other, name) for name in ALLOWED} == rules
    policies = tmp_path / "policies/policies/managed/room.json"
    policies.parent.mkdir(parents=True)
    trusted = x509.load_pem_x509_certificate(pc.kept("certutil"))
    der = base64.b64encode(trusted.public_bytes(serialization.Encoding.DER)).decode()
    policies.write_text(json.dumps({**rules, "CACertificates": [der]}))

    with started(playwright, options, tmp_path / "home", tmp_path / "policies") as browser:
        (page,) = browser.contexts[0].pages
        expect(page.get_by_text(f"{ROOMS[0]} School · {ROOMS[0]}")).to_be_visible(
            timeout=WAIT_S * 1000
        )
        assert page.url == f"{server.origin}/room"  # the credential is out of sight at once
        assert page.evaluate(DEVICES) == {"audio": "live", "video": "live"}
