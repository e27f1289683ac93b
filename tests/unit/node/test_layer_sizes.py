"""A layer is large because its pictures are: which one is sent, recorded, and asked for.

The node on a fake pump: sizes come as keyframes tell them, whatever the layers are called and in
whatever order they were offered.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixer.forward.layer_demand import UNNEEDED_AFTER_S
from mixer.model import (
    ConsumerChanged,
    LayerBeside,
    LayerOffer,
    LayersNeeded,
    PictureFault,
    PictureFaultsChanged,
    SourceOffer,
    TileSize,
    Want,
)
from mixer.node.stats import lesson_stats
from mixer.node.streams import Consumer
from mixer.pump import KEYFRAME_NEEDED
from mixer.rtp.bandwidth import MAX_BPS
from mixer.rtp.feedback import Pli
from mixer.rtp.rtcp import parse_compound
from tests.camera_media import ENCODERS, encode_h264, parameter_sets
from tests.unit.node.world import CHROMIUM, World, begin_estimate, connected

SIZES = {width: (width, width * 9 // 16) for width in (160, 320, 480, 640, 960, 1280, 1920)}


@pytest.fixture(scope="module")
def sps() -> dict[int, bytes]:
    """A sequence parameter set of each width, as x264 writes it."""
    sets = {}
    for width, (_, height) in SIZES.items():
        pictures = encode_h264(ENCODERS["baseline"], 0.04, width=width, height=height)
        sets[width] = parameter_sets(pictures)[0]
    return sets


class Scene(World):
    """A picture in several layers, and one who looks at it over a line that carries everything."""

    def __init__(self, sps: dict[int, bytes]) -> None:
        super().__init__()
        self.sps = sps

    async def begin(self, rids: str, tile: tuple[int, int], *told: LayerOffer) -> None:
        offer = CHROMIUM.replace("a=simulcast:send q;h;f", f"a=simulcast:send {rids}")
        lines = "".join(f"a=rid:{rid} send\r\n" for rid in rids.split(";"))
        offer = re.sub(r"(a=rid:\w+ send\r\n)+", lines, offer)
        source = SourceOffer("teacher", 5_000_000, told)
        answer = await self.lesson.members.publish("lead", offer, {"1": source})
        self.producer_id = answer.producers[0].producer_id
        self.pump_id = self.producer_pump_id(self.producer_id)
        self.answer = answer
        self.connect()
        for number, rid in enumerate(self.rids()):
            self.new_ssrc(10 + number, 108, "1", rid, "")
        subscription = await self.subscribe(Want(self.producer_id, *tile))
        connected(subscription.connection)
        begin_estimate(subscription.consumers, self.clock.now, start_bps=MAX_BPS)

    def rids(self) -> list[str]:
        """The rids that were agreed to, by the pump's number."""
        producer = self.lesson.producer(self.producer_id)
        assert producer is not None
        return [encoding.rid for encoding in producer.every]

    async def look(self, width: int, height: int) -> None:
        wants = [Want(self.producer_id, width, height)]
        await self.lesson.members.subscribe("room", wants, restart=False)

    def send(self, **widths: int) -> None:
        """A second of each of these layers (by rid, `_0` for `0`), in pictures of this width."""
        rows = {row["layer"]: row for row in self.pump.stats[self.pump_id]}
        for name, width in widths.items():
            slot = self.rids().index(name.removeprefix("_"))
            row = rows.setdefault(
                slot, {"layer": slot, "bytes": 0, "keyframes": 1, "format_changes": 0}
            )
            if self.pump.formats[self.pump_id, slot] != self.sps[width]:
                self.pump.formats[self.pump_id, slot] = self.sps[width]
                row["format_changes"] += 1
        self.pump.stats[self.pump_id] = list(rows.values())
        for _ in range(10):
            self.clock.now += 0.1
            for row in rows.values():
                row["bytes"] += 5_000
                row["last_packet_ns"] = round(1e9 * self.clock.now)
            self.lesson.control.handle_timer(self.clock.now)

    def sent(self) -> str:
        """The rid of the layer that goes out."""
        (consumer,) = self.lesson.members.subscriptions["room"].consumers
        return self._rid_of(consumer)

    def tapped(self, tap_id: str) -> str:
        """The rid of the layer that a tap gets."""
        consumer = self.lesson.members.taps[tap_id].consumer
        assert consumer is not None
        return self._rid_of(consumer)

    def _rid_of(self, consumer: Consumer) -> str:
        calls = [c for c in self.pump.told("set_consumer_layer") if c[0] == consumer.pump_id]
        return self.rids()[calls[-1][1]]


@pytest.fixture
def scene(sps: dict[int, bytes]) -> Iterator[Scene]:
    made = Scene(sps)
    yield made
    made.pump.close()


