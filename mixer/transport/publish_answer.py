"""The publish connection: a device offers what it sends, we say what we take (RFC 8829 §5.3).

Owns: reading the offer of a browser, aiortc, FFmpeg or GStreamer into a `PublishPlan` — transport,
header extensions, and for each source its codec and encodings — and writing the answer.

Leaves to others: building what the plan says (the node), what a source is called (signaling).

Streams are known by rid (RFC 8851, simulcast by RFC 8853), by `a=ssrc` with FID and SIM groups
(RFC 5576), or only by MID once packets arrive (RFC 8843 §9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from mixer import sdp
from mixer.errors import SdpRefused
from mixer.model import Kind, SourceOffer
from mixer.sdp import MediaSection
from mixer.transport import peer as peers
from mixer.transport.codecs import (
    AGREED_H264_PARAMETERS,
    Codec,
    choose_codec,
    codec_lines,
)
from mixer.transport.header_extensions import ExtensionIds, agreed_extensions
from mixer.transport.peer import LocalParameters, PeerParameters

# Names by which layers are commonly ordered; other rids count from the smallest in SDP order, as
# our pages and most SFU clients write them. It is a guess, until their pictures tell their size.
RID_SIZES = (
    {"q": 0, "h": 1, "f": 2},
    {"l": 0, "m": 1, "h": 2},
    {"s": 0, "m": 1, "l": 2},
    {"lo": 0, "mid": 1, "hi": 2},
    {"low": 0, "mid": 1, "high": 2},
    {"low": 0, "medium": 1, "high": 2},
    {"small": 0, "medium": 1, "large": 2},
)

# RFC 7587 §6.1: maxaveragebitrate is 6,000 to 510,000 bit/s.
OPUS_BITRATES_BPS = (6_000, 510_000)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EncodingPlan:
    """One stream of a source; an SSRC of 0 is learned from its packets.

    `size` is how large its pictures are said to be, by the offer (RFC 8851 §5) or to its sender by
    us; (0, 0) is unknown.
    """

    rid: str = ""
    ssrc: int = 0
    rtx_ssrc: int = 0
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One m-line that sends: what it is and how it comes, its encodings by name the smallest
    first."""

    mid: str
    source: SourceOffer
    kind: Kind
    codec: Codec
    encodings: tuple[EncodingPlan, ...]


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """An acceptable offer, read."""

    peer: PeerParameters
    extensions: ExtensionIds
    extension_uris: Mapping[str, int]
    sources: tuple[SourcePlan, ...]
    description: sdp.SessionDescription

    @property
    def wants_remb(self) -> bool:
        """The sender follows REMB only: it has no transport-wide feedback (aiortc)."""
        return not self.extensions.transport_cc and any(
            "goog-remb" in source.codec.feedback for source in self.sources
        )


def read_offer(text: str, sources: Mapping[str, SourceOffer], *, max_encodings: int) -> PublishPlan:
    """Read a publish offer whose m-lines `sources` names by mid; raises `SdpRefused`."""
    description = sdp.parse(text)
    peer = peers.read_peer(description)
    by_mid = {media.name: media for media in description.media}
    for mid in sources:
        if mid not in by_mid:
            raise SdpRefused(
                f"the offer has no m-line with mid {mid!r} for source {sources[mid].label!r}"
            )
    uris = _agreed_extension_ids(description)
    ids = ExtensionIds.of_uris(uris)
    plans = tuple(
        _read_source(media, sources[mid], ids, max_encodings)
        for mid, media in by_mid.items()
        if mid in sources
    )
    _refuse_shared_ssrcs(plans)
    return PublishPlan(peer, ids, uris, plans, description)


def _refuse_shared_ssrcs(plans: tuple[SourcePlan, ...]) -> None:
    """In one RTP session an SSRC is one stream's (RFC 3550 §8): none of another, none of a rtx."""
    seen: dict[int, str] = {}
    for plan in plans:
        for encoding in plan.encodings:
            for ssrc in filter(None, (encoding.ssrc, encoding.rtx_ssrc)):
                if ssrc in seen:
                    raise SdpRefused(
                        f"two streams have the SSRC {ssrc}: in the m-lines with mid {seen[ssrc]!r} "
                        f"and {plan.mid!r}"
                    )
                seen[ssrc] = plan.mid


