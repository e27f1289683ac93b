"""The account's key and what it signs: JWS in the flattened JSON form (RFC 8555 §6.2, RFC 7515).

ES256 alone: every ACME server must take it (§6.2), and the key is small.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from server.door.authority import pem_of_key

_ALGORITHM = "ES256"
# ACME's own header words are none that joserfc knows: it is told to let them be.
_REGISTRY = jws.JWSRegistry(algorithms=[_ALGORITHM], strict_check_header=False)


class AccountKey:
    """A key by which a directory knows us."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = ECKey.import_key(pem_of_key(key))
        self.thumbprint = self._key.thumbprint()  # RFC 7638

    def signed(self, payload: bytes, *, url: str, nonce: str, account_url: str = "") -> bytes:
        """A request's body; without the account's URL it carries the key itself (§6.2)."""
        known: dict[str, Any] = (
            {"kid": account_url} if account_url else {"jwk": self._key.as_dict(private=False)}
        )
        protected = {"alg": _ALGORITHM, "nonce": nonce, "url": url, **known}
        made = jws.serialize_json({"protected": protected}, payload, self._key, registry=_REGISTRY)
        return json.dumps(made).encode()


def base64url(data: bytes) -> str:
    """Without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