@pytest.mark.parametrize(
    ("rids", "widths"),
    [
        ("0;1;2", {"_0": 1280, "_1": 640, "_2": 320}),  # OBS
        ("hi;mid;lo", {"hi": 1280, "mid": 640, "lo": 320}),
        ("q;h;f", {"q": 1280, "h": 640, "f": 320}),  # names lie
        ("b;a;c", {"b": 640, "a": 1280, "c": 320}),
    ],
)
async def test_layers_taken_upside_down_are_put_right(
    scene: Scene, tmp_path: Path, rids: str, widths: dict[str, int]
) -> None:
    by_width = {width: name.removeprefix("_") for name, width in widths.items()}
    await scene.begin(rids, (1280, 720))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(tmp_path / "tap"))
        tap = scene.lesson.members.tap(scene.producer_id, str(tmp_path / "tap"))
        scene.send(**widths)
        assert scene.sent() == by_width[1280]
        assert scene.tapped(tap.tap_id) == by_width[1280]
        await scene.look(320, 180)
        scene.send(**widths)
        assert scene.sent() == by_width[320]
        await scene.look(640, 360)
        scene.send(**widths)
        assert scene.sent() == by_width[640]
    heard = [event for event in scene.heard if isinstance(event, ConsumerChanged)]
    assert [event.layer for event in heard[-2:]] == [0, 1], "layers are told the smallest first"
    await scene.close()


@pytest.mark.parametrize(
    ("want", "sending", "rid"),
    [
        (None, "q h f", "f"),
        (TileSize(320, 180), "q h f", "q"),
        (TileSize(700, 394), "q h f", "h"),
        (TileSize(1280, 720), "q h f", "f"),
        (TileSize(1280, 720), "q h", "h"),
        (TileSize(640, 360), "q f", "q"),
        (TileSize(320, 180), "h f", "h"),
        (None, "q", "q"),
    ],
)
async def test_a_tap_gets_the_layer_of_its_size(
    scene: Scene, tmp_path: Path, want: TileSize | None, sending: str, rid: str
) -> None:
    widths = {name: {"q": 320, "h": 640, "f": 1280}[name] for name in sending.split()}
    await scene.begin("q;h;f", (1280, 720))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(tmp_path / "tap"))
        tap = scene.lesson.members.tap(scene.producer_id, str(tmp_path / "tap"), want)
        scene.send(**widths)
        assert scene.tapped(tap.tap_id) == rid
        scene.lesson.members.set_tap_want(tap.tap_id, TileSize(0, 0))
        assert scene.tapped(tap.tap_id) == sending.split(maxsplit=1)[0], "at once"
        scene.lesson.members.set_tap_want(tap.tap_id, want)
        assert scene.tapped(tap.tap_id) == rid
    await scene.close()


@pytest.mark.parametrize(
    ("sending", "rid"),
    [
        ("q h f", "q"),
        ("h f", "h"),
        ("q", None),  # the best has it
        ("f", None),
    ],
)
async def test_a_tap_beside_the_best_takes_a_smaller_layer_or_nothing(
    scene: Scene, tmp_path: Path, sending: str, rid: str | None
) -> None:
    widths = {name: {"q": 320, "h": 640, "f": 1280}[name] for name in sending.split()}
    await scene.begin("q;h;f", (1280, 720))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(tmp_path / "tap"))
        beside = LayerBeside(320, 180)
        tap = scene.lesson.members.tap(scene.producer_id, str(tmp_path / "tap"), beside)
        scene.send(**widths)
        found = scene.lesson.members.taps[tap.tap_id]
        assert found.consumer is not None
        assert (scene.tapped(tap.tap_id) if found.consumer.encoding else None) == rid
        assert found.demand == (), "nobody has to send anything for it"
    await scene.close()


OLD_PC = (LayerOffer("q", 320, 180), LayerOffer("f", 640, 360))
RECORDING_ROOM = (
    LayerOffer("q", 480, 270), LayerOffer("h", 960, 540), LayerOffer("f", 1920, 1080),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rids", "told", "tile", "rid"),
    [
        ("q;f", OLD_PC, (640, 360), "f"),
        ("q;f", OLD_PC, (320, 180), "q"),
        ("q;h;f", RECORDING_ROOM, (960, 540), "h"),
        ("q;h;f", RECORDING_ROOM, (1280, 720), "f"),
    ],
)
@pytest.mark.parametrize("known_by", ["profile", "pictures"])
async def test_a_tile_gets_the_layer_of_its_size(
    scene: Scene,
    rids: str,
    told: tuple[LayerOffer, ...],
    tile: tuple[int, int],
    rid: str,
    known_by: str,
) -> None:
    await scene.begin(rids, tile, *(told if known_by == "profile" else ()))
    if known_by == "profile":  # before a keyframe has come of any
        scene.pump.stats[scene.pump_id] = [
            {"layer": slot, "bytes": 5_000, "keyframes": 0, "last_packet_ns": 10**11}
            for slot in range(len(told))
        ]
        producer = scene.lesson.producer(scene.producer_id)
        assert producer is not None
        scene.lesson.first_packet(producer)
    else:
        scene.send(**{layer.rid: layer.width for layer in told})
    assert scene.sent() == rid
    await scene.close()


