"""The subscribe connection: we offer what we send, the device answers (RFC 8829 §5.2).

Owns: writing the offer for all lines of a connection, and reading the answer into what the pump
must know: payload types, header extensions, the peer's transport. Also the other way round, the
offer of a WHEP player, which we answer.

Leaves to `m_lines.py`: which m-line carries what.

A device's sound and picture carry one CNAME and one msid stream, so the peer plays them in step
(RFC 8830, RFC 3550 §6.5.1). Every video line offers H.264 and VP8: what is sent on it is in the
codec its producer chose, and that may change with the next producer on this line.

H.264 of whatever profile and level goes out under one that the peer takes: constrained baseline 3.1
in our offers, the player's own in answers to it. Decoders go by the stream's parameter sets; a
description with a profile that the peer has not named is refused whole (Firefox).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mixer import sdp
from mixer.errors import SdpRefused
from mixer.model import Kind
from mixer.sdp import MediaSection
from mixer.transport import peer as peers
from mixer.transport.codecs import (
    AGREED_H264_PARAMETERS,
    CONSTRAINED_BASELINE,
    Codec,
    choose_codec,
    codec_lines,
)
from mixer.transport.header_extensions import (
    OFFERED_IDS,
    ExtensionIds,
    agreed_extensions,
    extensions_of,
)
from mixer.transport.m_lines import MLine, SentStream
from mixer.transport.peer import LocalParameters, PeerParameters

OPUS = Codec(
    name="opus",
    payload_type=111,
    clock_rate=48_000,
    channels=2,
    parameters=(("minptime", "10"), ("useinbandfec", "1")),
    feedback=frozenset({"nack", "transport-cc"}),
)
VIDEO_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"})


VP8 = Codec(
    name="VP8",
    payload_type=96,
    clock_rate=90_000,
    channels=1,
    feedback=VIDEO_FEEDBACK,
    rtx_payload_type=97,
)
H264 = Codec(
    name="H264",
    payload_type=98,
    clock_rate=90_000,
    channels=1,
    parameters=(
        ("level-asymmetry-allowed", "1"),
        ("packetization-mode", "1"),
        ("profile-level-id", CONSTRAINED_BASELINE),
    ),
    feedback=VIDEO_FEEDBACK,
    rtx_payload_type=99,
)


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What the peer agreed to. An m-line whose codec is None carries nothing."""

    peer: PeerParameters
    extensions: ExtensionIds
    codecs: dict[str, Codec | None]

    @property
    def transport_cc(self) -> bool:
        """Whether the peer reports every packet's arrival (send-side bandwidth estimate)."""
        return self.extensions.transport_cc > 0


def stream_name(device_id: str) -> str:
    """The msid stream and CNAME of a device: a token whatever the id's characters."""
    return "d" + hashlib.blake2s(device_id.encode(), digest_size=10).hexdigest()


# Our offer


def write_offer(m_lines: Sequence[MLine], local: LocalParameters) -> str:
    """An offer of all lines; free ones are inactive."""
    text = peers.session_lines(local, [m_line.mid for m_line in m_lines])
    for m_line in m_lines:
        text += _offer_section(m_line, _offered_codecs(m_line), local)
    return sdp.format_lines(text)


def _offered_codecs(m_line: MLine) -> list[Codec]:
    """What a line may carry, what it carries now first."""
    if m_line.kind is Kind.AUDIO:
        return [OPUS]
    is_vp8 = m_line.stream is not None and m_line.stream.codec.name == "VP8"
    return [VP8, H264] if is_vp8 else [H264, VP8]


