"""What two transports must know of each other, out of and into a session description.

Owns: reading the peer's ICE and DTLS values from its description and refusing what cannot work
(not bundled, no rtcp-mux, no fingerprint we trust, …); writing ours into every m-section; our
candidates (RFC 8839, RFC 8842, RFC 8843).

Leaves to `publish_answer.py` and `subscribe_offer.py`: codecs, streams, directions.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from mixer.errors import SdpRefused
from mixer.sdp import ICE_PASSWORD, ICE_UFRAG, IceCredentials, MediaSection, SessionDescription
from mixer.transport.dtls import FINGERPRINT_ALGORITHMS, DtlsRole, Fingerprint

HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+")
MAX_FINGERPRINTS = 8

# RFC 8445 §5.1.2.1: type preference of a host candidate.
HOST_PREFERENCE = 126
# RFC 6544 §4.2: below every UDP candidate, relayed ones (0) aside; libwebrtc's own number.
TCP_HOST_PREFERENCE = 90
PASSIVE_PREFERENCE = 4  # the direction's part of the local preference

SETUP_OF_ROLE = {DtlsRole.CLIENT: "active", DtlsRole.SERVER: "passive"}

# As the origin calls them. FFmpeg's WHIP muxer (8.1) hands a close_notify to its TLS library as if
# it were to be sent, and hangs there; untold, it notices the end by its consent checks in 30 s.
_DEAF_TO_FAREWELL = frozenset({"FFmpeg"})


@dataclass(frozen=True, slots=True)
class PeerParameters:
    """The peer's side of the transport. `our_role` is what its `a=setup` leaves us.

    `hears_farewell` is false for a peer that must not be told of the end (close_notify).
    """

    ice_ufrag: str
    ice_password: str
    fingerprints: tuple[Fingerprint, ...]
    our_role: DtlsRole
    hears_farewell: bool = True


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """Our side of the transport, as every m-section of ours says it. `setup` as SDP has it."""

    credentials: IceCredentials
    fingerprint: Fingerprint
    candidates: tuple[tuple[str, int], ...]
    setup: str
    session_id: int
    session_version: int
    tcp_candidates: tuple[tuple[str, int], ...] = ()


def read_peer(description: SessionDescription) -> PeerParameters:
    """The peer's ICE and DTLS values; raises `SdpRefused` naming what is missing."""
    live = [media for media in description.media if not media.rejected]
    if not live:
        raise SdpRefused("every m-line is rejected (port 0)")
    if description.ice_lite:
        raise SdpRefused("a=ice-lite: this server is ICE-lite itself and cannot reach a lite peer")
    for media in live:
        if len(live) > 1 and media.mid not in description.bundle:
            raise media.refused("not in a=group:BUNDLE; all media must share one transport")
    carrier = next((media for media in live if media.mid in description.bundle[:1]), live[0])
    if carrier.kind in ("audio", "video") and not carrier.has("rtcp-mux"):
        raise carrier.refused("no a=rtcp-mux; RTP and RTCP must share one port")
    ufrag, password = carrier.first("ice-ufrag"), carrier.first("ice-pwd")
    if ufrag is None or ICE_UFRAG.fullmatch(ufrag) is None:
        raise carrier.refused("no usable a=ice-ufrag")
    if password is None or ICE_PASSWORD.fullmatch(password) is None:
        raise carrier.refused("no usable a=ice-pwd")
    return PeerParameters(
        ufrag,
        password,
        _fingerprints(carrier),
        _our_role(carrier),
        hears_farewell=description.user not in _DEAF_TO_FAREWELL,
    )


def _fingerprints(media: MediaSection) -> tuple[Fingerprint, ...]:
    found = []
    for value in media.all("fingerprint")[:MAX_FINGERPRINTS]:
        algorithm, _, digest = value.partition(" ")
        if HEX_PAIRS.fullmatch(digest.strip()) is None:
            raise media.refused("a=fingerprint is malformed")
        if algorithm.lower() in FINGERPRINT_ALGORITHMS:
            found.append(Fingerprint(algorithm.lower(), digest.strip().upper()))
    if not found:
        known = ", ".join(FINGERPRINT_ALGORITHMS)
        raise media.refused(f"no a=fingerprint of a trusted hash ({known})")
    return tuple(found)


def _our_role(media: MediaSection) -> DtlsRole:
    match media.first("setup"):
        case "actpass" | "active":
            return DtlsRole.SERVER
        case "passive":
            return DtlsRole.CLIENT
        case other:
            raise media.refused(f"a=setup:{other} leaves no DTLS role for this server")


def session_lines(local: LocalParameters, bundle: list[str]) -> list[str]:
    """The session level of a description of ours."""
    return [
        "v=0",
        f"o=- {local.session_id} {local.session_version} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        *([f"a=group:BUNDLE {' '.join(bundle)}"] if bundle else []),
        "a=msid-semantic: WMS *",
    ]


def connection_line(local: LocalParameters) -> str:
    """`c=` with the default candidate's address (RFC 8839 §4.2.1.2)."""
    if not local.candidates:
        return "c=IN IP4 0.0.0.0"
    host = local.candidates[0][0]
    return f"c=IN IP{ipaddress.ip_address(host).version} {host}"


def default_port(local: LocalParameters) -> int:
    """The default candidate's port; 9 ("discard") when there is none."""
    return local.candidates[0][1] if local.candidates else 9


def transport_lines(local: LocalParameters) -> list[str]:
    """ICE and DTLS attributes of an m-section, the same in each.

    In a bundle the first would do (RFC 8843 §7.1.3), but aiortc takes the candidates of the last
    m-section it sees for a transport.
    """
    return [
        f"a=ice-ufrag:{local.credentials.ufrag}",
        f"a=ice-pwd:{local.credentials.password}",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        f"a=setup:{local.setup}",
        *candidate_lines(local.candidates, local.tcp_candidates),
    ]


def candidate_lines(
    candidates: tuple[tuple[str, int], ...], tcp_candidates: tuple[tuple[str, int], ...] = ()
) -> list[str]:
    """Host candidates, most preferred first: all by UDP, then those by TCP.

    Encoders that take only the first (FFmpeg) need UDP there. Priorities: RFC 8445 §5.1.2.1,
    RFC 6544 §4.2; the connection is the peer's to open (passive).
    """
    lines = []
    for order, (host, port) in enumerate(candidates):
        priority = (HOST_PREFERENCE << 24) | ((65_535 - order) << 8) | 255
        lines.append(f"a=candidate:{order + 1} 1 udp {priority} {host} {port} typ host")
    for order, (host, port) in enumerate(tcp_candidates):
        local = (PASSIVE_PREFERENCE << 13) | (8_191 - order)
        priority = (TCP_HOST_PREFERENCE << 24) | (local << 8) | 255
        foundation = len(candidates) + order + 1
        lines.append(
            f"a=candidate:{foundation} 1 tcp {priority} {host} {port} typ host tcptype passive"
        )
    return [*lines, "a=end-of-candidates"]
