"""The line to the server, measured: is it there, which ways media takes, how much and how late.

Owns the sockets; what may be said of the figures is `line`'s. HTTP goes as the protocol's client
goes (`signaling.client`); media's ways are tried with checks that the media core answers and
forgets (`stun`).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar, cast

from hardware_profiles.doctor import stun
from hardware_profiles.doctor.line import MeasuredLine
from signaling.client.address import ServerAddress

_ANSWER_S = 10.0
_MOST_ANSWER_BYTES = 1 << 20
# A hundred checks in four seconds: one lost is a hundredth, and the server answers 50 a second to a
# whole school's address.
_CHECKS, _EVERY_S = 100, 0.04
_LATE_S = 2.0  # what comes later is of no use to a lesson
_REACH_S = 3.0
# 4 Mb in the time that a thin line has: more tells nothing of lines that carry a lesson.
RATE_BYTES, RATE_S = 2_000_000, 4.0
# What a server takes of one body, whatever its settings; and what goes up a thin line in a second.
UP_BYTES, _BLOCK = 131_072, 8_192
_BYTES = "application/octet-stream"
_CONNECTIONS = 4
_QUICK_S, _GRACE_S = 0.5, 2.0
# A server names the addresses of one machine; each that is silent takes two seconds.
_MOST_PLACES = 4
_THREAD = "doctor-asks"

_T = TypeVar("_T")


class ServerUnreachable(Exception):
    """`word` is what was the matter: `refused`, `certificate`, `old`, `away`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What the server said, and the clock here before and after."""

    body: dict[str, Any]
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class MediaPlace:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class MediaWays:
    """Credentials of a check, and where it may go."""

    ufrag: str
    password: str
    udp: tuple[MediaPlace, ...]
    tcp: tuple[MediaPlace, ...]
    relays: tuple[MediaPlace, ...]
    """TURN servers by UDP."""

    @classmethod
    def of(cls, body: dict[str, Any]) -> MediaWays:
        """Of `GET /api/room/line`. Raises KeyError, TypeError, ValueError for anything else."""
        return cls(
            str(body["ufrag"]),
            str(body["password"]),
            tuple(_place(one["host"], one["port"]) for one in body["udp"][:_MOST_PLACES]),
            tuple(_place(one["host"], one["port"]) for one in body["tcp"][:_MOST_PLACES]),
            tuple(
                relay
                for server in body["ice_servers"][:_MOST_PLACES]
                for url in server["urls"][:_MOST_PLACES]
                if (relay := _relay(str(url))) is not None
            )[:_MOST_PLACES],
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """Of all checks: how many were answered, and each answer's time."""

    sent: int
    times_s: tuple[float, ...]

    @property
    def loss(self) -> float:
        return 1 - len(self.times_s) / self.sent if self.sent else 1.0


