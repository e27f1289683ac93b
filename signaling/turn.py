"""TURN servers that peers may use, with credentials that run out (draft-uberti-behave-turn-rest).

The TURN server and this one share a secret. A username is the second in which it runs out and whose
it is; its password is the username's HMAC under the secret. The TURN server (coturn's
`use-auth-secret`) checks both by itself: it keeps no accounts, and who learns a credential has a
relay for some hours and no more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from signaling.protocol.messages import IceServer

# A school day: whoever joins in the morning may still come back to the last lesson. A relay in use
# outlives its credential; only a new one needs a fresh one, and each welcome brings that.
CREDENTIAL_S = 12 * 3600


@dataclass(frozen=True, slots=True)
class TurnServers:
    """Where relays are had (RFC 7065 URLs), and the secret shared with them."""

    urls: tuple[str, ...]
    secret: bytes = field(repr=False)

    def for_device(self, device_id: str, now: float) -> IceServer:
        """What one device is told; `now` is seconds since 1970. The password is base64 SHA-1."""
        username = f"{int(now) + CREDENTIAL_S}:{device_id}"
        digest = hmac.new(self.secret, username.encode(), hashlib.sha1).digest()
        return IceServer(
            urls=list(self.urls), username=username, credential=base64.b64encode(digest).decode()
        )
