"""The pump calls libsrtp by the addresses of pylibsrtp's functions, with libsrtp 2's signatures.

And the OpenSSL in the same library by the addresses of its own.
"""

from __future__ import annotations

import ctypes

import pytest
from pylibsrtp import ERRORS, Policy, Session, _binding
from pylibsrtp._binding import ffi, lib

from mixer.pump._pump import AEAD_FUNCTIONS

IN_PLACE = "srtp_err_status_t(*)(struct srtp_ctx_t_ *, void *, int *)"


@pytest.mark.parametrize(
    "name", ["srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"]
)
def test_packets_are_changed_in_place(name: str) -> None:
    kind = ffi.getctype(ffi.typeof(getattr(lib, name)))
    assert kind == IN_PLACE, f"{name} is now {kind}: mixer/pump/native/srtp.h must follow"
    assert int(ffi.cast("uintptr_t", ffi.addressof(lib, name))) != 0


def test_streams_are_removed_by_ssrc() -> None:
    kind = ffi.getctype(ffi.typeof(lib.srtp_remove_stream))
    assert kind == "srtp_err_status_t(*)(struct srtp_ctx_t_ *, unsigned int)"


def test_status_codes_the_pump_knows() -> None:
    assert lib.srtp_err_status_ok == 0
    assert ERRORS[9].startswith("replay check failed (bad index")
    assert ERRORS[10].startswith("replay check failed (index too old")


def test_its_library_shows_openssls_aes_gcm() -> None:
    """Without them the pump works, but libsrtp protects what it sends: a tenth dearer."""
    library = ctypes.CDLL(_binding.__file__)
    for name in AEAD_FUNCTIONS:
        assert hasattr(library, name), f"{name} is not shown: see mixer/pump/native/aead.h"


def test_a_session_holds_its_srtp_t() -> None:
    session = Session(
        Policy(
            key=bytes(30),
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
        )
    )
    assert int(ffi.cast("uintptr_t", session._srtp[0])) != 0