class RoomServer:
    """The server, asked with the room's device credential, which stands in no error."""

    def __init__(self, address: ServerAddress, credential: str) -> None:
        self._address = address
        self._credential = credential

    async def ask(self, path: str) -> ServerAnswer:
        """Raises `ServerUnreachable`."""
        return await _in_time(lambda: self._ask(path), _ANSWER_S)

    async def post(self, path: str, body: bytes, kind: str, *, within_s: float = _ANSWER_S) -> None:
        """Raises `ServerUnreachable`."""
        await _in_time(lambda: self._post(path, body, kind, within_s), within_s)

    async def rates(self) -> tuple[float | None, float | None]:
        """Bits a second up and down, of a few seconds each; None where it was not to be had."""
        down: float | None = None
        with suppress(ServerUnreachable):
            down = await _in_time(self._down, _ANSWER_S + RATE_S)
        return await asyncio.to_thread(self._up), down

    def _ask(self, path: str) -> ServerAnswer:
        before = time.time()
        with self._opened(path) as answer:
            try:
                body = json.loads(answer.read(_MOST_ANSWER_BYTES))
            except (OSError, HTTPException):
                raise ServerUnreachable("away") from None
            except (ValueError, RecursionError):
                raise ServerUnreachable("old") from None
        if not isinstance(body, dict):
            raise ServerUnreachable("old")
        return ServerAnswer(body, before, time.time())

    def _post(self, path: str, body: bytes, kind: str, within_s: float) -> None:
        with self._opened(path, body, kind, within_s):
            pass

    def _down(self) -> float | None:
        """What has come in the time there is."""
        got, began = 0, 0.0
        with (
            suppress(ServerUnreachable, OSError, HTTPException),
            self._opened(f"/api/room/line/down?bytes={RATE_BYTES}") as answer,
        ):
            answer.read(1)  # the way there and the server's own time are no part of it
            began = time.monotonic()
            while block := answer.read1(_BLOCK):
                got += len(block)
                if time.monotonic() - began > RATE_S:
                    break
        took = time.monotonic() - began
        return 8 * got / took if got and took > 0 else None

    def _up(self) -> float | None:
        """By several connections, for each waits for its answers; a thin line gets small ones."""
        began = time.monotonic()
        ended: list[tuple[int, float]] = []

        def send() -> None:
            size = _BLOCK
            while (left := RATE_S - (time.monotonic() - began)) > 0:
                at = time.monotonic()
                try:
                    self._post("/api/room/line/up", bytes(size), _BYTES, left + _GRACE_S)
                except ServerUnreachable:
                    return
                now = time.monotonic()
                ended.append((size, now))
                size = min(UP_BYTES, 2 * size) if now - at < _QUICK_S else size

        senders = [
            threading.Thread(target=send, name=_THREAD, daemon=True) for _ in range(_CONNECTIONS)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(max(0.0, began + RATE_S + _GRACE_S - time.monotonic()))
        sent = list(ended)  # who is not done by now is left to itself
        if not sent:
            return None
        return 8 * sum(size for size, _ in sent) / max(1e-6, max(at for _, at in sent) - began)

    def _opened(
        self, path: str, body: bytes | None = None, kind: str = "", within_s: float = _ANSWER_S
    ) -> Any:
        headers = {"Authorization": f"Bearer {self._credential}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked on parsing
            f"{self._address.origin}{path}", data=body, headers=headers
        )
        try:
            return urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=within_s, context=self._address.tls
            )
        except urllib.error.HTTPError as error:
            with error:
                word = {401: "refused", 403: "refused", 404: "old"}.get(error.code, "away")
                raise ServerUnreachable(word) from None
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            certificate = "certificate" in type(reason).__name__.lower() + str(reason).lower()
            raise ServerUnreachable("certificate" if certificate else "away") from None


