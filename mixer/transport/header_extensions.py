"""The RTP header extensions we speak (RFC 8285), as one table, and which of them a peer agrees to.

One more is a row here and its bytes in the pump: `native/rtp.h` with `rtp.c`; where it goes on
`consumer_packet.c` and `EXTENSIONS_MAX` in `streams.h`; the same field in `native.pxd`,
`_pump.pyx`, `_pump.pyi`, `conversions.pxi` and the fuzzing harness.

Video orientation (`urn:3gpp:video-orientation`) is deliberately not agreed to: without it the
sender turns the picture itself, and recordings and programs, which know no such extension, stand
upright.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from mixer.model import Kind
from mixer.sdp import MediaSection

# One-byte header extensions have ids 1 to 14 (RFC 8285 §4.2).
MAX_EXTENSION_ID = 14

_SOUND = frozenset({Kind.AUDIO})
_PICTURE = frozenset({Kind.VIDEO})
_BOTH = _SOUND | _PICTURE


def _row(uri: str, kinds: frozenset[Kind], *, offered_as: int = 0) -> int:
    """Its name in SDP, what carries it, its id in our offers (0: we send it to nobody)."""
    id_: int = field(default=0, metadata={"uri": uri, "kinds": kinds, "offered_as": offered_as})
    return id_


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """The table; its values are the ids negotiated for one transport, 0 where none was."""

    mid: int = _row("urn:ietf:params:rtp-hdrext:sdes:mid", _BOTH, offered_as=4)
    rid: int = _row("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", _PICTURE)
    repaired_rid: int = _row("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", _PICTURE)
    audio_level: int = _row("urn:ietf:params:rtp-hdrext:ssrc-audio-level", _SOUND, offered_as=1)
    abs_send_time: int = _row(
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", _BOTH, offered_as=2
    )
    transport_cc: int = _row(
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        _BOTH,
        offered_as=3,
    )

    @classmethod
    def of_uris(cls, ids: Mapping[str, int]) -> ExtensionIds:
        """The ids as they were negotiated by name."""
        return cls(**{FIELD_OF_URI[uri]: number for uri, number in ids.items()})

    def for_pump(self) -> dict[str, int]:
        """The ids as the pump's keyword arguments."""
        return asdict(self)


FIELD_OF_URI: dict[str, str] = {row.metadata["uri"]: row.name for row in fields(ExtensionIds)}
# What we send to subscribers, and under which ids we offer it.
OFFERED_IDS: dict[str, int] = {
    row.metadata["uri"]: row.metadata["offered_as"]
    for row in fields(ExtensionIds)
    if row.metadata["offered_as"]
}


def extensions_of(kind: Kind) -> tuple[str, ...]:
    """Those that media of this kind carries."""
    return tuple(
        row.metadata["uri"] for row in fields(ExtensionIds) if kind in row.metadata["kinds"]
    )


def agreed_extensions(media: MediaSection, kind: Kind) -> dict[str, int]:
    """The extensions of this m-line that we speak: id by URI."""
    ours = extensions_of(kind)
    return {
        uri: number
        for uri, number in media.extension_ids().items()
        if uri in ours and number <= MAX_EXTENSION_ID
    }