def _agreed_extension_ids(description: sdp.SessionDescription) -> dict[str, int]:
    """One id per extension over all m-lines of the bundle (RFC 8843 §8); clashes are dropped."""
    uris: dict[str, int] = {}
    taken: dict[int, str] = {}
    for media in description.media:
        if media.kind not in ("audio", "video") or media.rejected:
            continue
        for uri, number in agreed_extensions(media, Kind(media.kind)).items():
            if uris.get(uri, number) == number and taken.get(number, uri) == uri:
                uris[uri] = number
                taken[number] = uri
    return uris


def _read_source(
    media: MediaSection, source: SourceOffer, ids: ExtensionIds, max_encodings: int
) -> SourcePlan:
    if media.kind not in ("audio", "video"):
        raise media.refused(f"source {source.label!r} must be audio or video")
    if media.rejected or media.direction not in ("sendrecv", "sendonly"):
        raise media.refused(f"source {source.label!r} does not send ({media.direction})")
    if "SAVP" not in media.protocol:
        raise media.refused(f"{media.protocol} is not encrypted RTP (UDP/TLS/RTP/SAVPF)")
    kind = Kind(media.kind)
    codec = choose_codec(media, kind)
    if codec is None:
        ours = "opus" if kind is Kind.AUDIO else "H264 or VP8"
        offered = ", ".join(sorted({entry.name for entry in media.rtpmaps().values()})) or "none"
        raise media.refused(f"no codec of ours ({ours}) among those offered: {offered}")
    encodings = _encodings(media, source, max_encodings)
    if len(encodings) > 1 and encodings[0].rid and not (ids.mid and ids.rid):
        raise media.refused("simulcast by rid needs the header extensions mid and rtp-stream-id")
    return SourcePlan(media.name, source, kind, codec, encodings)


def _encodings(media: MediaSection, source: SourceOffer, most: int) -> tuple[EncodingPlan, ...]:
    """The m-line's streams, at most `most`."""
    said = _sizes_said(media)
    rids = media.simulcast_rids("send") or list(said)
    if rids:
        told = {layer.rid: (layer.width, layer.height) for layer in source.layers}
        return tuple(
            EncodingPlan(rid=rid, size=said.get(rid) or told.get(rid, (0, 0)))
            for rid in smallest_first(_spread(rids, most))
        )
    repairs = {group[0]: group[1] for group in media.ssrc_groups("FID") if len(group) == 2}
    layers = next((group for group in media.ssrc_groups("SIM") if group), None)
    if layers is None:
        secondary = set(repairs.values())
        layers = [ssrc for ssrc in media.ssrcs() if ssrc not in secondary][:1] or [0]
    return tuple(
        EncodingPlan(ssrc=ssrc, rtx_ssrc=repairs.get(ssrc, 0)) for ssrc in _spread(layers, most)
    )


def _sizes_said(media: MediaSection) -> dict[str, tuple[int, int] | None]:
    """The rids that are sent, with what they are restricted to (RFC 8851 §5), if that is a size."""
    found: dict[str, tuple[int, int] | None] = {}
    for value in media.all("rid"):
        rid, direction, *rest = value.split(maxsplit=2) if value.count(" ") else (value, "")
        if direction != "send":
            continue
        limits = dict(item.strip().partition("=")[::2] for item in "".join(rest).split(";"))
        width, height = limits.get("max-width", ""), limits.get("max-height", "")
        is_size = all(
            text.isascii() and text.isdigit() and len(text) < 6 for text in (width, height)
        )
        found[rid] = (int(width), int(height)) if is_size else None
    return found


