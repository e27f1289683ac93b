"""Debian's nginx and Caddy as processes of their own, set up as `docs/networks.md` tells."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.whip_encoder import certificate

DOCUMENT = Path(__file__).parents[2] / "docs" / "networks.md"
START_LIMIT_S = 60.0
# What surrounds the block on Debian, with everything below the test's own folder.
NGINX_AROUND = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {block}
}}
"""
CADDY_AROUND = (
    "{{\n admin off\n auto_https disable_redirects\n storage file_system {folder}\n}}\n{block}"
)


def block(begins: str) -> str:
    """The one block of the page that begins so."""
    text = DOCUMENT.read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```\w*\n({re.escape(begins)}.*?)^```$", text, re.M | re.S)
    return str(found)


def documented_settings(proxy_port: int) -> dict[str, str]:
    """What the page tells to write into `tongke.toml`, as a server's environment."""
    told = tomllib.loads(block('host = "127.0.0.1"\nplain_http'))
    told["public_url"] = f"https://localhost:{proxy_port}"
    return {f"TONGKE_{name.upper()}": str(value) for name, value in told.items()}


@dataclass(frozen=True)
class ProxyProgram:
    """One of the two: how it is called, and its configuration."""

    name: str
    begins: str
    around: str
    arguments: tuple[str, ...]

    @property
    def is_here(self) -> bool:
        return shutil.which(self.name, path="/usr/sbin:/usr/bin") is not None

    @contextmanager
    def running(
        self, folder: Path, proxy_port: int, server_port: int, *, leaving_out: str = ""
    ) -> Iterator[Path]:
        """Until the block ends; lines that match `leaving_out` are not written. Gives its log."""
        folder.mkdir()
        files = certificate(folder)
        text = "".join(
            line
            for line in block(self.begins).splitlines(keepends=True)
            if not (leaving_out and re.search(leaving_out, line))
        )
        for documented, ours in (
            ("/etc/tongke/fullchain.pem", files["cert_file"]),
            ("/etc/tongke/key.pem", files["key_file"]),
            ("tongke.example.cn {", f"localhost:{proxy_port} {{"),
            ("tongke.example.cn", "localhost"),
            ("127.0.0.1:7880", f"127.0.0.1:{server_port}"),
            ("443 ssl", f"{proxy_port} ssl"),
        ):
            text = text.replace(documented, ours)
        configuration = folder / "configuration"
        configuration.write_text(self.around.format(folder=folder, block=text))
        program = shutil.which(self.name, path="/usr/sbin:/usr/bin")
        assert program is not None
        arguments = [each.format(configuration) for each in self.arguments]
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *arguments], stdout=output, stderr=output, cwd=folder
            )
        try:
            _await_listening(proxy_port, process, log)
            yield log
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(START_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


NGINX = ProxyProgram("nginx", "map $http_upgrade", NGINX_AROUND, ("-c", "{}"))
CADDY = ProxyProgram(
    "caddy", "tongke.example.cn", CADDY_AROUND, ("run", "--adapter", "caddyfile", "--config", "{}")
)


def _await_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"it did not start:\n{log.read_text(errors='replace')[-3000:]}")
