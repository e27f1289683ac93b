"""Where a lesson's program may be pushed to: an RTMP or SRT server, told without its secret.

An address holds what lets us in there: the last part of an RTMP path (the stream's key), a user's
password, SRT's `passphrase` and `streamid`. None of it is shown, logged, or in a list of processes.
To whom one may push at all is a setting (`push_hosts`): a teacher's browser must not make this
server speak with any machine of the county's network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from server.errors import Refusal, Text, field_refused

LONGEST_ADDRESS: Final = 1024

_PORTS = {"rtmp": 1935, "rtmps": 443, "srt": 0}
_SECRET_OF_SRT = ("passphrase", "streamid", "pbkeylen")
# Half a character (a surrogate) is none, and cannot be sent.
_SAYS_NOTHING = re.compile(r"[\x00-\x20\x7f\ud800-\udfff\"'\\<>`]")


@dataclass(frozen=True, slots=True)
class PushTarget:
    """A checked address. `repr` of it is safe."""

    kind: Literal["rtmp", "srt"]
    shown: str  # as people are told it
    _address: str

    def __repr__(self) -> str:
        return f"PushTarget({self.shown})"

    @property
    def address(self) -> str:
        """All of it, with its secret: for the process that is to send there."""
        return self._address

    @property
    def srt(self) -> tuple[str, dict[str, str]]:
        """An SRT address without its secret, and its secret, which goes another way."""
        parts = urlsplit(self._address)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        secret = {name: asked.pop(name) for name in _SECRET_OF_SRT if name in asked}
        latency = asked.get("latency", "")
        query = "mode=caller&transtype=live"
        if latency.isdecimal() and len(latency) < 9:
            query += f"&latency={latency}"
        return f"srt://{parts.netloc.rpartition('@')[2]}?{query}", secret


def push_target(address: str, allowed: Sequence[str]) -> PushTarget:
    """The target of an address. Refuses (422) what is none, (403) a host that is not allowed."""
    parts = _split(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    if (parts.hostname or "") not in allowed:
        raise Refusal(
            403,
            "push-host-not-allowed",
            Text(
                f"不允许推流到 {host}。管理员可在设置 push_hosts 中加入它。",
                f"Pushing to {host} is not allowed. An administrator may add it to the setting "
                "push_hosts.",
            ),
        )
    if parts.scheme == "srt" and any(map(_SAYS_NOTHING.search, _said_in(parts))):
        raise _no_target()  # what it says would be read as something else
    kind: Literal["rtmp", "srt"] = "srt" if parts.scheme == "srt" else "rtmp"
    folder = "" if kind == "srt" else f"{_folder_of(parts.path)}/…"
    return PushTarget(kind, f"{parts.scheme}://{host}:{port}{folder}", address)


def _folder_of(path: str) -> str:
    """What of an RTMP path is no secret: all but its last part that says something, and without
    what some platforms add to an application's name behind a semicolon."""
    *folder, _ = [part.partition(";")[0] for part in path.split("/") if part] or [""]
    return "".join(f"/{quote(unquote(part))}" for part in folder)


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        raise _no_target() from None
    wrong = (
        len(address) > LONGEST_ADDRESS
        or _SAYS_NOTHING.search(address) is not None
        or parts.scheme not in _PORTS
        or not parts.hostname
        or not port_is_right
        or (parts.scheme == "srt" and parts.port is None)
        or (parts.scheme != "srt" and len(parts.path) < 2)
    )
    if wrong:
        raise _no_target()
    return parts


def _said_in(parts: SplitResult) -> list[str]:
    return [value for _, value in parse_qsl(parts.query, keep_blank_values=True)]


def _no_target() -> Refusal:
    return field_refused(
        "address",
        "须为 rtmp://HOST/APP/KEY、rtmps://… 或 srt://HOST:PORT?streamid=… 这样的推流地址。",
        "must be like rtmp://HOST/APP/KEY, rtmps://… or srt://HOST:PORT?streamid=…",
    )