def _offer_section(m_line: MLine, codecs: list[Codec], local: LocalParameters) -> list[str]:
    numbers: list[int] = []
    for codec in codecs:
        numbers.append(codec.payload_type)
        if codec.rtx_payload_type:
            numbers.append(codec.rtx_payload_type)
    formats = " ".join(map(str, numbers))
    text = [
        f"m={m_line.kind.value} {peers.default_port(local)} UDP/TLS/RTP/SAVPF {formats}",
        peers.connection_line(local),
        "a=inactive" if m_line.stream is None else "a=sendonly",
        f"a=mid:{m_line.mid}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *peers.transport_lines(local),
        *(
            f"a=extmap:{OFFERED_IDS[uri]} {uri}"
            for uri in extensions_of(m_line.kind)
            if uri in OFFERED_IDS
        ),
    ]
    for codec in codecs:
        text += codec_lines(codec, dict(codec.parameters))
    return text + (_stream_lines(m_line, m_line.stream) if m_line.stream is not None else [])


def _stream_lines(m_line: MLine, stream: SentStream) -> list[str]:
    name = stream_name(stream.device_id)
    lines = [f"a=msid:{name} {stream_name(stream.producer_id)}"]
    has_rtx = m_line.kind is Kind.VIDEO
    if has_rtx:
        lines.append(f"a=ssrc-group:FID {m_line.ssrc} {m_line.rtx_ssrc}")
    lines.append(f"a=ssrc:{m_line.ssrc} cname:{name}")
    if has_rtx:
        lines.append(f"a=ssrc:{m_line.rtx_ssrc} cname:{name}")
    return lines


def read_answer(text: str, m_lines: Sequence[MLine]) -> PeerAnswer:
    """Read the answer to the offer of exactly these lines; raises `SdpRefused`."""
    description = sdp.parse(text)
    if len(description.media) != len(m_lines):
        raise SdpRefused(
            f"the answer has {len(description.media)} m-lines, the offer had {len(m_lines)}"
        )
    peer = peers.read_peer(description)
    uris: dict[str, int] = {}
    codecs: dict[str, Codec | None] = {}
    for media, m_line in zip(description.media, m_lines, strict=True):
        if media.kind != m_line.kind.value or (media.mid or m_line.mid) != m_line.mid:
            raise media.refused(f"the offer had {m_line.kind.value} with mid {m_line.mid} here")
        codecs[m_line.mid] = _answered_codec(media, m_line)
        if not media.rejected:
            uris |= _known_extensions(media, m_line.kind)
    return PeerAnswer(peer, ExtensionIds.of_uris(uris), codecs)


def _known_extensions(media: MediaSection, kind: Kind) -> dict[str, int]:
    """Those of our offer that came back under the id we gave them."""
    return {
        uri: number
        for uri, number in agreed_extensions(media, kind).items()
        if OFFERED_IDS.get(uri) == number
    }


def _answered_codec(media: MediaSection, m_line: MLine) -> Codec | None:
    """The payload type the peer wants this line's stream under; None when it does not want it."""
    if m_line.stream is None or media.rejected or media.direction not in ("recvonly", "sendrecv"):
        return None
    stream = m_line.stream
    chosen = choose_codec(media, stream.kind, (stream.codec.name,))
    return chosen or _fallback_codec(media, stream)


def _fallback_codec(media: MediaSection, stream: SentStream) -> Codec | None:
    """The payload type for a stream that its peer cannot take as it comes."""
    if not stream.fallback_codec:
        return None
    return choose_codec(media, stream.kind, (stream.fallback_codec,))


# A player's offer (WHEP)


@dataclass(frozen=True, slots=True)
class PlayerOffer:
    """A player's offer, read: the kinds of its receiving m-lines by mid, in order."""

    peer: PeerParameters
    extension_uris: dict[str, int]
    receiving: dict[str, Kind]
    description: sdp.SessionDescription

    @property
    def extensions(self) -> ExtensionIds:
        """The ids as the pump takes them."""
        return ExtensionIds.of_uris(self.extension_uris)


