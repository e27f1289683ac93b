"""The commands of the pages, as they are printed: run in order, beside a server that runs.

A block of shell that has `<!-- runs -->` on the line above it is run. Its paths are put into the
test's own folder, `systemctl` and `sudo` are stand-ins that do the same to the server here. All of
it has a list of processes of its own, in which no other server of this machine is seen.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.browser.county import ADMINISTRATOR, client, post
from tests.browser.whip_encoder import certificate
from tests.ports import free_media_port, free_port

ROOT = Path(__file__).parents[2]
MARK = "<!-- runs -->"
BLOCK = re.compile(rf"^{MARK}\n```sh\n(.*?)^```$", re.M | re.S)
PAGES = ("operating.md", "networks.md")
LIMIT_S = 90.0

SUDO = """#!/bin/sh
exec "$@"
"""
# What systemd does with the unit, as far as the pages ask for it.
SYSTEMCTL = """#!/bin/sh
set -eu
stop() {{
    [ -e {folder}/pid ] || return 0
    kill -TERM "$(cat {folder}/pid)"
    while kill -0 "$(cat {folder}/pid)" 2>/dev/null; do sleep 0.05; done
    rm {folder}/pid
}}
start() {{
    cd {folder}
    env $(cat {folder}/environment) nohup tongke serve </dev/null >>{folder}/log 2>&1 &
    echo $! >{folder}/pid
}}
[ "$2" = tongke ]
case $1 in start) start ;; stop) stop ;; restart) stop; start ;; *) exit 1 ;; esac
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="a list of processes of its own needs root and unshare",
)


def blocks(page: str) -> list[str]:
    """The marked blocks of a page, in its order."""
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@dataclass
class Machine:
    """A machine as the pages have it, in a folder. `run` gives what a block has said."""

    folder: Path
    shell: subprocess.Popen[str]
    port: int = field(default_factory=free_port)

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "var/lib/tongke"

    def run(self, block: str) -> str:
        """In a shell of its own that ends at the first command that fails."""
        block = re.sub(r"(?<=[ \n])/(?=var/lib/|srv/|etc/|tmp/)", f"{self.folder}/", block)
        block = block.replace("-o tongke -g tongke", "-o root -g root")
        script = self.folder / "block.sh"
        script.write_text(block)
        pipe: IO[str] | None = self.shell.stdin
        assert pipe is not None and self.shell.stdout is not None
        pipe.write(f'bash -eu {script} </dev/null 2>&1; code=$?; echo; echo "ended $code"\n')
        pipe.flush()
        said = ""
        for line in self.shell.stdout:
            if (ended := re.fullmatch(r"ended (\d+)\n", line)) is not None:
                assert ended[1] == "0", f"{block}\n{said}"
                return said
            said += line
        raise AssertionError(f"the shell has ended:\n{block}\n{said}")

    def await_setup_key(self) -> str:
        """It is said a moment after the server has begun to answer."""
        until, log = time.monotonic() + LIMIT_S, self.folder / "service/log"
        while (found := re.search(r"/setup#key=([\w-]+)\n", log.read_text())) is None:
            assert time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(0.1)
        return found[1]

    def await_ready(self, state: int = 200) -> None:
        until = time.monotonic() + LIMIT_S
        with client(self.origin) as http:
            while time.monotonic() < until:
                try:
                    if http.get("/readyz").status_code == state:
                        return
                except httpx.HTTPError:
                    time.sleep(0.1)
        raise AssertionError((self.folder / "service/log").read_text()[-3000:])


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Until the block ends; all its processes end with it."""
    programs, service = folder / "bin", folder / "service"
    for each in (programs, service, *(folder / name for name in ("srv", "tmp", "etc"))):
        each.mkdir(parents=True)
    for name, text in (("sudo", SUDO), ("systemctl", SYSTEMCTL.format(folder=service))):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGKE_")}
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), kept["PATH"]])
    with subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "bash"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**kept, "PATH": path, "LANG": "en_GB.UTF-8", "PYTHONPATH": str(ROOT)},
    ) as shell:
        made = Machine(folder, shell)
        settings = {
            "TONGKE_DATA_FOLDER": made.data,
            "TONGKE_HOST": "127.0.0.1",
            "TONGKE_PORT": made.port,
            "TONGKE_MEDIA_HOST": "127.0.0.1",
            "TONGKE_MEDIA_PORT": free_media_port(),
        }
        lines = [f"{name}={value}" for name, value in settings.items()]
        (service / "environment").write_text("\n".join(lines))
        try:
            yield made
        finally:
            shell.kill()


def test_every_marked_block_runs(tmp_path: Path) -> None:
    with machine(tmp_path) as here:
        here.run("systemctl start tongke")
        here.await_ready()
        key = here.await_setup_key()
        with client(here.origin) as http:
            post(http, "/api/setup", key=key, display_name="A", **ADMINISTRATOR)
            post(http, "/api/schools", name="Hill School", kind="rural")
        recorded = here.data / "recordings" / "r1"
        recorded.mkdir(parents=True)
        (recorded / "part.mp4").write_text("media")

        told = {}
        for block in blocks("operating.md"):
            told[block] = here.run(block)
            if "systemctl start" in block:
                here.await_ready()
        assert len(told) >= 7

        # After the restore the server is the one that it was.
        here.await_ready()
        with client(here.origin) as http:
            post(http, "/api/session", **ADMINISTRATOR)
            assert [one["name"] for one in http.get("/api/schools").json()] == ["Hill School"]
        assert (recorded / "part.mp4").read_text() == "media"
        assert (tmp_path / "srv/backup/recordings/r1/part.mp4").read_text() == "media"
        nightly = tmp_path / "srv/backup/tongke-nightly.tar"
        assert b"recordings/r1/part.mp4" not in nightly.read_bytes()
        # The lost administrator's address is the server's, and its key opens.
        (said,) = (told[block] for block in told if "reset-key" in block)
        assert "can sign in once, within a day, at" in said
        address = re.search(rf"{re.escape(here.origin)}/key#key=([\w-]+)", said)
        assert address is not None, said
        with client(here.origin) as http:
            post(http, "/api/session/key", key=address[1])
        here.run("systemctl stop tongke")


@pytest.mark.skipif(shutil.which("turnserver") is None, reason="its group is coturn's")
def test_the_relays_key_is_given_to_its_reader(tmp_path: Path) -> None:
    with machine(tmp_path) as here:
        (tmp_path / "etc/tongke").mkdir()
        made = certificate(tmp_path)
        Path(made["cert_file"]).rename(tmp_path / "etc/tongke/fullchain.pem")
        Path(made["key_file"]).rename(tmp_path / "etc/tongke/key.pem")
        (block,) = blocks("networks.md")
        here.run(block)
        key = tmp_path / "etc/turnserver/key.pem"
        assert (key.group(), key.stat().st_mode & 0o777) == ("turnserver", 0o640)


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_mark_the_same(page: str) -> None:
    assert blocks(page) == blocks(f"zh/{page}") != []


def test_a_block_that_fails_is_told(tmp_path: Path) -> None:
    with machine(tmp_path) as here, pytest.raises(AssertionError, match="No such file"):
        here.run("ls /srv/none\ntrue\n")
