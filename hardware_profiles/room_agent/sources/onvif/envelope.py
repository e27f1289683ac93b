"""SOAP 1.2 around a request, with a WS-UsernameToken (OASIS WSS UsernameToken Profile 1.1, §3.1).

The password itself never goes out: its digest is over a nonce and the time *of the camera*, whose
clock is asked for first, for many refuse a time that is minutes from theirs.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from hardware_profiles.room_agent.sources.rtsp.authorization import Login

NONCE_BYTES = 16
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_DIGEST = f"{_WSS}-username-token-profile-1.0#PasswordDigest"
_BASE64 = f"{_WSS}-soap-message-security-1.0#Base64Binary"


def envelope(body: str, login: Login | None, *, nonce: bytes, camera_time: float) -> bytes:
    """The whole request; `camera_time` in seconds since 1970."""
    header = "" if login is None else _security(login, nonce, camera_time)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{_SOAP}">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def password_digest(password: str, nonce: bytes, created: str) -> str:
    """Base64(SHA-1(nonce + created + password))."""
    hashed = hashlib.sha1(nonce + created.encode() + password.encode())  # noqa: S324 - as the standard has it
    return base64.b64encode(hashed.digest()).decode()


def _security(login: Login, nonce: bytes, camera_time: float) -> str:
    created = datetime.fromtimestamp(camera_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<w:Security xmlns:w="{_WSS}-wssecurity-secext-1.0.xsd" s:mustUnderstand="1">'
        f"<w:UsernameToken><w:Username>{escape(login.user)}</w:Username>"
        f'<w:Password Type="{_DIGEST}">{password_digest(login.password, nonce, created)}'
        f'</w:Password><w:Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}'
        f'</w:Nonce><u:Created xmlns:u="{_WSS}-wssecurity-utility-1.0.xsd">{created}</u:Created>'
        "</w:UsernameToken></w:Security>"
    )