async def test_of_five_layers_the_three_that_serve_best_are_kept(scene: Scene) -> None:
    await scene.begin("a;b;c;d;e", (1280, 720))
    assert scene.answer.producers[0].layers == 3
    widths = {"a": 960, "b": 160, "c": 1920, "d": 640, "e": 320}
    scene.send(**widths)
    producer = scene.lesson.producer(scene.producer_id)
    assert producer is not None
    assert [encoding.rid for encoding in producer.encodings] == ["b", "d", "c"]
    assert scene.sent() == "c"
    assert "a=simulcast:recv a;b;c;d;e" in scene.answer.sdp, "until they are seen all are taken"
    await scene.close()


async def test_too_many_layers_of_known_sizes_are_not_even_asked_for(scene: Scene) -> None:
    told = [
        LayerOffer(rid, *SIZES[w]) for rid, w in zip("abcd", (160, 320, 640, 1280), strict=True)
    ]
    await scene.begin("a;b;c;d", (1280, 720), *told)
    assert scene.rids() == ["a", "b", "d"]
    assert "a=simulcast:recv a;b;d\r\n" in scene.answer.sdp
    await scene.close()


async def test_a_camera_that_changes_its_size_is_followed(scene: Scene) -> None:
    await scene.begin("q;h;f", (640, 360))
    scene.send(q=320, h=640, f=1280)
    assert scene.sent() == "h"
    scene.send(q=160, h=320, f=640)
    assert scene.sent() == "f"
    scene.send(q=320, h=640, f=1280)
    assert scene.sent() == "h"
    await scene.close()


async def test_who_sends_is_told_by_real_sizes_what_is_needed(scene: Scene) -> None:
    await scene.begin("q;h;f", (960, 540), *RECORDING_ROOM)
    for _ in range(round(UNNEEDED_AFTER_S) + 3):
        scene.send(q=480, h=960, f=1920)
    told = [event for event in scene.heard if isinstance(event, LayersNeeded)]
    assert told == [LayersNeeded("lead", scene.producer_id, 2)]
    await scene.close()


async def test_a_keyframe_is_asked_of_the_layer_that_is_meant(scene: Scene) -> None:
    await scene.begin("0;1;2", (1280, 720))
    scene.send(_0=1280, _1=640, _2=320)
    scene.clock.now += 5
    before = len(scene.pump.told("send_rtcp"))
    scene.pump.happen(scene.port, (KEYFRAME_NEEDED, scene.pump_id, 0))
    asked = [
        packet.media_ssrc
        for call in scene.pump.told("send_rtcp")[before:]
        for packet in parse_compound(call[1])
        if isinstance(packet, Pli)
    ]
    assert asked == [10]
    await scene.close()


@pytest.mark.parametrize("data", [b"", b"\x67", b"\x67\x42\x00\x1f" + bytes(40), b"junk" * 200])
async def test_pictures_that_say_nonsense_leave_the_order_as_it_is(
    scene: Scene, data: bytes
) -> None:
    await scene.begin("q;h;f", (640, 360))
    scene.sps[1] = data
    scene.send(q=1, h=1, f=1)
    assert scene.sent() == "h"
    await scene.close()


async def test_pictures_that_browsers_cannot_show_are_told_and_their_mending_too(
    scene: Scene,
) -> None:
    def told() -> list[tuple[PictureFault, ...]]:
        return [one.faults for one in scene.heard if isinstance(one, PictureFaultsChanged)]

    def shown() -> list[str]:
        (producer,) = lesson_stats(scene.lesson, scene.clock.now)["producers"]
        return producer["faults"]

    await scene.begin("q;h;f", (640, 360))
    fields = encode_h264(ENCODERS["interlaced"], 0.04, width=640, height=360)
    scene.sps[640] = parameter_sets(fields)[0]
    scene.send(q=320, h=640)
    assert told() == [(PictureFault.INTERLACED,)]
    scene.send(q=320, h=320)
    assert told()[1:] == [()]
    for total in range(4):
        for row in scene.pump.stats[scene.pump_id]:
            row["steps_back"] = total
        scene.send(q=320, h=320)
    assert told()[2:] == [(PictureFault.B_FRAMES,)]
    assert shown() == ["b-frames"]
    for _ in range(20):
        scene.send(q=320, h=320)
    assert told()[3:] == [()]
    assert shown() == []
    await scene.close()
