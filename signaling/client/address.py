"""Where a server is, and how far its certificate is trusted."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server's origin, and whether a certificate made by itself is good enough."""

    origin: str
    tls: ssl.SSLContext | None = None

    @classmethod
    def parse(cls, address: str, *, insecure: bool = False) -> ServerAddress:
        """`http://127.0.0.1:7880` and the like. Raises ValueError for anything else."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{address!r} is no server address; write http://host:port")
        tls = None
        if parts.scheme == "https":
            tls = ssl.create_default_context()
            if insecure:
                tls.check_hostname = False
                tls.verify_mode = ssl.CERT_NONE
        return cls(origin=f"{parts.scheme}://{parts.netloc}", tls=tls)

    @property
    def websocket(self) -> str:
        """Where the lesson's WebSocket is."""
        return "ws" + self.origin.removeprefix("http") + "/ws"
