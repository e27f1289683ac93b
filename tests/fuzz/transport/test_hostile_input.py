"""Hostile bytes and descriptions: one documented error or a normal answer, never anything else.

Seeded, so that a failure can be repeated; see `tests.fuzz.rounds` for long runs.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from aioice import stun as codec

from mixer import sdp
from mixer.errors import SdpRefused
from mixer.model import Kind, SourceOffer
from mixer.sdp import IceCredentials
from mixer.transport import publish_answer, stun, subscribe_offer
from mixer.transport.codecs import Codec
from mixer.transport.dtls import Fingerprint
from mixer.transport.ice import Answer, IceAgent, IceState
from mixer.transport.m_lines import MLine, SentStream
from mixer.transport.peer import LocalParameters
from tests.fuzz.rounds import SEED, rounds

ROUNDS = rounds(6000)
VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
OFFERS = [path.read_bytes().decode() for path in sorted(VECTORS.rglob("*.sdp"))]
LOCAL = LocalParameters(
    IceCredentials("ufragufrag", "p" * 24), Fingerprint("sha-256", "AA:BB"),
    (("127.0.0.1", 1),), "passive", 1, 1,
)  # fmt: skip
WORDS = [
    "a=", "m=video 9 X 1", "m=", "\r\n", ":", " ", "-1", "4294967296", "99999999999999999999",
    "a=mid:0", "a=simulcast:send", "a=rid:", "~;,", "\0", "é", "٣", "a=fmtp:96", "a=group:BUNDLE",
    "a=ssrc-group:FID", "a=setup:", "a=fingerprint:sha-256 ", "a=extmap:1/x", "UDP/TLS/RTP/SAVPF",
]  # fmt: skip


def damaged_text(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(text) + 1), rng.randrange(40)
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[:at] + rng.choice(WORDS) + text[at:]
            case 2:
                text = text[:at] + text[at : at + length] * 3 + text[at + length :]
            case _:
                text = text[:at] + chr(rng.randrange(32, 0x250)) + text[at + 1 :]
    return text


def damaged_bytes(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if out:
            out[rng.randrange(len(out))] = rng.randrange(256)
    if rng.random() < 0.3:
        out = out[: rng.randrange(len(out) + 1)]
    if rng.random() < 0.5 and len(out) >= 20:
        out[2:4] = (len(out) - 20).to_bytes(2, "big")
    return bytes(out)


@pytest.mark.timeout(3600)
def test_damaged_descriptions_are_refused_or_answered() -> None:
    """Whatever the text: an answer that our own parser reads, or `SdpRefused`.

    Each text is an input to three readers: of a publisher's offer, a player's offer, an answer.
    """
    rng = random.Random(SEED + 5)
    sources = {"0": SourceOffer("room", 64_000), "1": SourceOffer("teacher", 1_000_000)}
    stream = SentStream("p", "d", Kind.VIDEO, Codec("H264", 98, 90_000, 1))
    answered = 0
    for _ in range(ROUNDS // 3):
        text = damaged_text(rng, rng.choice(OFFERS))
        try:
            plan = publish_answer.read_offer(text, sources, max_encodings=3)
            sdp.parse(publish_answer.write_answer(plan, LOCAL))
            answered += 1
        except SdpRefused:
            pass
        try:
            offer = subscribe_offer.read_player_offer(text)
            for mid, kind in offer.receiving.items():
                found = subscribe_offer.player_codec(offer, mid, stream)
                m_line = MLine(mid, kind, 1, 2, stream, found, True)
                sdp.parse(subscribe_offer.write_player_answer(offer, [m_line], LOCAL))
        except SdpRefused:
            pass
        with contextlib.suppress(SdpRefused):
            subscribe_offer.read_answer(
                text, [MLine("0", Kind.AUDIO, 1, 2), MLine("1", Kind.VIDEO, 3, 4)]
            )
    assert answered > ROUNDS / 300, "the damage is so great that nothing beyond parsing is tested"


@pytest.mark.timeout(3600)
def test_damaged_checks_never_move_a_session() -> None:
    """Whatever the bytes, only authentic checks change a session; answers are never longer."""
    rng = random.Random(SEED + 6)
    agent = IceAgent()
    key, credentials = agent.open(0.0)
    for number in range(ROUNDS):
        message = codec.Message(
            codec.Method.BINDING,
            codec.Class.REQUEST,
            rng.randbytes(12),
            {"USERNAME": f"{credentials.ufrag}:peer", "PRIORITY": 1, "USE-CANDIDATE": None},
        )
        message.add_message_integrity(b"not the password at all!")
        data = damaged_bytes(rng, bytes(message))
        if rng.random() < 0.2:
            data = rng.randbytes(rng.randrange(80))
        for output in agent.handle_datagram(
            ("192.0.2.1", 1 + number % 60_000), data, float(number)
        ):
            assert isinstance(output, Answer)
            assert len(output.data) <= len(data)
    assert agent.state_of(key) is IceState.NEW
    assert agent.remote_of(key) is None


@pytest.mark.timeout(3600)
def test_random_stun_is_one_error() -> None:
    """Whatever the attributes, `StunError` or a request."""
    rng = random.Random(SEED + 7)
    for _ in range(ROUNDS):
        body = b"".join(
            rng.choice(
                [0x0006, 0x0008, 0x0020, 0x0024, 0x0025, 0x0009, 0x8028, 0x8029, 0x802A, 0x0001]
            ).to_bytes(2, "big")
            + (length := rng.choice([0, 1, 4, 8, 20, 65_535])).to_bytes(2, "big")
            + rng.randbytes(min(length, 24) + -min(length, 24) % 4)
            for _ in range(rng.randrange(6))
        )
        data = stun.BINDING_REQUEST + len(body).to_bytes(2, "big") + stun.MAGIC_COOKIE
        data += rng.randbytes(12) + body
        stun.local_ufrag(data)
        with contextlib.suppress(stun.StunError):
            stun.parse_binding_request(data)
