"""Janus VideoRoom under test: Debian's package, started with a configuration of our own.

Everything that is not said here stays as Debian ships it. What is said: the Unix socket in place
of HTTP, no other plugin or transport, sessions that do not end while nobody talks to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.servers import ServerFailedError, ServerUnavailableError
from benchmarks.servers.bound import bound
from benchmarks.servers.janus_api import JanusApi, JanusError

START_TIMEOUT_S, STOP_TIMEOUT_S, FEED_TIMEOUT_S = 10.0, 5.0, 5.0
# It was seen to crash while it starts, about once in a hundred times.
START_TRIES = 3
POLL_S = 0.05
MISSING = "Janus is not installed: `scripts/need-janus.sh` installs it, or apt-get install janus"
# Hundreds of publishers and no limit to their rate: a limit reached would measure the limit.
ROOM = {"publishers": 256, "bitrate": 0, "videocodec": "vp8", "audiocodec": "opus"}

CORE = """\
general: {{
  configs_folder = "{folder}"
  debug_level = 2
  session_timeout = 0
  {event_loops}
}}
nat: {{ ice_enforce_list = "{host}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
events: {{ broadcast = false }}
"""
SOCKET = """\
general: {{ enabled = true, json = "compact", path = "{path}", type = "SOCK_SEQPACKET" }}
"""


class Janus:
    """See `benchmarks.servers.Server`; `event_loops` 0 is Janus' default, a thread per handle."""

    decodes = False
    plugin = "videoroom"
    plugin_settings = "general: {}\n"

    def __init__(self, host: str, *, event_loops: int = 0) -> None:
        self.name = f"janus-{event_loops}-loops" if event_loops else "janus"
        self._host, self._event_loops = host, event_loops
        self._folder: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._api = JanusApi(self.plugin)
        self._rooms = 0
        self._feeds: dict[tuple[str, str], int] = {}
        self._subscriptions: dict[tuple[str, str], int] = {}

    @property
    def description(self) -> str:
        """Name, version and kind."""
        loops = f"event_loops = {self._event_loops}" if self._event_loops else "as shipped"
        return f"Janus VideoRoom {_version()}, Debian's package, {loops}"

    @property
    def running(self) -> bool:
        """Started, and not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pids(self) -> tuple[int, ...]:
        """Janus is one process of many threads."""
        return () if self._process is None else (self._process.pid,)

    async def start(self) -> None:
        """Write the configuration, start, wait for the Unix socket; a crash is tried again."""
        if shutil.which("janus") is None:
            raise ServerUnavailableError(MISSING)
        for _ in range(START_TRIES - 1):
            try:
                await self._start()
            except ServerFailedError as error:
                print(f"{str(error).splitlines()[0]} It is tried again.", file=sys.stderr)
                await self.stop()
            else:
                return
        await self._start()

    async def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tongke-janus-"))
        self._configure(self._folder)
        with (self._folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *bound(("janus", "--configs-folder", str(self._folder), "--disable-colors")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,  # the terminal's signals are the benchmark's
            )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._connect()
        except (TimeoutError, ServerFailedError, JanusError, OSError) as error:
            why = str(error) or f"no answer within {START_TIMEOUT_S:g} s"
            told = (self._folder / "log").read_text(errors="replace")[-2000:].strip()
            raise ServerFailedError(f"Janus did not start: {why}.\n{told}") from None

    def _configure(self, folder: Path) -> None:
        files = {
            "janus.jcfg": CORE.format(
                folder=folder,
                host=self._host,
                event_loops=f"event_loops = {self._event_loops}" if self._event_loops else "",
                plugins=_others("plugins", keep=f"libjanus_{self.plugin}.so"),
                transports=_others("transports", keep="libjanus_pfunix.so"),
            ),
            "janus.transport.pfunix.jcfg": SOCKET.format(path=folder / "api"),
            f"janus.plugin.{self.plugin}.jcfg": self.plugin_settings,
        }
        for name, text in files.items():
            (folder / name).write_text(text)

    async def _connect(self) -> None:
        assert self._folder is not None
        assert self._process is not None
        while True:
            if self._process.returncode is not None:
                raise ServerFailedError(f"it ended with {self._process.returncode}")
            try:
                await self._api.connect(str(self._folder / "api"))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(POLL_S)
            else:
                return

    async def stop(self) -> None:
        """End Janus and remove its folder."""
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        try:
            await self._api.close()
            if process is not None and process.returncode is None:
                process.terminate()
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
        except (TimeoutError, ProcessLookupError):
            pass
        finally:
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    async def open_session(self) -> str:
        """A room."""
        self._rooms += 1
        room = self._rooms  # others may be opened meanwhile
        handle = await self._api.attach()
        await self._api.message(handle, {"request": "create", "room": room, **ROOM})
        return str(room)

    async def publish(self, session: str, seat: str, offer: str) -> str:
        """`joinandconfigure` as a publisher."""
        handle = await self._api.attach()
        answer = await self._api.message(
            handle,
            {"request": "joinandconfigure", "ptype": "publisher", "room": int(session)},
            {"type": "offer", "sdp": offer},
        )
        await self._api.no_more_candidates(handle)
        self._feeds[session, seat] = int(answer["plugindata"]["data"]["id"])
        return str(answer["jsep"]["sdp"])

    async def subscribe(self, session: str, seat: str, publishers: Sequence[str]) -> str:
        """`join` as a subscriber to all streams of these feeds."""
        handle = self._subscriptions[session, seat] = await self._api.attach()
        feeds = [{"feed": self._feeds[session, publisher]} for publisher in publishers]
        join = {"request": "join", "ptype": "subscriber", "room": int(session), "streams": feeds}
        give_up = time.monotonic() + FEED_TIMEOUT_S
        while True:
            try:
                attached = await self._api.message(handle, join)
            except JanusError as error:
                # A feed is there only when Janus has noticed that the publisher's DTLS is up.
                if "No such feed" not in str(error) or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(POLL_S)
            else:
                return str(attached["jsep"]["sdp"])

    async def subscribe_answer(self, session: str, seat: str, answer: str) -> None:
        """`start`."""
        handle = self._subscriptions[session, seat]
        await self._api.message(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        await self._api.no_more_candidates(handle)


def _others(kind: str, *, keep: str) -> str:
    """All of Janus' modules of this kind but one, as `disable` wants them."""
    found = Path("/usr/lib").glob(f"*/janus/{kind}/*.so")
    return ",".join(sorted(path.name for path in found if path.name != keep))


def _version() -> str:
    query = ["dpkg-query", "--show", "--showformat=${Version}", "janus"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "(not installed)"
