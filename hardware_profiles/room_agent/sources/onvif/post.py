"""The thin way to a camera's ONVIF: HTTP POST, to one host, no redirects, bounded, in its time."""

from __future__ import annotations

import http.client
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hardware_profiles.room_agent.sources.onvif.conversation import (
    DEVICE_PATH,
    Conversation,
    Question,
    SettingOutcome,
    StreamWish,
    conversation,
)
from hardware_profiles.room_agent.sources.onvif.envelope import NONCE_BYTES, envelope
from hardware_profiles.room_agent.sources.onvif.errors import NotOnvif, OnvifAway, OnvifRefused
from hardware_profiles.room_agent.sources.onvif.xml import MOST_BYTES
from hardware_profiles.room_agent.sources.rtsp.authorization import Login

_ANSWER_S = 5.0
_WHOLE_S = 30.0  # a camera that answers each question just in time is left as it is


@dataclass(frozen=True, slots=True)
class OnvifAddress:
    """Where a camera's device service is, `http://192.168.1.64/onvif/device_service`."""

    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> OnvifAddress:
        """Raises `NotOnvif`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise NotOnvif("an address that is none") from None
        if parts.scheme != "http" or not host or port == 0 or "@" in parts.netloc:
            raise NotOnvif("an address that is not http://")
        path = parts.path if parts.path not in ("", "/") else DEVICE_PATH
        return cls(host, port or 80, path)


@dataclass(slots=True)
class OnvifCamera:
    """`set_up` blocks, for half a minute at most: run it in a thread."""

    address: OnvifAddress
    login: Login | None = field(repr=False)

    def set_up(self, wishes: Sequence[StreamWish]) -> list[SettingOutcome]:
        """What became of each stream. Raises `OnvifError`."""
        until = time.monotonic() + _WHOLE_S
        talk: Conversation = conversation(wishes, path=self.address.path)
        try:
            question = next(talk)
            while True:
                question = talk.send(self._ask(question, until))
        except StopIteration as done:
            outcomes: list[SettingOutcome] = done.value
            return outcomes

    def _ask(self, question: Question, until: float) -> bytes:
        if time.monotonic() > until:
            raise OnvifAway
        login = None if question.camera_time is None else self.login
        data = envelope(
            question.body,
            login,
            nonce=secrets.token_bytes(NONCE_BYTES),
            camera_time=question.camera_time or time.time(),
        )
        camera = http.client.HTTPConnection(self.address.host, self.address.port, _ANSWER_S)
        overdue = threading.Timer(max(0.0, until - time.monotonic()), _cut, [camera])
        overdue.daemon = True
        try:
            camera.connect()
            overdue.start()
            camera.request(
                "POST",
                question.path,
                data,
                {"Content-Type": "application/soap+xml; charset=utf-8", "Connection": "close"},
            )
            with camera.getresponse() as answer:
                status, body = answer.status, _read(answer, until)
        except (OSError, http.client.HTTPException, ValueError):
            raise OnvifAway from None
        finally:
            overdue.cancel()
            camera.close()
        if time.monotonic() >= until:
            raise OnvifAway  # what was cut short is no answer
        if status == 401:
            raise OnvifRefused(login=True)
        if status not in (200, 400, 403, 500):  # SOAP tells its faults with these
            raise NotOnvif(f"HTTP {status}")
        return body


def _cut(camera: http.client.HTTPConnection) -> None:
    """End a head that comes drop by drop: each drop is in time, and there is no end to them."""
    with suppress(OSError):
        if camera.sock is not None:
            camera.sock.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse, until: float) -> bytes:
    """Raises OSError: it takes too long."""
    parts: list[bytes] = []
    length = 0
    while length <= MOST_BYTES and (part := answer.read1(1 << 16)):
        parts.append(part)
        length += len(part)
        if time.monotonic() > until:
            raise TimeoutError
    return b"".join(parts)
