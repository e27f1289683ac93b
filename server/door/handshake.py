"""The TLS context of the listening sockets: it knows ACME's visitors from all others.

While a proof waits to be looked at (`proofs`), the first message of each connection is read before
OpenSSL has it; else nothing here costs anything. Everybody who does not ask for `acme-tls/1` is
served as ever: nobody is shown a proof instead of the certificate.
"""

from __future__ import annotations

import ssl
from typing import Self

from server.door.client_hello import ACME, offered_protocols

# An honest first message comes in two or three pieces; each is a look at all that has come.
MOST_LOOKS = 32


class Visit(ssl.SSLObject):
    """One connection's TLS. `proves`: it is an ACME server's, who comes for a proof."""

    incoming: ssl.MemoryBIO
    proves = False
    _first = True
    _looks = 0

    def do_handshake(self) -> None:
        """As ever, once the first message is there."""
        if self._first and isinstance(self.context, DoorContext) and self.context.proofs:
            offered = offered_protocols(self._peeked())
            self._looks += 1
            if offered is None and self._looks < MOST_LOOKS:
                raise ssl.SSLWantReadError
            self.proves = offered is not None and ACME in offered
            self._first = False
        super().do_handshake()

    def _peeked(self) -> bytes:
        """What has come, left where it is."""
        data = self.incoming.read()
        if data and not self.incoming.eof:
            self.incoming.write(data)
        return data


class DoorContext(ssl.SSLContext):
    """`proofs` are the contexts to show to ACME's visitors, by name."""

    sslobject_class = Visit
    proofs: dict[str, ssl.SSLContext]

    def __new__(cls, protocol: int) -> Self:
        """A context with no proof to show."""
        made = super().__new__(cls, protocol)
        made.proofs = {}
        return made

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As ever; a server's side can look at what has come."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, Visit):
            made.incoming = incoming
        return made
