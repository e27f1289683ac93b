"""The offer's words for streams that aiortc does not know of: a camera's layers, without repair.

RFC 5576 (`a=ssrc`, `a=ssrc-group`), with the group SIM that browsers have used for layers by SSRC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def with_layers(sdp: str, ssrcs: Mapping[str, Sequence[int]]) -> str:
    """The offer with these SSRCs in place of aiortc's, for each m-line by its mid."""
    head, *medias = sdp.split("\r\nm=")
    return "\r\nm=".join([head, *(_media(media, ssrcs) for media in medias)])


def _media(media: str, ssrcs: Mapping[str, Sequence[int]]) -> str:
    lines = media.rstrip("\r\n").split("\r\n")
    mid = next((line[6:] for line in lines if line.startswith("a=mid:")), "")
    if mid not in ssrcs:
        return media
    lines = [line for line in lines if not line.startswith(("a=ssrc:", "a=ssrc-group:"))]
    layers = ssrcs[mid]
    if len(layers) > 1:
        lines.append("a=ssrc-group:SIM " + " ".join(map(str, layers)))
    lines += [f"a=ssrc:{ssrc} cname:room" for ssrc in layers]
    return "\r\n".join(lines) + "\r\n"
