"""A DTLS client that is none of ours: the system's libssl, with the patience of a browser.

Owns its half of a handshake as BoringSSL does it for Chromium: a flight goes out again after 50 ms,
then 100, 200 and so on, sealed anew each time; at most 1,200 bytes a datagram.

libssl's timer goes by the machine's clock. So it is made to be due at once so many times, and all
copies of a flight are there from its beginning; the loop's clock says when each goes out.
"""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import functools
from collections.abc import Callable, Iterator

from aiortc.rtcdtlstransport import RTCCertificate
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

FIRST_REPEAT_S = 0.05
COPIES = 8  # the last one after 6.4 s
DATAGRAM_BYTES = 1200
RECORD_HEADER_BYTES = 13
AT_ONCE_US, NEVER_US = 1, 3_600_000_000
CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256"
PROFILES = b"SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
# ssl.h
VERIFY_PEER, NO_QUERY_MTU, SET_MTU = 1, 0x1000, 17

_TimerCallback = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint)
_VerifyCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_trusting = _VerifyCallback(lambda fine, context: 1)


@functools.cache
def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("ssl")
    assert name, "Python's own ssl module stands on libssl"
    library = ctypes.CDLL(name)
    for function in (
        "DTLS_method", "SSL_CTX_new", "SSL_new", "BIO_s_mem", "BIO_new",
    ):  # fmt: skip
        getattr(library, function).restype = ctypes.c_void_p
    library.SSL_ctrl.restype = ctypes.c_long
    library.SSL_CTX_set_options.argtypes = (ctypes.c_void_p, ctypes.c_uint64)
    return library


class BrowserLikePeer:
    """The client of one handshake; `send` is called with each datagram."""

    def __init__(self, certificate: RTCCertificate, *, send: Callable[[bytes], None]) -> None:
        self.connected = asyncio.Event()
        self._send, self._ssl = send, _library()
        method = ctypes.c_void_p(self._ssl.DTLS_method())
        self._context = ctypes.c_void_p(self._ssl.SSL_CTX_new(method))
        self._configure(certificate)
        self._connection = ctypes.c_void_p(self._ssl.SSL_new(self._context))
        self._in, self._out = (
            ctypes.c_void_p(self._ssl.BIO_new(ctypes.c_void_p(self._ssl.BIO_s_mem())))
            for _ in range(2)
        )
        self._ssl.SSL_set_bio(self._connection, self._in, self._out)
        self._ssl.SSL_ctrl(self._connection, SET_MTU, ctypes.c_long(DATAGRAM_BYTES), None)
        self._due = _TimerCallback(self._timer_due)
        self._ssl.DTLS_set_timer_cb(self._connection, self._due)
        self._ssl.SSL_set_connect_state(self._connection)
        self._copies: list[bytes] = []  # written by libssl and not yet sent
        self._interval_s = FIRST_REPEAT_S
        self._timer: asyncio.TimerHandle | None = None

    def _configure(self, certificate: RTCCertificate) -> None:
        shown = certificate._cert.public_bytes(Encoding.DER)
        key = certificate._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        context, library = self._context, self._ssl
        assert library.SSL_CTX_use_certificate_ASN1(context, len(shown), shown) == 1
        key_type = 408  # EVP_PKEY_EC
        assert library.SSL_CTX_use_PrivateKey_ASN1(key_type, context, key, len(key)) == 1
        assert library.SSL_CTX_set_cipher_list(context, CIPHERS) == 1
        assert library.SSL_CTX_set_tlsext_use_srtp(context, PROFILES) == 0
        library.SSL_CTX_set_verify(context, VERIFY_PEER, _trusting)
        library.SSL_CTX_set_options(context, NO_QUERY_MTU)

    def start(self) -> None:
        """The first flight goes out."""
        self._advance()

    def receive(self, datagram: bytes) -> None:
        """A datagram from the other side."""
        self._ssl.BIO_write(self._in, datagram, len(datagram))
        self._advance()

    def close(self) -> None:
        """Free everything."""
        if self._timer is not None:
            self._timer.cancel()
        self._ssl.SSL_free(self._connection)
        self._ssl.SSL_CTX_free(self._context)

    def _advance(self) -> None:
        self._collect()
        waiting, self._copies = self._copies, []
        if self._ssl.SSL_do_handshake(self._connection) == 1:
            self.connected.set()
            waiting = []
        self._ssl.ERR_clear_error()
        self._collect()
        if self._copies:
            self._interval_s = FIRST_REPEAT_S
            self._send_next()
        else:
            self._copies = waiting

    def _timer_due(self, connection: int, timer_us: int) -> int:
        """libssl asks how long to wait for an answer to what it has written."""
        self._collect()
        return AT_ONCE_US if len(self._copies) < COPIES else NEVER_US

    def _collect(self) -> None:
        room = ctypes.create_string_buffer(65_536)
        length = self._ssl.BIO_read(self._out, room, len(room))
        if length > 0:
            self._copies.append(room.raw[:length])

    def _send_next(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._copies:
            return  # answered meanwhile
        for datagram in _datagrams(self._copies.pop(0)):
            self._send(datagram)
        if self._copies:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval_s, self._send_next)
            self._interval_s *= 2


def _datagrams(written: bytes) -> Iterator[bytes]:
    """As many whole records in each as there is room for."""
    begin = at = 0
    while at < len(written):
        length = int.from_bytes(written[at + 11 : at + RECORD_HEADER_BYTES])
        end = at + RECORD_HEADER_BYTES + length
        if end - begin > DATAGRAM_BYTES and at > begin:
            yield written[begin:at]
            begin = at
        at = end
    yield written[begin:]