def read_player_offer(text: str) -> PlayerOffer:
    """Read the offer of a WHEP player; raises `SdpRefused`."""
    description = sdp.parse(text)
    peer = peers.read_peer(description)
    uris: dict[str, int] = {}
    receiving: dict[str, Kind] = {}
    for media in description.media:
        if media.rejected or media.kind not in ("audio", "video"):
            continue
        kind = Kind(media.kind)
        for uri, number in agreed_extensions(media, kind).items():
            if uri in OFFERED_IDS:
                uris.setdefault(uri, number)
        if media.direction in ("recvonly", "sendrecv"):
            receiving[media.name] = kind
    if not receiving:
        raise SdpRefused("the player's offer receives nothing: no recvonly audio or video m-line")
    return PlayerOffer(peer, uris, receiving, description)


def _codec_for(media: MediaSection, stream: SentStream) -> Codec | None:
    """The player's payload type that fits the producer's codec best."""
    codec = choose_codec(media, stream.kind, (stream.codec.name,))
    if codec is None:
        return _fallback_codec(media, stream)
    if stream.codec.name != "H264":
        return codec
    same_profile = [
        payload_type
        for payload_type, parameters in media.format_parameters().items()
        if parameters.get("profile-level-id", "").lower()[:4] == stream.codec.profile[:4]
        and parameters.get("packetization-mode") == "1"
        and payload_type in media.payload_types()
    ]
    if not same_profile or codec.payload_type in same_profile:
        return codec
    narrowed = replace(
        media,
        formats=tuple(
            text
            for text in media.formats
            if int(text) in same_profile or not _is_h264(media, int(text))
        ),
    )
    return choose_codec(narrowed, stream.kind, ("H264",)) or codec


def _is_h264(media: MediaSection, payload_type: int) -> bool:
    described = media.rtpmaps().get(payload_type)
    return described is not None and described.name.upper() == "H264"


def player_codec(offer: PlayerOffer, mid: str, stream: SentStream) -> Codec | None:
    """The player's payload type for this stream on its m-line `mid`; None when it has none."""
    for media in offer.description.media:
        if media.name == mid:
            return _codec_for(media, stream)
    return None


def write_player_answer(
    offer: PlayerOffer, m_lines: Sequence[MLine], local: LocalParameters
) -> str:
    """The answer that gives the player the streams of `m_lines`."""
    by_mid = {m_line.mid: m_line for m_line in m_lines}
    answered = [
        media
        for media in offer.description.media
        if (m_line := by_mid.get(media.name)) is not None and m_line.codec
    ]
    text = peers.session_lines(local, [media.mid for media in answered if media.mid])
    for media in offer.description.media:
        if media in answered:
            m_line = by_mid[media.name]
            text += _player_section(media, m_line, offer, local)
        else:
            text += [
                f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}",
                "c=IN IP4 0.0.0.0",
                *([f"a=mid:{media.mid}"] if media.mid else []),
                "a=inactive",
            ]
    return sdp.format_lines(text)


def _player_section(
    media: MediaSection,
    m_line: MLine,
    offer: PlayerOffer,
    local: LocalParameters,
) -> list[str]:
    codec = m_line.codec
    if codec is None or m_line.stream is None:
        return []
    numbers = [codec.payload_type] + ([codec.rtx_payload_type] if codec.rtx_payload_type else [])
    return [
        f"m={media.kind} {peers.default_port(local)} {media.protocol} "
        f"{' '.join(map(str, numbers))}",
        peers.connection_line(local),
        "a=sendonly",
        *([f"a=mid:{media.mid}"] if media.mid else []),
        "a=rtcp-mux",
        *(["a=rtcp-rsize"] if media.has("rtcp-rsize") else []),
        *peers.transport_lines(local),
        *(
            f"a=extmap:{number} {uri}"
            for uri, number in agreed_extensions(media, m_line.kind).items()
            if offer.extension_uris.get(uri) == number
        ),
        *codec_lines(codec, _answered_parameters(codec)),
        *_stream_lines(m_line, m_line.stream),
    ]


def _answered_parameters(codec: Codec) -> dict[str, str]:
    """Of the player's own, those that both sides must have alike (RFC 6184 §8.2.2)."""
    offered = dict(codec.parameters)
    if codec.name != "H264":
        return offered
    return {name: offered[name] for name in AGREED_H264_PARAMETERS if name in offered}
