"""The load client's session descriptions: an offer to publish, an answer to subscribe.

Owns: writing what a browser would write for one sound and one picture, and reading out of a
server's description what the load must know (RFC 8829, RFC 8839, RFC 8842). Leaves to
`load_client` what happens with it. Nothing here belongs to one kind of server.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer import sdp
from mixer.model import Kind
from mixer.transport.dtls import DtlsRole, Fingerprint
from mixer.transport.header_extensions import FIELD_OF_URI, OFFERED_IDS, extensions_of

AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE = 111, 96
AUDIO_MID, VIDEO_MID = "0", "1"


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our side of one connection."""

    ufrag: str
    password: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """The server's side of one connection: where it is, who it is, and our DTLS role.

    `controls`: it is the one that nominates, as a full ICE agent that made the offer
    (RFC 8445 §6.1.1).
    """

    host: str
    port: int
    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    our_role: DtlsRole
    controls: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed: per kind of media its payload type, and extension ids by short name."""

    transport: RemoteTransport
    payload_types: dict[str, tuple[int, ...]]
    extensions: dict[str, int]


def publish_offer(local: LocalTransport, *, cname: str, audio_ssrc: int, video_ssrc: int) -> str:
    """An offer that sends one Opus and one VP8 stream, as a browser's would look."""
    lines = [*_session(["0", "1"])]
    for kind, mid, ssrc in (("audio", AUDIO_MID, audio_ssrc), ("video", VIDEO_MID, video_ssrc)):
        number = AUDIO_PAYLOAD_TYPE if kind == "audio" else VIDEO_PAYLOAD_TYPE
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            *_transport(local, "actpass"),
            f"a=mid:{mid}",
            *_extensions(kind, OFFERED_IDS),
            "a=sendonly",
            f"a=msid:{cname} {cname}-{kind}",
            *_codec(kind, number),
            f"a=ssrc:{ssrc} cname:{cname}",
        ]
    return sdp.format_lines(lines)


def server_description(
    local: LocalTransport,
    media: list[tuple[str, str, int]],
    direction: str,
    setup: str,
    address: tuple[str, int],
) -> str:
    """What a server without header extensions and feedback says; `media` as (mid, kind, type)."""
    candidate = f"a=candidate:1 1 udp 2130706431 {address[0]} {address[1]} typ host"
    lines = [*_session([mid for mid, _, _ in media]), "a=ice-lite"]
    for mid, kind, number in media:
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            *_transport(local, setup),
            candidate,
            f"a=mid:{mid}",
            f"a={direction}",
            *_codec(kind, number, transport_cc=False),
        ]
    return sdp.format_lines(lines)


def subscribe_answer(
    offer: str, local: LocalTransport, *, transport_cc: bool = True
) -> tuple[str, Agreed]:
    """An answer that takes every offered line in Opus or VP8, and what was agreed by it."""
    description = sdp.parse(offer)
    agreed = read(offer, transport_cc=transport_cc, is_offer=True)
    setup = "active" if agreed.transport.our_role is DtlsRole.CLIENT else "passive"
    live = [media for media in description.media if not media.rejected]
    lines = [*_session([media.mid for media in live])]
    for media in live:
        number = _payload_type(media)
        known = media.extension_ids()
        wanted = {uri: known[uri] for uri in known if uri in OFFERED_IDS}
        if not transport_cc:
            wanted = {u: n for u, n in wanted.items() if FIELD_OF_URI[u] != "transport_cc"}
        lines += [
            f"m={media.kind} 9 {media.protocol} {number}",
            "c=IN IP4 0.0.0.0",
            *_transport(local, setup),
            f"a=mid:{media.mid}",
            *_extensions(media.kind, wanted),
            "a=recvonly" if media.direction in ("sendonly", "sendrecv") else "a=inactive",
            *_codec(media.kind, number, transport_cc=transport_cc, rtx=_rtx(media, number)),
        ]
    return sdp.format_lines(_with_payload_numbers(lines)), agreed


