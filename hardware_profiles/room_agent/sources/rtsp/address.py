"""A camera's address, and the addresses it gives itself (RFC 2326 §3.2, §C.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from hardware_profiles.room_agent.sources.rtsp.errors import NotRtsp

DEFAULT_PORT = 554
# RFC 2326 names no limit; no camera's address is near this, and a request is one datagram.
MOST_URL_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """Where a stream is asked for. `url` holds no user and no password."""

    host: str
    port: int
    url: str

    @classmethod
    def parse(cls, text: str) -> StreamAddress:
        """`rtsp://host:port/path`. User and password are left out. Raises `NotRtsp`."""
        url = checked_url(text)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise NotRtsp("an address that is none") from None
        if parts.scheme.lower() != "rtsp" or not host or port == 0:
            raise NotRtsp("an address that is not rtsp://")
        place = parts.netloc.rpartition("@")[2]
        rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return cls(host, DEFAULT_PORT if port is None else port, f"rtsp://{place}{rest}")


def checked_url(text: str) -> str:
    """An address as a request line can carry it. Raises `NotRtsp`."""
    text = text.strip()
    if not text or len(text) > MOST_URL_CHARACTERS:
        raise NotRtsp("an address of no length or too much")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise NotRtsp("an address with signs that no address has")
    return text


def control_url(base: str, control: str) -> str:
    """What a track (or the whole, by `*`) is controlled by. Raises `NotRtsp`.

    Relative ones are put behind the base, as cameras mean it: by RFC 3986 `trackID=1` would take
    the place of the base's last part, and of its query. Of an absolute one with a user and a
    password these are left out.
    """
    if control in ("", "*"):
        return base
    if "://" in control:
        return StreamAddress.parse(control).url
    return checked_url(f"{base.rstrip('/')}/{control.lstrip('/')}")
