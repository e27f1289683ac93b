"""The compositor's process: sources in over real sockets, the program out, read back by decoders.

Each picture has a number in it and each sound a tone of its own, so a tile or a mix can be told
right from filled in.
"""

from __future__ import annotations

import random
import socket
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import numpy as np
import pytest

from mixer.composite.layouts import ProgramLayout
from mixer.composite.process.messages import (
    Choice,
    CloseFeed,
    CloseTap,
    Counters,
    FeedNeeded,
    Heartbeat,
    KeyframeWanted,
    LayersNeeded,
    OpenTap,
    PictureName,
    Scene,
    SceneSeat,
    Shot,
    Stop,
    TapFailed,
    TapReady,
    TileShown,
    Wants,
)
from mixer.rtp import h264
from mixer.rtp.packet import RtpPacket, parse_audio_level
from tests.recorded_media import (
    SOUND,
    VIDEO,
    encode_samples,
    encode_video,
    packetise,
    read_counter,
    with_ssrc,
)
from tests.unit.composite.process.running import (
    LAYERS,
    PICTURE_SSRCS,
    WAIT_S,
    Compositor,
    Sending,
    compositor,
    decoded_pictures,
    decoded_sound,
    loudness_at,
)

LEAD_HZ, EAST_HZ = 500.0, 900.0
SEATS = (
    SceneSeat(seat_id="lead", role="lead", name="城关小学 李老师", sources=("teacher",)),
    SceneSeat(seat_id="east", role="room", name="河西小学", sources=("students",)),
)
SIDE_BY_SIDE = Choice(
    number=1,
    layout=ProgramLayout.DIALOGUE,
    large=PictureName(seat_id="east", source="students"),
    beside=PictureName(seat_id="lead", source="teacher"),
)


def tone(frequency: float, seconds: float) -> list[tuple[float, bytes]]:
    times = np.arange(round(seconds * 48_000)) / 48_000
    samples = (8_000 * np.sin(2 * np.pi * frequency * times)).astype(np.int16)
    return packetise(SOUND, encode_samples(samples))


def counted(codec: str, first: int, seconds: float) -> list[tuple[float, bytes]]:
    encoded = encode_video(codec, seconds, width=256, height=144, first=first)
    return packetise(VIDEO[codec], encoded)


def in_tile(picture: np.ndarray, tile: TileShown) -> int:
    return read_counter(picture[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width])


def seat_tiles(shot: Shot) -> dict[str, TileShown]:
    return {tile.seat_id: tile for tile in shot.tiles}


def open_lesson(running: Compositor) -> Shot:
    running.begin(all=(0xB0, ""), lead=(0xB1, "lead"), east=(0xB2, "east"))
    running.tell(Scene(title="第五课", seats=SEATS, choice=SIDE_BY_SIDE))
    return running.wait_for(Shot, lambda said: len(said.tiles) == 2)