def read(text: str, *, transport_cc: bool = True, is_offer: bool = False) -> Agreed:
    """What a server's offer or answer says. Raises `ValueError` when it cannot be used."""
    description = sdp.parse(text)
    live = [media for media in description.media if not media.rejected]
    if not live:
        raise ValueError("the server rejected every m-line")
    extensions: dict[str, int] = {}
    payload_types: dict[str, tuple[int, ...]] = {}
    for media in live:
        payload_types[media.kind] = (*payload_types.get(media.kind, ()), _payload_type(media))
        for uri, number in media.extension_ids().items():
            if uri in FIELD_OF_URI:
                extensions[FIELD_OF_URI[uri]] = number
    if not transport_cc:
        extensions.pop("transport_cc", None)
    controls = is_offer and not description.ice_lite
    return Agreed(_remote(live, controls), payload_types, extensions)


def _remote(live: list[sdp.MediaSection], controls: bool) -> RemoteTransport:
    first = live[0]
    candidates = [value.split() for media in live for value in media.all("candidate")]
    usable = [parts for parts in candidates if parts[2].lower() == "udp"]
    ufrag, password = first.first("ice-ufrag"), first.first("ice-pwd")
    if not usable or ufrag is None or password is None:
        raise ValueError("the server's description has no UDP candidate or no ICE credentials")
    best = max(usable, key=lambda parts: int(parts[3]))
    fingerprints = tuple(
        Fingerprint(algorithm.lower(), value.strip().upper())
        for algorithm, _, value in (text.partition(" ") for text in first.all("fingerprint"))
    )
    passive = first.first("setup") == "active"
    role = DtlsRole.SERVER if passive else DtlsRole.CLIENT
    return RemoteTransport(best[4], int(best[5]), ufrag, password, fingerprints, role, controls)


def _payload_type(media: sdp.MediaSection) -> int:
    wanted = "opus" if media.kind == "audio" else "vp8"
    for number, described in media.rtpmaps().items():
        if described.name.lower() == wanted:
            return number
    raise ValueError(f"the server's {media.kind} has no {wanted}")


def _rtx(media: sdp.MediaSection, number: int) -> int:
    parameters = media.format_parameters()
    for rtx, described in media.rtpmaps().items():
        if described.name.lower() == "rtx" and parameters.get(rtx, {}).get("apt") == str(number):
            return rtx
    return 0


def _session(mids: list[str]) -> list[str]:
    return [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=msid-semantic: WMS *",
    ]


def _transport(local: LocalTransport, setup: str) -> list[str]:
    return [
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        "a=ice-options:trickle",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]


def _extensions(kind: str, ids: dict[str, int]) -> list[str]:
    return [
        f"a=extmap:{number} {uri}"
        for uri, number in ids.items()
        if uri in extensions_of(Kind(kind))
    ]


def _codec(kind: str, number: int, *, transport_cc: bool = True, rtx: int = 0) -> list[str]:
    feedback = ["transport-cc"] if transport_cc else []
    if kind == "audio":
        lines = [f"a=rtpmap:{number} opus/48000/2", f"a=fmtp:{number} minptime=10;useinbandfec=1"]
    else:
        lines = [f"a=rtpmap:{number} VP8/90000"]
        feedback += ["nack", "nack pli", "ccm fir"]
    if rtx:
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={number}"]
    return lines + [f"a=rtcp-fb:{number} {name}" for name in feedback]


def _with_payload_numbers(lines: list[str]) -> list[str]:
    """Every m-line names all payload types that its section describes."""
    out = list(lines)
    for at, line in enumerate(lines):
        if not line.startswith("m="):
            continue
        numbers = []
        for later in lines[at + 1 :]:
            if later.startswith("m="):
                break
            if later.startswith("a=rtpmap:"):
                numbers.append(later.removeprefix("a=rtpmap:").split()[0])
        out[at] = " ".join([*line.split()[:3], *numbers])
    return out