async def _in_time(call: Callable[[], _T], within_s: float) -> _T:
    """What a blocking call gives. Raises `ServerUnreachable` when there is none in this time:
    urllib bounds every single read, and whoever sends a byte now and then is never late for it.
    Such a thread is left to itself, and keeps no program from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def give(result: _T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("_T", result))

    def work() -> None:
        result: _T | None = None
        error: BaseException | None = None
        try:
            result = call()
        except Exception as fault:  # told to whoever asked
            error = fault
        with suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(give, result, error)

    threading.Thread(target=work, name=_THREAD, daemon=True).start()
    try:
        async with asyncio.timeout(within_s):
            return await done
    except TimeoutError:
        raise ServerUnreachable("away") from None


def measured(reached: Reached | None, rates: tuple[float | None, float | None]) -> MeasuredLine:
    """All figures of the line together."""
    times = sorted(reached.times_s) if reached is not None else []
    jitter = statistics.pstdev(times) * 1_000 if len(times) > 1 else None
    return MeasuredLine(
        up_bps=rates[0],
        down_bps=rates[1],
        loss=reached.loss if reached is not None and times else None,
        round_trip_ms=statistics.median(times) * 1_000 if times else None,
        jitter_ms=jitter,
    )


async def by_udp(
    ways: MediaWays, place: MediaPlace, *, checks: int = _CHECKS, every_s: float = _EVERY_S
) -> Reached:
    """A series of checks to one place."""
    loop = asyncio.get_running_loop()
    out: dict[bytes, float] = {}
    times: dict[bytes, float] = {}
    all_came = asyncio.Event()

    class Answers(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _source: Any) -> None:
            transaction = stun.answered(data)
            if transaction in out and transaction not in times:
                times[transaction] = loop.time() - out[transaction]
                if len(times) == checks:
                    all_came.set()

    try:
        async with asyncio.timeout(_REACH_S):
            transport, _ = await loop.create_datagram_endpoint(
                Answers, remote_addr=(place.host, place.port)
            )
    except (OSError, TimeoutError):
        return Reached(checks, ())
    try:
        for _ in range(checks):
            transaction = secrets.token_bytes(12)
            out[transaction] = loop.time()
            transport.sendto(stun.check(ways.ufrag, ways.password, transaction))
            await asyncio.sleep(every_s)
        with suppress(TimeoutError):  # those that are late are lost
            async with asyncio.timeout(_LATE_S):
                await all_came.wait()
    finally:
        transport.close()
    return Reached(checks, tuple(times.values()))


async def by_tcp(ways: MediaWays, place: MediaPlace) -> bool:
    """One check by TCP, framed as RFC 4571 has it."""
    transaction = secrets.token_bytes(12)
    request = stun.check(ways.ufrag, ways.password, transaction)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_REACH_S):
            reader, writer = await asyncio.open_connection(place.host, place.port)
            writer.write(len(request).to_bytes(2, "big") + request)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return stun.answered(await reader.readexactly(size)) == transaction
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        if writer is not None:
            writer.close()


async def by_relay(place: MediaPlace) -> bool:
    """Whether a TURN server answers at all: a plain binding request, which each answers."""
    transaction = secrets.token_bytes(12)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bool] = loop.create_future()

    class Answers(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _source: Any) -> None:
            if stun.answered(data) == transaction and not answer.done():
                answer.set_result(True)

    transport: asyncio.DatagramTransport | None = None
    try:
        async with asyncio.timeout(_REACH_S):
            transport, _ = await loop.create_datagram_endpoint(
                Answers, remote_addr=(place.host, place.port)
            )
            while not answer.done():
                transport.sendto(stun.plain_request(transaction))
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(answer), 0.5)
            return True
    except (OSError, TimeoutError):
        return False
    finally:
        answer.cancel()
        if transport is not None:
            transport.close()


async def first_by_udp(ways: MediaWays, places: Sequence[MediaPlace]) -> MediaPlace | None:
    """The first of them that answers three checks."""
    for place in places:
        if (await by_udp(ways, place, checks=3, every_s=0.1)).times_s:
            return place
    return None


def _place(host: object, port: object) -> MediaPlace:
    """Raises ValueError for what no host or port can be."""
    if not isinstance(host, str) or isinstance(port, bool) or not isinstance(port, int):
        raise TypeError("a place of another form")
    if not host or not 0 < port < 65_536:
        raise ValueError("no host or port")
    host.encode("idna")  # as the resolver does
    return MediaPlace(host, port)


def _relay(url: str) -> MediaPlace | None:
    """`turn:host:port?transport=udp`; None for what goes otherwise than by UDP."""
    scheme, _, rest = url.partition(":")
    address, _, query = rest.partition("?")
    if scheme not in ("turn", "stun") or query not in ("", "transport=udp"):
        return None
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        host, port = address, "3478"
    with suppress(OSError):
        socket.inet_pton(socket.AF_INET6, host.strip("[]"))
        host = host.strip("[]")
    with suppress(ValueError):
        return _place(host, int(port))
    return None