def test_each_seat_is_in_its_tile_and_hears_all_but_itself(tmp_path: Path) -> None:
    with compositor(tmp_path) as running:
        shot = open_lesson(running)
        sources = {
            running.tap("lead", "teacher", VIDEO["H264"]): counted("H264", 0, 2),
            running.tap("east", "students", VIDEO["VP8"]): counted("VP8", 1000, 2),
            running.tap("lead", "room", SOUND): tone(LEAD_HZ, 2),
            running.tap("east", "room", SOUND): tone(EAST_HZ, 2),
        }
        for track_id in ("lead-teacher", "east-students"):

            def is_its(said: Wants, track: str = track_id) -> bool:
                return said.track_id == track

            wants = running.wait_for(Wants, is_its)
            tile = seat_tiles(shot)[track_id.split("-")[0]]
            assert (wants.width, wants.height) == (tile.width, tile.height)
        with Sending(sources) as sending:
            running.until(lambda: sending.done)
        counters = running.wait_for(
            Counters, lambda said: all(one.decoded_frames == 50 for one in said.sources)
        )
        running.tell(Stop())
        assert running.process.wait(WAIT_S) == 0
        assert shot.layout is ProgramLayout.DIALOGUE
        assert counters.dropped_datagrams == 0
        assert counters.composed_frames > 10
        # Pictures: in both layers, who stands where the journal says, from first to last.
        pictures = decoded_pictures(running.packets(PICTURE_SSRCS[1]))
        assert pictures[-1].shape == (LAYERS[1].height, LAYERS[1].width)
        tiles = seat_tiles(shot)
        lead = [in_tile(picture, tiles["lead"]) for picture in pictures]
        east = [in_tile(picture, tiles["east"]) for picture in pictures]
        assert lead[-1] == 49
        assert east[-1] == 1049
        # Two of a source's pictures may come within one tick; on a busy machine they often do.
        assert len(set(lead) & set(range(50))) > 10
        assert len(set(east) & set(range(1000, 1050))) > 10
        assert lead == sorted(lead)
        small = decoded_pictures(running.packets(PICTURE_SSRCS[0]))[-1]
        assert small.shape == (LAYERS[0].height, LAYERS[0].width)
        large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
        assert (in_tile(large, tiles["lead"]), in_tile(large, tiles["east"])) == (49, 1049)
        # Sound: what is in the middle of each mix.
        heard = {}
        for name, ssrc in (("all", 0xB0), ("lead", 0xB1), ("east", 0xB2)):
            sound = decoded_sound(middle(loud_packets(running, ssrc)))
            heard[name] = loudness_at(sound, LEAD_HZ), loudness_at(sound, EAST_HZ)
        assert min(heard["all"]) > 0.02
        assert heard["lead"][1] > 0.02
        assert heard["lead"][0] < heard["lead"][1] / 100
        assert heard["east"][0] > 0.02
        assert heard["east"][1] < heard["east"][0] / 100


def loud_packets(running: Compositor, ssrc: int) -> list[RtpPacket]:
    """The packets of a mix that say of themselves that they are no silence (RFC 6464)."""
    return [packet for packet in running.packets(ssrc) if level(packet) < 60]


