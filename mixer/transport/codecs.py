"""Which codecs the media core speaks, and how an offer's are chosen.

Owns: the list of codecs (H.264 packetization-mode 1, VP8, Opus), the choice among those a peer
offers, their RTX (RFC 4588), the feedback we agree to.

Leaves to others: payload formats themselves (`mixer.rtp`), header extensions
(`header_extensions`), writing whole descriptions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mixer.model import Kind
from mixer.rtp import h264
from mixer.sdp import MediaSection, RtpMap, parameters_text

VIDEO_PREFERENCE = ("H264", "VP8")

AUDIO_FEEDBACK = ("nack", "transport-cc")
VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb")

CONSTRAINED_BASELINE = "42e01f"
# What an answer repeats of an offer's H.264 (RFC 6184 §8.2.2); all else is of one direction.
AGREED_H264_PARAMETERS = ("level-asymmetry-allowed", "packetization-mode", "profile-level-id")


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as negotiated on one m-line. `name` is `H264`, `VP8` or `opus`."""

    name: str
    payload_type: int
    clock_rate: int
    channels: int
    parameters: tuple[tuple[str, str], ...] = ()
    feedback: frozenset[str] = frozenset()
    rtx_payload_type: int = 0

    @property
    def fmtp(self) -> str:
        """The format parameters as SDP writes them."""
        return parameters_text(dict(self.parameters))

    @property
    def profile(self) -> str:
        """H.264: the profile-level-id in lower case; else ""."""
        return dict(self.parameters).get("profile-level-id", "").lower()

    @property
    def parameter_sets(self) -> tuple[bytes, ...]:
        """H.264: the parameter sets that stand in the description; some senders send no others."""
        return h264.sprop_parameter_sets(dict(self.parameters).get("sprop-parameter-sets", ""))


def choose_codec(
    media: MediaSection, kind: Kind, preference: tuple[str, ...] = VIDEO_PREFERENCE
) -> Codec | None:
    """The best codec this m-line offers, None when it has none of ours; raises `SdpRefused`."""
    maps, parameters = media.rtpmaps(), media.format_parameters()
    feedback, offered = media.feedback(), media.payload_types()
    candidates: list[tuple[int, int, RtpMap]] = []
    for position, payload_type in enumerate(offered):
        described = maps.get(payload_type)
        if described is None:
            continue
        rank = _rank(described, parameters.get(payload_type, {}), kind, preference)
        if rank is not None:
            candidates.append((rank, position, described))
    if not candidates:
        return None
    _, _, best = min(candidates, key=lambda entry: entry[:2])
    agreed = AUDIO_FEEDBACK if kind is Kind.AUDIO else VIDEO_FEEDBACK
    return Codec(
        name=_canonical(best.name),
        payload_type=best.payload_type,
        clock_rate=best.clock_rate,
        channels=best.channels,
        parameters=tuple(sorted(parameters.get(best.payload_type, {}).items())),
        feedback=frozenset(agreed) & feedback.get(best.payload_type, set()),
        rtx_payload_type=_rtx_of(best.payload_type, maps, parameters, offered),
    )


def _canonical(name: str) -> str:
    return "opus" if name.lower() == "opus" else name.upper()


def _rank(
    described: RtpMap, parameters: dict[str, str], kind: Kind, preference: tuple[str, ...]
) -> int | None:
    """Smaller is better; None is not ours."""
    name = _canonical(described.name)
    if kind is Kind.AUDIO:
        return 0 if (name, described.clock_rate) == ("opus", 48_000) else None
    if name not in preference or described.clock_rate != 90_000:
        return None
    return preference.index(name) * 10 + (_h264_rank(parameters) if name == "H264" else 0)


def _h264_rank(parameters: dict[str, str]) -> int:
    """Constrained baseline first: every room PC decodes it (RFC 6184 §8.1 gives the bits)."""
    if parameters.get("packetization-mode", "0") != "1":
        return 5
    profile = parameters.get("profile-level-id", "420010").lower()
    if re.fullmatch("42[0-9a-f]{4}", profile) is None:
        return 2
    constrained = int(profile[2], 16) & 0x4
    return 0 if constrained else 1


def _rtx_of(
    payload_type: int,
    maps: dict[int, RtpMap],
    parameters: dict[int, dict[str, str]],
    offered: list[int],
) -> int:
    """The payload type of this codec's retransmissions, 0 when there are none."""
    for candidate in offered:
        described = maps.get(candidate)
        repairs = parameters.get(candidate, {}).get("apt")
        if described and described.name.lower() == "rtx" and repairs == str(payload_type):
            return candidate
    return 0


def codec_lines(codec: Codec, parameters: dict[str, str]) -> list[str]:
    """`a=rtpmap`, `a=rtcp-fb` and `a=fmtp` of a codec and its RTX."""
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    number = codec.payload_type
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{number} {kind}" for kind in sorted(codec.feedback)]
    if parameters:
        lines.append(f"a=fmtp:{number} {parameters_text(parameters)}")
    if codec.rtx_payload_type:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={number}")
    return lines
