"""RTP that the pump protects itself with AES-GCM, held against libsrtp and the RFC."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mixer.rtp.feedback import Nack
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import serialize_compound
from tests.unit.pump.rig import MS, PROFILES, Rig, SrtpPeer, media_of

AES_GCM_PROFILES = [name for name in PROFILES if "GCM" in name]
HEADER_BYTES = 12


def nonce_of(salt: bytes, ssrc: int, rollovers: int, sequence: int) -> bytes:
    """RFC 7714 §8.1."""
    plain = ssrc << 48 | rollovers << 16 | sequence
    return (plain ^ int.from_bytes(salt, "big")).to_bytes(12, "big")


class Scene:
    """A publisher, and a viewer without RTX or header extensions whose datagrams stay closed."""

    def __init__(self, rig: Rig, profile: str) -> None:
        self.rig = rig
        self.publisher = rig.srtp()
        self.viewer = rig.srtp(profile=PROFILES[profile])
        self.peer = rig.peer(self.viewer)
        producer = rig.audio(self.publisher)
        self.consumer = rig.pump.add_consumer(producer, self.viewer, ssrc=5, payload_type=100)
        rig.pump.set_consumer_layer(self.consumer, 0)

    def send(self, sequence: int, payload: bytes = b"speech") -> bytes:
        """The datagram that one packet of the publisher becomes."""
        packet = RtpPacket(111, sequence & 0xFFFF, sequence * 960, 1000, payload)
        publisher = self.rig.peer(self.publisher)
        protected = publisher.protect(packet.serialize())
        ((_, data),) = self.rig.feed(publisher.address, protected)
        return data

    def answer(self, outgoing: int) -> bytes:
        """What comes when the viewer asks for a packet again."""
        self.rig.now += 30 * MS
        nack = self.peer.protect(serialize_compound([Nack(1, 5, (outgoing,))]))
        ((_, data),) = self.rig.feed(self.peer.address, nack)
        return data

    def refresh(self) -> SrtpPeer:
        """New keys for the viewer, as after another handshake."""
        fresh = SrtpPeer(self.peer.address, self.peer.profile, bytes(60), bytes(range(60, 120)))
        fresh.attach(self.rig.pump, self.viewer)
        return fresh


def number_of(data: bytes) -> int:
    return int.from_bytes(data[2:4], "big")


@pytest.mark.parametrize("profile", AES_GCM_PROFILES)
def test_a_packet_is_sealed_as_the_rfc_says(rig: Rig, profile: str) -> None:
    scene = Scene(rig, profile)
    data = scene.send(1, b"twenty bytes of talk")
    keys = scene.peer.sent_rtp_keys()
    nonce = nonce_of(keys.salt, 5, 0, number_of(data))
    opened = AESGCM(keys.key).decrypt(nonce, data[HEADER_BYTES:], data[:HEADER_BYTES])
    assert opened == b"twenty bytes of talk"


@pytest.mark.parametrize("profile", AES_GCM_PROFILES)
@pytest.mark.parametrize("size", [1, 15, 16, 17, 1100])
def test_any_size_is_opened_by_libsrtp(rig: Rig, profile: str, size: int) -> None:
    scene = Scene(rig, profile)
    payload = bytes(range(256)) * 5
    opened = scene.peer.open(scene.send(1, payload[:size]))
    assert RtpPacket.parse(opened).payload == payload[:size]


@pytest.mark.parametrize("profile", AES_GCM_PROFILES)
def test_sequence_numbers_roll_over_as_with_libsrtp(rig: Rig, profile: str) -> None:
    scene = Scene(rig, profile)
    for step in range(400):  # six times around
        data = scene.send(1000 * step, b"%d" % step)
        assert RtpPacket.parse(scene.peer.open(data)).payload == b"%d" % step


def test_a_packet_from_before_the_rollover_is_repeated_bit_for_bit(rig: Rig) -> None:
    scene = Scene(rig, "AES-GCM-128")
    first = number_of(scene.send(0))
    sent = {}
    for step in range(1, 0x10000 - first + 3):
        data = scene.send(step)
        if number_of(data) >= 0xFFFE or number_of(data) < 3:
            sent[number_of(data)] = data
        else:
            scene.peer.open(data)
    for late in (0xFFFF, 0, 0xFFFE):
        again = scene.answer(late)
        assert again == sent[late]
        assert number_of(scene.peer.open(again)) == late


def test_new_keys_begin_new_rollovers(rig: Rig) -> None:
    scene = Scene(rig, "AES-GCM-128")
    for step in range(70):
        scene.peer.open(scene.send(1000 * step))
    fresh = scene.refresh()
    for step in range(70, 140):
        assert len(media_of([fresh.open(scene.send(1000 * step))])) == 1


def test_keys_of_an_impossible_length_are_refused(rig: Rig) -> None:
    transport = rig.pump.add_transport()
    for key, salt in ((bytes(24), bytes(12)), (bytes(16), bytes(14)), (bytes(33), bytes(12))):
        with pytest.raises(ValueError, match="16 or 32 bytes"):
            rig.pump.set_srtp(transport, 0, 0, send_key=key, send_salt=salt)


def test_without_keys_of_its_own_libsrtp_seals(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("tests.unit.pump.rig.GCM_KEY_BYTES", {})
        scene = Scene(rig, "AES-GCM-128")
    data = scene.send(1, b"by libsrtp")
    assert RtpPacket.parse(scene.peer.open(data)).payload == b"by libsrtp"
