"""`tongke serve` as a process: it answers, stops in order, and says what keeps it from starting."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from server.config import load_settings
from server.errors import StartRefused
from server.serving import running_server
from tests.ports import free_media_port, free_port
from tests.unit.server.door.certificate_files import made

TONGKE = [sys.executable, "-m", "server"]
PATIENCE_S = 60.0  # a busy test machine; how fast it is, is measured elsewhere


def environment(folder: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGKE_")}
    return {
        **kept,
        "TONGKE_DATA_FOLDER": str(folder / "data"),
        "TONGKE_HOST": "127.0.0.1",
        "TONGKE_PORT": str(free_port()),
        "TONGKE_MEDIA_HOST": "127.0.0.1",
        "TONGKE_MEDIA_PORT": str(free_media_port()),
        "TONGKE_MEDIA_PUMPS": "1",
        "COLUMNS": "400",
        **{"LC_ALL": "", "LC_MESSAGES": "en_US.UTF-8"},  # what it says is read
        **settings,
    }


@dataclass
class Served:
    """A running `tongke serve`. Its errors go to a file, so that one pipe is enough."""

    process: subprocess.Popen[str]
    address: str
    errors: Path

    def get(self, path: str) -> str:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        url = self.address + path
        with urllib.request.urlopen(  # noqa: S310 - our own server
            url, timeout=PATIENCE_S, context=context
        ) as answer:
            return str(answer.read().decode())

    def set_up(self) -> None:
        """Make the first administrator, at the address that it prints."""
        assert self.process.stdout is not None
        printed = iter(self.process.stdout.readline, "")
        key = next(found[1] for line in printed if (found := re.search(r"/setup#key=(\S+)", line)))
        person = {"key": key, "username": "admin", "display_name": "A", "password": "long enough"}
        asked = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.address}/api/setup",
            json.dumps(person).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE_S):  # noqa: S310 - as above
            pass

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Stop it in order; gives the rest of its output."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        assert self.process.wait(PATIENCE_S) == 0
        assert "Traceback" not in self.errors.read_text()
        return rest


@contextmanager
def serve(folder: Path, *, umask: int = -1, **settings: Any) -> Iterator[Served]:
    """A server until the end of the block, answering."""
    errors = folder / "errors.txt"
    with errors.open("w") as log:
        process = subprocess.Popen(
            [*TONGKE, "serve"],
            env=environment(folder, **settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            umask=umask,
        )
    assert process.stdout is not None
    with process.stdout:
        try:
            first = process.stdout.readline()
            found = re.search(r"running at (\S+)", first)
            assert found is not None, first + errors.read_text()
            yield Served(process, found.group(1), errors)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE_S)


def refused(folder: Path, *, exit_code: int = 2, **settings: str) -> str:
    """What `tongke serve` says when it cannot start."""
    done = subprocess.run(
        [*TONGKE, "serve"],
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "running at" not in done.stdout
    return done.stderr


async def refusal(folder: Path, **settings: str) -> str:
    """What the command would print, asked of what it runs; `refused` shows that it prints it."""
    umask = os.umask(0)  # a server makes it its own
    try:
        with mock.patch.dict(os.environ, environment(folder, **settings), clear=True):
            try:
                async with running_server(load_settings()):
                    raise AssertionError("the server has started")
            except StartRefused as told:
                return f"{told}\n"
    finally:
        os.umask(umask)


@pytest.mark.thorough
def test_it_answers_over_https_with_its_own_certificate(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        assert server.address.startswith("https://127.0.0.1:")
        assert server.get("/healthz") == "ok\n"
        assert json.loads(server.get("/readyz"))["ready"] is True
        assert json.loads(server.get("/api/setup")) == {"needed": True}
        output = server.stop()
    assert re.search(rf"{re.escape(server.address)}/setup#key=tkk_\S{{40,}}", output)
    private = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()}
    assert private["tls.key"] == private["ca.key"] == private["join_token.key"] == 0
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


@pytest.mark.thorough
def test_what_is_logged_by_the_system_holds_no_key(tmp_path: Path) -> None:
    """The first start's address opens the whole server to whoever reads it first."""
    errors, said = tmp_path / "errors.txt", tmp_path / "said.txt"
    with said.open("w") as journal, errors.open("w") as log:
        found = os.fstat(journal.fileno())
        process = subprocess.Popen(
            [*TONGKE, "serve"],
            env=environment(tmp_path, JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}"),
            stdout=journal,
            stderr=log,
        )
        until = time.monotonic() + PATIENCE_S
        file = tmp_path / "data" / "first_start.txt"
        while "First start" not in said.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        process.terminate()
        process.wait(PATIENCE_S)
    assert "tkk_" not in said.read_text() + errors.read_text()
    assert str(file) in said.read_text()
    assert re.fullmatch(r"https://\S+/setup#key=tkk_\S{40,}\n", file.read_text())
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.thorough
def test_no_address_of_this_machine_alone_without_a_word(tmp_path: Path) -> None:
    """Where it listens for others, what it prints is what others open; else it says so."""
    everywhere: dict[str, Any] = {"TONGKE_HOST": "", "TONGKE_TLS_NAMES": "county.example.cn"}
    with serve(tmp_path, **everywhere) as server:
        port = server.address.rpartition(":")[2]
        assert server.address == f"https://county.example.cn:{port}"
        output = server.stop()
    assert f"{server.address}/setup#key=" in output
    assert f"on this machine https://localhost:{port}\n" in output
    assert "Only this machine" not in output
    with serve(tmp_path, TONGKE_PUBLIC_URL="https://localhost") as server:
        output = server.stop()
    assert "Only this machine can open that address" in output
    assert "--public-url" in output


