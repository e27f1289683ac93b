"""Offers as encoders write them, each named by its quirk: what both readers make of it.

The lesson names the m-lines, the media core reads and answers the offer, an ICE restart changes its
credentials: what one of them takes, the others take. A vector that no row names fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mixer import sdp
from mixer.errors import SdpRefused
from mixer.model import SourceOffer
from mixer.sdp import IceCredentials
from mixer.transport import publish_answer as publish
from mixer.transport.dtls import DtlsRole, Fingerprint
from mixer.transport.peer import LocalParameters
from signaling.http_session import name_sources
from signaling.protocol.messages import Publish, Source
from signaling.sdp_fragment import credentials_of, with_credentials

FOLDER = Path(__file__).parents[2] / "vectors" / "sdp" / "offers"
VECTORS = {path.stem: path.read_bytes().decode() for path in sorted(FOLDER.glob("*.sdp"))}
LOCAL = LocalParameters(
    credentials=IceCredentials("ufragufrag", "p" * 24),
    fingerprint=Fingerprint("sha-256", "AA:BB"),
    candidates=(("192.0.2.1", 7881),),
    setup="passive",
    session_id=1,
    session_version=2,
)
FRESH = IceCredentials("new-_=+/", "9_8-7=" + "x" * 20)


@dataclass(frozen=True)
class Read:
    """What is read: streams of each source (its rids, else its SSRCs), our DTLS role, the rest."""

    streams: dict[Source, set[str] | set[int]]
    role: DtlsRole = DtlsRole.SERVER
    credentials: tuple[str, str] = ("Kq3w", "mV7xZp2sT9bLr4cYhN8dWu")
    extensions: dict[str, int] = field(default_factory=dict)
    feedback: set[str] = field(default_factory=lambda: {"nack", "nack pli"})
    rejected: int = 0
    profile: str = "42e01f"
    hears_farewell: bool = True


def both(sound: int, picture: int) -> dict[Source, set[str] | set[int]]:
    return {Source.ROOM: {sound}, Source.BOARD: {picture}}


FFMPEG = Read(
    both(91001, 91002),
    DtlsRole.CLIENT,
    feedback=set(),
    profile="42001f",
    hears_farewell=False,
)
OFFERS: dict[str, Read] = {
    "lip_sync_group_and_attributes_in_odd_places": Read(
        both(810200, 810201), feedback={"nack", "nack pli", "goog-remb"}
    ),
    "simulcast_rids_are_numbers": Read(
        {Source.ROOM: {810300}, Source.BOARD: {"0", "1", "2"}}, extensions={"mid": 1, "rid": 2}
    ),
    "bundle_only_at_port_0": Read(
        both(735003, 735001),
        extensions={"transport_cc": 1},
        feedback={"nack", "nack pli", "ccm fir", "transport-cc"},
        profile="42c01f",
    ),
    "sound_first_and_passive": FFMPEG,
    "byte_order_mark_and_trailing_blanks": FFMPEG,
    "bare_line_feeds_and_no_last_one": FFMPEG,
    "empty_lines_between": FFMPEG,
    "active": Read(both(92001, 92002)),
    "extensions_for_the_whole_session": Read(
        {Source.ROOM: {93001}, Source.BOARD: {"lo", "hi"}},
        extensions={"audio_level": 1, "transport_cc": 3, "mid": 4, "rid": 5},
        feedback={"nack", "nack pli", "transport-cc"},
    ),
    "base64url_credentials_for_the_whole_session": Read(
        both(94001, 94002), credentials=("Zx-4_w==", "q7_Rk-2mVt9sYb5cLh8nWd3u==")
    ),
    "mids_are_uuids": Read(both(95001, 95002), extensions={"mid": 4}),
    "one_picture_without_mid_or_bundle": Read({Source.BOARD: {96001}}),
    "extmap_allow_mixed_everywhere": Read(both(98001, 98002), extensions={"mid": 2}),
    "inactive_for_the_whole_session": Read(both(99001, 99002)),
    "rids_without_simulcast": Read({Source.BOARD: {"r0", "r1"}}, extensions={"mid": 1, "rid": 2}),
    "rids_of_twenty_characters": Read(
        {Source.BOARD: {"camera-layer-smaller", "camera-layer-largest"}},
        extensions={"mid": 1, "rid": 2},
    ),
    "simulcast_by_ssrc_group": Read({Source.BOARD: {61001, 61002, 61003}}),
    "default_candidate_by_tcp": Read({Source.BOARD: {62001}}),
    "data_channel_beside": Read(both(63002, 63001), rejected=1),
    "feedback_with_two_blanks": Read({Source.BOARD: {64001}}),
}
REFUSED = {
    # One transport is all that an ICE-lite server on one port can give (RFC 9725 §4.4).
    "no_bundle": "not in a=group:BUNDLE",
    # One RTP session, in which an SSRC is one stream's (RFC 3550 §8).
    "ssrc_of_sound_and_picture_alike": "two streams have the SSRC 92001",
    "ssrc_twice_in_a_simulcast_group": "two streams have the SSRC 61001",
    "ssrc_of_sound_and_retransmission_alike": "two streams have the SSRC 92001",
}


def read(offer: str) -> tuple[publish.PublishPlan, dict[str, Source]]:
    """As a WHIP request is: named by the lesson, taken as a message, read by the media core."""
    named = name_sources(offer, Source.BOARD, with_sound=True)
    message = Publish(sdp=offer, sources=named)
    offers = {mid: SourceOffer(source.value, 1_000_000) for mid, source in message.sources.items()}
    return publish.read_offer(message.sdp, offers, max_encodings=3), named


def test_every_vector_has_its_row() -> None:
    assert set(VECTORS) == OFFERS.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", OFFERS)
def test_an_offer_is_read_as_it_is_meant(name: str) -> None:
    expected = OFFERS[name]
    plan, named = read(VECTORS[name])
    streams = {
        named[source.mid]: {encoding.rid or encoding.ssrc for encoding in source.encodings}
        for source in plan.sources
    }
    assert streams == expected.streams
    assert plan.peer.our_role is expected.role
    assert plan.peer.hears_farewell is expected.hears_farewell
    assert (plan.peer.ice_ufrag, plan.peer.ice_password) == expected.credentials
    ids = plan.extensions
    agreed = {field: getattr(ids, field) for field in ids.__slots__ if getattr(ids, field)}
    assert agreed == expected.extensions
    (picture,) = (source for source in plan.sources if named[source.mid] is Source.BOARD)
    assert (picture.codec.name, picture.codec.profile) == ("H264", expected.profile)
    assert picture.codec.feedback == expected.feedback


@pytest.mark.parametrize("name", OFFERS)
def test_its_answer_takes_what_it_named(name: str) -> None:
    expected, offer = OFFERS[name], sdp.parse(VECTORS[name])
    plan, named = read(VECTORS[name])
    answer = sdp.parse(publish.write_answer(plan, LOCAL))
    assert [(line.kind, line.mid) for line in answer.media] == [
        (line.kind, line.mid) for line in offer.media
    ]
    assert {line.name for line in answer.media if line.direction == "recvonly"} == set(named)
    assert sum(line.rejected for line in answer.media) == expected.rejected
    for mid, source in named.items():
        (line,) = (line for line in answer.media if line.name == mid)
        rids = {stream for stream in expected.streams[source] if isinstance(stream, str)}
        assert {value.split()[0] for value in line.all("rid")} == rids


@pytest.mark.parametrize("name", OFFERS)
def test_its_ice_restart_is_read_too(name: str) -> None:
    offer = VECTORS[name]
    known = credentials_of(offer)
    assert known is not None
    assert (known.ufrag, known.password) == OFFERS[name].credentials
    fragment = f"a=ice-ufrag:{FRESH.ufrag} \r\na=ice-pwd:{FRESH.password}\r\n"
    assert credentials_of(fragment) == FRESH
    (before, named), (after, named_again) = read(offer), read(with_credentials(offer, FRESH))
    assert (after.peer.ice_ufrag, after.peer.ice_password) == (FRESH.ufrag, FRESH.password)
    assert (named, before.sources) == (named_again, after.sources)


@pytest.mark.parametrize(("name", "says"), REFUSED.items())
def test_what_cannot_work_is_named(name: str, says: str) -> None:
    with pytest.raises(SdpRefused, match=says):
        read(VECTORS[name])
