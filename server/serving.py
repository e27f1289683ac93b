"""The running server: sockets, certificate, application, and an orderly stop.

`running_server` is what `tongke serve`, the demonstration and the tests start.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from server.app import create_app
from server.clock import Clock, wall_clock
from server.config import Settings
from server.database.data_folder import make_folder
from server.database.private_files import keep_new_files_private
from server.door.last_start import remember_start
from server.door.listening import listen
from server.door.patient_http import patient_protocol
from server.door.tls import ServedCertificate
from server.door.visitors import Visitors, allow_many_open_files
from server.services import Services
from server.settings_check import refuse_what_is_not_there

THIS_MACHINE = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. `settings.address` is where."""

    settings: Settings
    services: Services
    certificate: ServedCertificate | None

    def reload(self) -> None:
        """Look for a new certificate now (SIGHUP)."""
        if self.certificate is not None:
            self.certificate.hurry()


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the server decides when it stops.

    `listening` is set as soon as requests are answered.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running_server(
    settings: Settings,
    *,
    sockets: list[socket.socket] | None = None,
    clock: Clock = wall_clock,
) -> AsyncIterator[RunningServer]:
    """A server for the time of the block, on `sockets` if they listen already.

    At the end lessons are told, connections closed (within `stop_grace_s`), parts stopped.
    Raises `StartRefused`.
    """
    refuse_what_is_not_there(settings)
    keep_new_files_private()
    allow_many_open_files()
    if sockets is None:
        sockets = listen(settings.host, settings.port)
    try:
        make_folder(settings.data_folder, setting="data_folder")
        settings = settings.model_copy(update={"port": sockets[0].getsockname()[1]})
        certificate = None if settings.plain_http else ServedCertificate(settings)
        app = create_app(settings, clock=clock, certificate=certificate)
        async with app.router.lifespan_context(app):
            services: Services = app.state.services
            server = _Uvicorn(_config(app, settings, certificate))
            serving = asyncio.create_task(server.serve(sockets), name="http")
            try:
                ready = asyncio.create_task(server.listening.wait())
                await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
                if not ready.done():
                    ready.cancel()
                    await serving  # raises what kept it from listening
                await asyncio.to_thread(remember_start, settings)
                async with _watched(settings, certificate):
                    yield RunningServer(settings, services, certificate)
            finally:
                server.should_exit = True
                await serving
    finally:
        for each in sockets:
            each.close()


@asynccontextmanager
async def _watched(
    settings: Settings, certificate: ServedCertificate | None
) -> AsyncIterator[None]:
    """The certificate looked after for the time of the block, and renewed with ACME."""
    if certificate is None:
        yield
        return
    tasks: list[asyncio.Task[None]] = []
    if settings.acme:
        from server.door.acme.renewal import Renewal  # noqa: PLC0415 - only who wants it waits

        certificate.renewal = Renewal(settings, certificate)
        tasks.append(asyncio.create_task(certificate.renewal.run(), name="acme"))
    certificate.tell_findings()
    tasks.append(asyncio.create_task(certificate.watch(), name="certificate"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(slots=True)
class Signals:
    """What the system tells a running server: to stop, or to look at its files again."""

    stop: asyncio.Event
    on_hangup: Callable[[], None]

    def hangup(self) -> None:
        """SIGHUP has come."""
        self.on_hangup()


@contextlib.contextmanager
def heard_signals(*, hangup_stops: bool = False) -> Iterator[Signals]:
    """For the block: SIGTERM and Ctrl-C stop, SIGHUP reloads (or stops, with its terminal).

    Begin it before the server starts: a signal in the middle of a start ends it in order too.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = Signals(stop, stop.set if hangup_stops else lambda: None)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, signals.hangup)
    try:
        yield signals
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _config(
    app: object, settings: Settings, certificate: ServedCertificate | None
) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's ASGI types are narrower than Starlette's
        lifespan="off",  # we run it ourselves: its errors shall reach us whole
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        http=patient_protocol(Visitors(unbounded=(*THIS_MACHINE, *settings.trusted_proxies))),
        ws="websockets-sansio",
        ws_max_size=settings.max_message_bytes,
        # A page loads a dozen files and then polls: the connection is kept over the polls.
        timeout_keep_alive=30,
        timeout_graceful_shutdown=max(1, round(settings.stop_grace_s)),
        ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
    )
