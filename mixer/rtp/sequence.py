"""Arithmetic on numbers that wrap, and on NTP time.

RTP sequence numbers have 16 bits, timestamps 32 (RFC 3550 §5.1), transport-wide reference times
24; "newer" means less than half the circle ahead (RFC 1982). NTP time counts seconds from 1900 in
32.32 fixed point (RFC 3550 §4).
"""

from __future__ import annotations

SEQUENCE_BITS = 16
TIMESTAMP_BITS = 32

# Seconds from 1900-01-01 (NTP) to 1970-01-01 (Unix): 70 years, 17 of them leap years.
NTP_UNIX_OFFSET_S = (70 * 365 + 17) * 86_400

NANOSECONDS = 1_000_000_000


def wrapped_distance(newer: int, older: int, bits: int) -> int:
    """How far `newer` lies ahead of `older` on a circle of 2**bits; negative when behind."""
    half = 1 << (bits - 1)
    return ((newer - older + half) & ((1 << bits) - 1)) - half


def sequence_distance(newer: int, older: int) -> int:
    """Signed distance of two 16-bit sequence numbers."""
    return ((newer - older + 0x8000) & 0xFFFF) - 0x8000


def sequence_newer(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b`."""
    return a != b and ((a - b) & 0xFFFF) < 0x8000


def timestamp_distance(newer: int, older: int) -> int:
    """Signed distance of two 32-bit RTP timestamps, in ticks of their clock."""
    return ((newer - older + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


class Unwrapper:
    """Turns a wrapping number into one that does not wrap.

    Each value is taken as the nearest to the newest value seen, so numbers may come out of order
    by less than half the circle. The first value stands for itself.
    """

    __slots__ = ("_bits", "_mask", "_newest")

    def __init__(self, bits: int = SEQUENCE_BITS) -> None:
        if not 1 <= bits <= 64:
            raise ValueError(f"bits must be 1…64, not {bits}")
        self._bits = bits
        self._mask = (1 << bits) - 1
        self._newest: int | None = None

    @property
    def newest(self) -> int | None:
        """The highest number so far, None before the first."""
        return self._newest

    def unwrap(self, value: int) -> int:
        """The number that `value` (0 … 2**bits−1) stands for; remembers it if it is the newest."""
        newest = self._newest
        if newest is None:
            self._newest = value
            return value
        if value == (newest + 1) & self._mask:  # as nearly always
            unwrapped = self._newest = newest + 1
            return unwrapped
        unwrapped = self.peek(value)
        self._newest = max(newest, unwrapped)
        return unwrapped

    def peek(self, value: int) -> int:
        """Like `unwrap`, but remembers nothing."""
        if self._newest is None:
            return value
        return self._newest + wrapped_distance(value, self._newest, self._bits)


def ntp_from_unix_ns(unix_ns: int) -> int:
    """64-bit NTP time (32.32 fixed point seconds since 1900) of a Unix time in nanoseconds."""
    seconds, rest = divmod(unix_ns, NANOSECONDS)
    # Rounded, so that a conversion there and back gives the same nanosecond.
    fraction = ((rest << 32) + NANOSECONDS // 2) // NANOSECONDS
    return (((seconds + NTP_UNIX_OFFSET_S) << 32) + fraction) & 0xFFFF_FFFF_FFFF_FFFF


def unix_ns_from_ntp(ntp: int) -> int:
    """Unix time in nanoseconds of a 64-bit NTP time between 1968 and 2104 (RFC 4330 §3)."""
    seconds = ntp >> 32
    if seconds < 1 << 31:
        seconds += 1 << 32  # the era that begins in 2036
    seconds -= NTP_UNIX_OFFSET_S
    return seconds * NANOSECONDS + (((ntp & 0xFFFF_FFFF) * NANOSECONDS + (1 << 31)) >> 32)
