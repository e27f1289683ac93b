"""What looks like a secret, blotted out of what is logged.

Nothing of ours logs one; this is for a library's line with an address or a header in it, and for an
error's text.
"""

from __future__ import annotations

import re

BLOT = "••••••"
_NAMES = "password|passwd|secret|token|authorization|cookie|credential|key"
_NAMED = re.compile(rf"(?i)(?:^|_)(?:{_NAMES})$")
_SECRETS = (
    re.compile(r"\btk[a-z]_[A-Za-z0-9_-]{8,}"),  # credentials and keys of ours (`server.ids`)
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"),  # join tokens (JWT)
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),  # a name and password in an address
    re.compile(r"\$argon2[a-z]*\$[^\s'\",)]+"),  # the hash of a password
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)", re.DOTALL),
    re.compile(r"(?<=a=ice-pwd:)[^\s'\"\\]+"),  # by which a connection is taken over (RFC 8839)
    re.compile(
        rf"(?i)(?<![a-z])(?:{_NAMES})"
        r"(?:['\"]?\s*[=:]\s*['\"]?)(?:bearer\s+)?([^\s'\",;&]+)"
    ),
)


def names_a_secret(name: str) -> bool:
    """Whether a value under this name is one."""
    return _NAMED.search(name) is not None


def blotted(line: str) -> str:
    """The line without what looks like a secret."""
    for secret in _SECRETS:
        line = secret.sub(_without, line)
    return line


def _without(found: re.Match[str]) -> str:
    if found.lastindex is None:
        return BLOT
    return found[0].removesuffix(found[1]) + BLOT
