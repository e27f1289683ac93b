"""Requests that two readers could read as two different things are not read at all.

Owns which heads are refused although h11 takes them, and the words of every refusal of a head.
Between a proxy and us such requests smuggle a second one past the proxy (RFC 9112 §11.2): the
connection is closed after the answer, for nobody knows where the next request begins.
"""

from __future__ import annotations

import h11

from server.api.refusals import refusal_response
from server.errors import Refusal, Text

HEAD_BYTES = 65_536  # request line and headers; a page's cookies and headers take 2 KB


class StrictConnection(h11.Connection):
    """h11's server side, with RFC 9112's stricter choices. `fault` is why it refused."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_BYTES)
        self.fault: h11.RemoteProtocolError | None = None

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """As h11's; raises `RemoteProtocolError` for what h11 lets pass."""
        # Counted in the buffer, not in the event: h11 has folded and stripped that.
        held = len(self.trailing_data[0]) if self.their_state is h11.IDLE else 0
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                _check(event, held - len(self.trailing_data[0]))
        except h11.RemoteProtocolError as fault:
            self.fault = fault
            raise
        return event


def _check(request: h11.Request, head_bytes: int) -> None:
    if head_bytes > HEAD_BYTES:
        # h11 asks how long a head is only while its end has not come.
        raise h11.RemoteProtocolError("head too long", error_status_hint=431)
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" not in names:
        return
    if b"content-length" in names:  # RFC 9112 §6.1: refuse, or believe one and close
        raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
    if request.http_version < b"1.1":  # same section: its framing is faulty
        raise h11.RemoteProtocolError("Transfer-Encoding in HTTP/1.0")


def head_refusal(fault: h11.RemoteProtocolError | None) -> tuple[h11.Response, bytes]:
    """The answer to a head that is refused, and its body."""
    status = 400 if fault is None else fault.error_status_hint
    if status == 431:
        text = Text("请求头过长。", "The request's head is too long.")
        refusal = Refusal(status, "head-too-large", text)
    else:
        text = Text("请求不符合 HTTP 规范。", "The request is not valid HTTP.")
        refusal = Refusal(status, "malformed", text)
    answer = refusal_response(refusal)
    headers = [
        *answer.raw_headers,
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    return h11.Response(status_code=status, headers=headers), bytes(answer.body)