@pytest.mark.thorough
def test_another_certificate_is_taken_at_sighup_and_nobody_is_dropped(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "TONGKE_TLS_CERT": str(tmp_path / "x.crt"),
        "TONGKE_TLS_KEY": str(tmp_path / "x.key"),
    }
    made("old", "127.0.0.1").write(tmp_path, "x")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def shown(port: int) -> bytes | None:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line,
            context.wrap_socket(line) as secure,
        ):
            return secure.getpeercert(binary_form=True)

    with serve(tmp_path, **files) as server:
        port = int(server.address.rpartition(":")[2])
        kept = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=PATIENCE_S)
        kept.request("GET", "/healthz")
        assert kept.getresponse().read() == b"ok\n"
        before = shown(port)
        new = made("new", "127.0.0.1")
        new.write(tmp_path, "x")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE_S
        while shown(port) == before and time.monotonic() < deadline:
            time.sleep(0.05)  # it takes what is new within a moment
        assert shown(port) == new.certificate.public_bytes(Encoding.DER) != before
        line = kept.sock
        kept.request("GET", "/readyz")
        # Its end is long past (it is of 2027), and it is told; but the line is the same.
        assert "certificate" in json.loads(kept.getresponse().read())["checks"]
        assert kept.sock is line
        kept.close()
        assert "another certificate is served" in server.errors.read_text()
        server.stop()


@pytest.mark.thorough
def test_a_key_with_a_password_is_refused_without_asking(tmp_path: Path) -> None:
    made("one", "one.cn").write(tmp_path, "x", password=b"secret")
    text = refused(
        tmp_path, TONGKE_TLS_CERT=str(tmp_path / "x.crt"), TONGKE_TLS_KEY=str(tmp_path / "x.key")
    )
    assert text.startswith("tongke: ")
    assert "protected by a password" in text
    assert "PEM pass phrase" not in text
    assert text.count("\n") == 1


@pytest.mark.thorough
def test_plain_http_on_loopback_hangups_and_ctrl_c(tmp_path: Path) -> None:
    with serve(tmp_path, TONGKE_PLAIN_HTTP="true") as server:
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
            assert server.get("/healthz") == "ok\n"
        output = server.stop(signal.SIGINT)
    assert "Only this machine can open that address" in output
    assert "it listens on 127.0.0.1 alone" in output


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A temporary folder with a short name: the address of a socket in it holds 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.thorough
@pytest.mark.timeout(300)  # three starts, on whatever machine
def test_stopped_or_killed_it_starts_again_in_the_same_folder(
    tmp_path: Path, temporary: Path
) -> None:
    settings: dict[str, Any] = {"TONGKE_PLAIN_HTTP": "true", "TMPDIR": str(temporary)}
    with serve(tmp_path, **settings) as server:
        port = int(server.address.rpartition(":")[2])
        # A page that stays open does not keep it from stopping.
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as page:
            page.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert page.recv(65_536).startswith(b"HTTP/1.1 200 OK")
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 20  # not the 30 s of a kept-alive connection
    assert list(temporary.iterdir()) == []
    with serve(tmp_path, **settings) as again:  # nothing holds folder or ports
        assert again.get("/healthz") == "ok\n"
        again.process.kill()
        again.process.wait(PATIENCE_S)
    with serve(tmp_path, **settings) as once_more:
        assert json.loads(once_more.get("/readyz"))["ready"] is True
        once_more.stop()
    assert list(temporary.iterdir()) == []  # nor has the killed one left anything