def _spread(streams: list[T], most: int) -> list[T]:
    """At most so many of them, both ends among them."""
    if len(streams) <= most:
        return streams
    if most == 1:
        return streams[:1]
    last = len(streams) - 1
    return [streams[place * last // (most - 1)] for place in range(most)]


def smallest_first(rids: list[str]) -> list[str]:
    """Simulcast rids in the order that their names suggest."""
    for sizes in RID_SIZES:
        if set(rids) <= sizes.keys():
            return sorted(rids, key=sizes.__getitem__)
    return rids


# Writing


def write_answer(plan: PublishPlan, local: LocalParameters) -> str:
    """The answer to the offer that `plan` was read from."""
    sources = {source.mid: source for source in plan.sources}
    live = {
        media.index: codec
        for media in plan.description.media
        if (codec := _acceptable_codec(media)) is not None
    }
    bundle = [
        media.mid
        for media in plan.description.media
        if media.index in live and media.mid in plan.description.bundle
    ]
    lines = peers.session_lines(local, bundle)
    for media in plan.description.media:
        codec = live.get(media.index)
        if codec is None:
            lines += _rejected_section(media)
        else:
            lines += _section(media, codec, sources.get(media.name), plan, local)
    return sdp.format_lines(lines)


def _acceptable_codec(media: MediaSection) -> Codec | None:
    if media.rejected or media.kind not in ("audio", "video"):
        return None
    return choose_codec(media, Kind(media.kind))


def _rejected_section(media: MediaSection) -> list[str]:
    lines = [f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}", "c=IN IP4 0.0.0.0"]
    if media.mid:
        lines.append(f"a=mid:{media.mid}")
    return [*lines, "a=inactive"]


def _section(
    media: MediaSection,
    codec: Codec,
    source: SourcePlan | None,
    plan: PublishPlan,
    local: LocalParameters,
) -> list[str]:
    kind = Kind(media.kind)
    numbers = [codec.payload_type] + ([codec.rtx_payload_type] if codec.rtx_payload_type else [])
    formats = " ".join(map(str, numbers))
    lines = [
        f"m={media.kind} {peers.default_port(local)} {media.protocol} {formats}",
        peers.connection_line(local),
        *(_bandwidth_lines(source) if source else []),
        "a=recvonly" if source else "a=inactive",
    ]
    if media.mid:
        lines.append(f"a=mid:{media.mid}")
    lines.append("a=rtcp-mux")
    if media.has("rtcp-rsize"):
        lines.append("a=rtcp-rsize")
    lines += peers.transport_lines(local)
    offered = agreed_extensions(media, kind)
    lines += [
        f"a=extmap:{number} {uri}"
        for uri, number in offered.items()
        if plan.extension_uris.get(uri) == number
    ]
    lines += codec_lines(_without_idle_feedback(codec, plan), _answer_parameters(codec, source))
    if source and source.encodings[0].rid:
        rids = [encoding.rid for encoding in source.encodings]
        lines += [f"a=rid:{rid} recv" for rid in rids]
        if media.has("simulcast"):
            lines.append(f"a=simulcast:recv {';'.join(rids)}")
    return lines


def _without_idle_feedback(codec: Codec, plan: PublishPlan) -> Codec:
    """One congestion signal only: transport-wide feedback where possible, else REMB."""
    idle = "goog-remb" if plan.extensions.transport_cc else "transport-cc"
    return replace(codec, feedback=codec.feedback - {idle})


def _answer_parameters(codec: Codec, source: SourcePlan | None) -> dict[str, str]:
    offered = dict(codec.parameters)
    if codec.name == "H264":
        return {key: offered[key] for key in AGREED_H264_PARAMETERS if key in offered}
    if codec.name == "opus":
        # In-band FEC carries speech over single losses; DTX would leave gaps that recordings and
        # players take for loss.
        parameters = {"minptime": "10", "useinbandfec": "1", "usedtx": "0"}
        if source and source.source.max_bitrate_bps > 0:
            least, most = OPUS_BITRATES_BPS
            rate = min(most, max(least, source.source.max_bitrate_bps))
            parameters["maxaveragebitrate"] = str(rate)
        return parameters
    return {}


def _bandwidth_lines(source: SourcePlan) -> list[str]:
    """The most this source may send, as both kinds of client read it (RFC 3890, RFC 8866 §5.8)."""
    rate = source.source.max_bitrate_bps
    if source.kind is Kind.AUDIO or rate <= 0:
        return []
    return [f"b=AS:{max(1, rate // 1000)}", f"b=TIAS:{rate}"]