def middle(packets: list[RtpPacket]) -> list[RtpPacket]:
    assert len(packets) > 40
    return packets[len(packets) // 4 : len(packets) * 3 // 4]


def level(packet: RtpPacket) -> int:
    data = packet.extension(1)
    assert data is not None
    return parse_audio_level(data)[1]


def test_reports_put_picture_and_sound_on_one_clock(tmp_path: Path) -> None:
    with compositor(tmp_path) as running:
        open_lesson(running)
        ssrcs = (*PICTURE_SSRCS, 0xB0)
        running.until(lambda: all(len(running.reports(ssrc)) >= 2 for ssrc in ssrcs))
        for ssrc, clock_rate in zip(ssrcs, (90_000, 90_000, 48_000), strict=True):
            first, second = running.reports(ssrc)[:2]
            ntp_s = (second.ntp - first.ntp) / 2**32
            rtp_s = ((second.rtp_timestamp - first.rtp_timestamp) & 0xFFFF_FFFF) / clock_rate
            assert abs(ntp_s - rtp_s) < 0.005
        # Nothing waits yet: what is sent now happened now, by the machine's clock.
        offsets = {
            ssrc: report.ntp / 2**32 - report.rtp_timestamp / rate
            for ssrc, rate in zip(ssrcs, (90_000, 90_000, 48_000), strict=True)
            for report in running.reports(ssrc)[:1]
        }
        wraps_s = {90_000: 2**32 / 90_000, 48_000: 2**32 / 48_000}
        apart_s = offsets[0xA2] - offsets[0xB0]
        assert (
            min(
                abs(apart_s - a * wraps_s[90_000] + b * wraps_s[48_000])
                for a in range(200)
                for b in range(200)
            )
            < 0.06
        )


@pytest.mark.thorough
def test_nothing_moves_and_nothing_is_sent_but_a_heartbeat(tmp_path: Path) -> None:
    with compositor(tmp_path) as running:
        open_lesson(running)
        running.until(lambda: bool(running.packets(PICTURE_SSRCS[1])))
        began = len(running.sent)
        running.wait_for(Counters)
        for _ in range(3):
            running.said.clear()
            counters = running.wait_for(Counters)  # a second later
        since = running.sent[began:]
        octets = sum(len(data) for _, data in since)
        assert octets < 12_000  # 24 kb/s over four seconds: heartbeats, silence and reports
        assert counters.composed_frames <= 3
        assert 3 <= counters.encoded_frames <= 15
        frames = {packet.timestamp for packet in running.packets(PICTURE_SSRCS[1])}
        assert len(frames) >= 3


@pytest.mark.thorough
def test_whose_players_want_a_picture_in_every_part_sends_one(tmp_path: Path) -> None:
    def timestamps() -> list[int]:
        return sorted({packet.timestamp for packet in running.packets(PICTURE_SSRCS[1])})

    with compositor(tmp_path) as running:
        open_lesson(running)
        running.until(lambda: len(timestamps()) >= 1)
        running.tell(Heartbeat(every_s=0.2))
        running.until(lambda: len(timestamps()) >= 15)
        steps = [b - a for a, b in pairwise(timestamps()[3:])]
        # A tick for which the machine had no time comes with the next one, a thirtieth later.
        assert median_low(steps) == pytest.approx(0.2 * 90_000, abs=1), steps


@pytest.mark.thorough
def test_a_keyframe_comes_when_it_is_asked_for_and_only_then(tmp_path: Path) -> None:
    def keyframes(ssrc: int) -> int:
        payloads = [packet.payload for packet in running.packets(ssrc)]
        return sum(h264.starts_keyframe(payload) for payload in payloads)

    with compositor(tmp_path) as running:
        open_lesson(running)
        running.until(lambda: len(running.reports(PICTURE_SSRCS[1])) >= 2)
        before = {ssrc: keyframes(ssrc) for ssrc in PICTURE_SSRCS}
        pli = bytes.fromhex("81ce0002") + (1).to_bytes(4, "big")
        pli += PICTURE_SSRCS[1].to_bytes(4, "big")
        for _ in range(5):  # five who ask at once get one
            running.core.sendto(pli, str(tmp_path / "feed-picture.sock"))
        running.until(lambda: keyframes(PICTURE_SSRCS[1]) > before[PICTURE_SSRCS[1]])
        seen = len(running.reports(PICTURE_SSRCS[1]))
        running.until(lambda: len(running.reports(PICTURE_SSRCS[1])) >= seen + 2)
        after = {ssrc: keyframes(ssrc) for ssrc in PICTURE_SSRCS}
        # The parameter sets and the picture both start one: a small keyframe is a single packet.
        assert after[PICTURE_SSRCS[0]] == before[PICTURE_SSRCS[0]]
        assert after[PICTURE_SSRCS[1]] <= before[PICTURE_SSRCS[1]] + 2


@pytest.mark.thorough
def test_a_layer_that_nobody_receives_rests_and_comes_back_with_a_keyframe(tmp_path: Path) -> None:
    small, large = PICTURE_SSRCS
    with compositor(tmp_path) as running:
        open_lesson(running)
        running.until(lambda: all(len(running.reports(ssrc)) >= 2 for ssrc in PICTURE_SSRCS))
        running.tell(LayersNeeded(layers=1))
        begun = len(running.reports(small))
        running.until(lambda: len(running.reports(small)) >= begun + 1)
        rested = len(running.packets(large))
        running.until(lambda: len(running.reports(small)) >= begun + 3)
        assert len(running.packets(large)) == rested  # two heartbeats of the other later
        running.tell(LayersNeeded(layers=2))
        running.until(lambda: len(running.packets(large)) > rested)
        assert h264.starts_keyframe(running.packets(large)[rested].payload)


@pytest.mark.thorough
def test_a_mix_that_nobody_receives_rests_and_is_there_again_when_somebody_does(
    tmp_path: Path,
) -> None:
    with compositor(tmp_path) as running:
        running.begin(all=(0xB0, ""), lead=(0xB1, "lead"))
        running.tell(Scene(title="第五课", seats=SEATS, choice=SIDE_BY_SIDE))
        taps = {
            running.tap("lead", "room", SOUND): tone(LEAD_HZ, 10),
            running.tap("east", "room", SOUND): tone(EAST_HZ, 10),
        }

        def sent(ssrc: int) -> int:
            return len(running.packets(ssrc))

        with Sending(taps):
            running.until(lambda: len(loud_packets(running, 0xB0)) > 10 and sent(0xB1) > 10)
            running.tell(FeedNeeded(feed_id="lead", needed=False))
            running.until_quiet(0xB1)
            own, shared = sent(0xB1), sent(0xB0)
            running.until(lambda: sent(0xB0) > shared + 20)
            assert sent(0xB1) == own, "the others are heard, and this one rests"
            running.tell(FeedNeeded(feed_id="all", needed=False))
            running.until_quiet(0xB0)
            shared = sent(0xB0)
            running.tell(FeedNeeded(feed_id="lead", needed=True))
            running.until(lambda: sent(0xB1) > own + 50)
            assert loudness_at(decoded_sound(running.packets(0xB1)[-25:]), EAST_HZ) > 0.02
            running.tell(FeedNeeded(feed_id="all", needed=True))
            running.until(lambda: sent(0xB0) > shared + 50)
    heard = decoded_sound(running.packets(0xB0)[-25:])
    assert min(loudness_at(heard, LEAD_HZ), loudness_at(heard, EAST_HZ)) > 0.02


@pytest.mark.thorough
def test_without_any_sound_it_waits_and_what_comes_then_is_heard(tmp_path: Path) -> None:
    with compositor(tmp_path) as running:
        running.begin(all=(0xB0, ""))
        running.tell(Scene(title="第五课", seats=SEATS, choice=SIDE_BY_SIDE))
        with Sending({running.tap("east", "room", SOUND): tone(EAST_HZ, 20)}):
            running.until(lambda: len(loud_packets(running, 0xB0)) > 10)
            running.tell(CloseTap(track_id="east-room"), CloseFeed(feed_id="all"))
            running.until_quiet(0xB0)
            sent = len(running.packets(0xB0))
            running.feed("all", "audio", (0xB0,))
            running.said.clear()  # the tap's readiness is said anew
            running.tap("east", "room", SOUND)
            running.until(lambda: len(running.packets(0xB0)) > sent + 50)
    heard = decoded_sound(running.packets(0xB0)[-25:])
    assert loudness_at(heard, EAST_HZ) > 0.02


VP8_SSRCS = (0xC1, 0xC2)


@pytest.mark.thorough
def test_in_vp8_it_is_made_while_that_is_fed_and_as_many_layers_as_are_needed(
    tmp_path: Path,
) -> None:
    with compositor(tmp_path) as running:
        shot = open_lesson(running)
        source = running.tap("lead", "teacher", VIDEO["H264"])
        running.wait_for(Wants, lambda said: said.track_id == "lead-teacher")

        def sent(ssrc: int) -> int:
            return len({packet.timestamp for packet in running.packets(ssrc)})

        with Sending({source: counted("H264", 0, 8)}):
            running.until(lambda: sent(PICTURE_SSRCS[1]) > 0)
            running.feed("picture-vp8", "video", VP8_SSRCS, codec="VP8")
            running.tell(LayersNeeded(layers=2, codec="VP8"))
            running.until(lambda: sent(VP8_SSRCS[1]) > 15)
            running.tell(LayersNeeded(layers=1, codec="VP8"))
            large, small = (sent(ssrc) for ssrc in reversed(VP8_SSRCS))
            running.until(lambda: sent(VP8_SSRCS[0]) > small + 15)
            assert sent(VP8_SSRCS[1]) - large < 5, "the large layer rests"
            running.tell(CloseFeed(feed_id="picture-vp8"))
            usual = sent(PICTURE_SSRCS[0])
            running.until(lambda: sent(PICTURE_SSRCS[0]) > usual + 5)
            small = sent(VP8_SSRCS[0])
            running.until(lambda: sent(PICTURE_SSRCS[0]) > usual + 15)
            assert sent(VP8_SSRCS[0]) == small, "nobody needs it, nothing is made"
    pictures = decoded_pictures(running.packets(VP8_SSRCS[1]), "VP8")
    assert pictures[-1].shape == (LAYERS[1].height, LAYERS[1].width)
    tile = seat_tiles(shot)["lead"]
    seen = [in_tile(picture, tile) for picture in pictures]
    assert len(set(seen) & set(range(200))) > 10 and seen == sorted(seen)
    # And the picture that all others receive was made all along.
    usual_pictures = decoded_pictures(running.packets(PICTURE_SSRCS[1]))
    assert in_tile(usual_pictures[-1], tile) > seen[-1] + 15


@pytest.mark.thorough
def test_broken_and_stalled_sources_cost_nobody_else_anything(tmp_path: Path) -> None:
    rng = random.Random(5)
    seats = (
        *SEATS,
        SceneSeat(seat_id="west", role="room", name="坏线路", sources=("students",)),
        SceneSeat(seat_id="hole", role="room", name="有丢包", sources=("students",)),
    )
    wall = Choice(number=2, layout=ProgramLayout.WALL)
    with compositor(tmp_path) as running:
        running.begin(all=(0xB0, ""))
        running.tell(Scene(seats=seats, choice=wall))
        shot = running.wait_for(Shot, lambda said: len(said.tiles) == 4)
        broken = [
            (at, data[:20] + bytes(byte ^ rng.randrange(256) for byte in data[20:]))
            for at, data in counted("H264", 2000, 2)
        ]
        good = counted("H264", 3000, 2)
        lost = good[: len(good) // 3] + good[len(good) // 3 + 2 :]
        garbage = [(at, data[:12] + rng.randbytes(80)) for at, data in tone(700, 2)]
        stalled = counted("H264", 0, 1)  # nothing more after a second
        sources = {
            running.tap("lead", "teacher", VIDEO["H264"]): stalled,
            running.tap("east", "students", VIDEO["VP8"]): counted("VP8", 1000, 2),
            running.tap("west", "students", VIDEO["H264"]): broken,
            running.tap("hole", "students", with_ssrc(VIDEO["H264"], 0x2222)): lost,
            running.tap("west", "room", SOUND): garbage,
            running.tap("east", "room", SOUND): tone(EAST_HZ, 2),
        }
        with Sending(sources) as sending:
            running.until(lambda: sending.done)
        asked = running.wait_for(KeyframeWanted, lambda said: said.track_id == "hole-students")
        assert asked.producer_id == "p-hole-students"
        counters = running.wait_for(
            Counters, lambda said: any(one.decoded_frames == 50 for one in said.sources)
        )
        by_track = {one.track_id: one for one in counters.sources}
        assert by_track["lead-teacher"].decoded_frames == 25
        assert by_track["hole-students"].lost_packets == 2
        tiles = seat_tiles(shot)
        pictures = decoded_pictures(running.packets(PICTURE_SSRCS[1]))
        assert in_tile(pictures[-1], tiles["lead"]) == 24
        assert in_tile(pictures[-1], tiles["east"]) == 1049
        assert len({in_tile(one, tiles["east"]) for one in pictures} & set(range(1000, 1050))) > 10
        # Behind the hole the last good picture, and what follows the next keyframe: no smear.
        held = [in_tile(one, tiles["hole"]) for one in pictures]
        assert {one for one in held if one >= 3000} <= set(range(3000, 3050))
        sound = decoded_sound(middle(loud_packets(running, 0xB0)))
        assert loudness_at(sound, EAST_HZ) > 0.02
        assert running.process.poll() is None


def test_what_it_can_bind_nowhere_it_says_and_takes_when_it_is_asked_again(tmp_path: Path) -> None:
    """A folder that is not there stands for a file system that is full for a while."""
    with compositor(tmp_path) as running:
        open_lesson(running)
        folder = tmp_path / "full"
        opening = OpenTap(
            track_id="t1",
            socket_path=str(folder / "tap.sock"),
            seat_id="east",
            source="students",
            producer_id="p1",
        )
        running.tell(opening)
        failed = running.wait_for(TapFailed, lambda said: said.track_id == "t1")
        assert failed.passes and str(folder) in failed.text
        folder.mkdir()
        running.tell(opening)
        running.wait_for(TapReady, lambda said: said.track_id == "t1")


@pytest.mark.parametrize("said", [b'{"type":"scene","title":"a wo', b'{"type":"of another"}\n'])
def test_a_word_that_is_cut_or_unknown_ends_it_and_leaves_no_socket(
    tmp_path: Path, said: bytes
) -> None:
    """A server that was killed in the middle of it, and one of another version."""
    with compositor(tmp_path) as running:
        open_lesson(running)
        running.tap("lead", "teacher", VIDEO["H264"])
        running.control.sendall(said)
        running.control.shutdown(socket.SHUT_WR)
        running.process.wait(WAIT_S)
    assert [one.name for one in tmp_path.iterdir()] == ["core.sock"]


def test_it_ends_with_the_server_and_leaves_no_socket(tmp_path: Path) -> None:
    with compositor(tmp_path) as running:
        open_lesson(running)
        running.tap("lead", "teacher", VIDEO["H264"])
        running.control.close()
        assert running.process.wait(WAIT_S) == 0
    assert [one.name for one in tmp_path.iterdir()] == ["core.sock"]