@pytest.mark.thorough
def test_nobody_else_of_the_machine_reads_its_files(tmp_path: Path) -> None:
    """Whatever the umask, in a folder that stood open, with a database an earlier start made."""
    data = tmp_path / "data"
    left = data / "recordings" / "r1" / "manifest.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")

    def open_to_others() -> dict[str, str]:
        paths = [data, *data.rglob("*")]
        modes = {str(path.relative_to(tmp_path)): path.lstat().st_mode & 0o777 for path in paths}
        return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}

    for _ in range(2):  # a fresh folder, then one full of files
        for path in [data, *data.rglob("*")]:
            path.chmod(0o777)
        with serve(tmp_path, umask=0, TONGKE_PLAIN_HTTP="true") as server:
            assert server.get("/healthz") == "ok\n"
            assert (data / "tongke.db-wal").is_file()
            deadline = time.monotonic() + PATIENCE_S
            while open_to_others() and time.monotonic() < deadline:
                time.sleep(0.05)  # an archive is closed beside the first requests
            assert open_to_others() == {}
            server.stop()
        assert open_to_others() == {}


@pytest.mark.thorough
async def test_what_is_taken_is_told(tmp_path: Path) -> None:
    with serve(tmp_path, TONGKE_PLAIN_HTTP="true") as server:
        port = server.address.rpartition(":")[2]
        text = refused(tmp_path / "b", exit_code=75, TONGKE_PORT=port)
        assert "in use" in text
        assert "--port" in text
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            media_port = str(taken.getsockname()[1])
            text = await refusal(tmp_path / "b", TONGKE_MEDIA_PORT=media_port)
        assert media_port in text
        assert "--media-port" in text
        text = await refusal(tmp_path)
        assert "already running" in text
        assert "--data-folder" in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TONGKE_DATA_FOLDER": "/proc/tongke"}, ["/proc/tongke", "cannot be written"]),
        ({"TONGKE_DATA_FOLDER": "/dev/null/x"}, ["/dev/null/x", "is no folder"]),
        ({"TONGKE_RECORDINGS_FOLDER": "/proc/x"}, ["/proc/x", "TONGKE_RECORDINGS_FOLDER"]),
        ({"TONGKE_PORT": "70000"}, ["TONGKE_PORT", "65535"]),
        ({"TONGKE_PROT": "1"}, ["Did you mean TONGKE_PORT"]),
        ({"TONGKE_HOST": "192.0.2.77"}, ["192.0.2.77", "host must be"]),
        ({"TONGKE_PLAIN_HTTP": "1", "TONGKE_HOST": ""}, ["plain_http", "trusted_proxies"]),
        ({"TONGKE_TLS_CERT": "a", "TONGKE_TLS_KEY": "b"}, ["tls_cert", "cannot be read"]),
        ({"TONGKE_DATABASE_URL": "oracle://x"}, ["database_url"]),
        ({"TONGKE_SERVER_PROFILE": "huge"}, ["server_profile", "huge"]),
        ({"TONGKE_ADVERTISED": "here"}, ["advertised", "'here'"]),
    ],
)
async def test_a_wrong_setting_is_told_in_a_paragraph(
    tmp_path: Path, settings: dict[str, str], words: list[str]
) -> None:
    text = await refusal(tmp_path, **settings)
    assert text.count("\n") == 1
    for word in words:
        assert word in text


@pytest.mark.thorough
def test_reset_key_signs_the_administrator_in(tmp_path: Path) -> None:
    def reset() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TONGKE, "admin", "reset-key"],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    without = reset()
    assert (without.returncode, "no Tongke database" in without.stderr) == (2, True)
    with serve(tmp_path, TONGKE_PLAIN_HTTP="true") as server:
        nobody = reset()
        assert (nobody.returncode, "no administrator yet" in nobody.stderr) == (2, True)
        server.set_up()
        # The command has settings of its own, another port and scheme among them.
        printed = reset()
        assert printed.returncode == 0, printed.stderr
        (address,) = re.findall(r"^  (\S+)/key#key=tkk_\S{40,}$", printed.stdout, re.M)
        assert address == server.address
        server.stop()
