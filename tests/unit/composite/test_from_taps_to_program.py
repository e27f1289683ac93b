"""From two taps' datagrams to the program's picture: each source's own picture in its own tile."""

from __future__ import annotations

import numpy as np

from mixer.composite.arrange import PictureId, ProgramSeat, arrange
from mixer.composite.compositor import Compositor
from mixer.composite.layouts import ProgramLayout
from mixer.composite.lettering import Lettering
from mixer.composite.picture_decoder import PictureDecoder
from mixer.composite.picture_reader import PictureReader
from mixer.model import Kind, TapInfo
from tests.recorded_media import VIDEO, encode_video, packetise, read_counter
from tests.unit.composite.pictures import part

SEATS = (ProgramSeat("lead", "lead", ("teacher",)), ProgramSeat("east", "room", ("students",)))
TICK_S = 0.04


def tap(codec: str) -> TapInfo:
    stream = VIDEO[codec]
    return TapInfo(
        "t", "p", Kind.VIDEO, codec, stream.payload_type, stream.clock_rate, 0, stream.ssrc
    )


def test_each_source_is_in_its_tile_and_one_that_fails_stands_still_alone() -> None:
    program = Compositor(640, 360, Lettering())
    tiles = arrange(ProgramLayout.DIALOGUE, SEATS, 640, 360)
    program.lay_out(tiles)
    sources = {}
    for codec, first, picture_id in (
        ("H264", 0, PictureId("lead", "teacher")),
        ("VP8", 1000, PictureId("east", "students")),
    ):
        encoded = encode_video(codec, 1.2, width=256, height=144, first=first)
        packets = packetise(VIDEO[codec], encoded)
        sources[picture_id] = (PictureReader(tap(codec)), PictureDecoder(codec), packets)
    seen: dict[PictureId, list[int]] = {picture_id: [] for picture_id in sources}
    for tick in range(30):
        now = tick * TICK_S
        for picture_id, (reader, decoder, packets) in sources.items():
            frames = reader.poll(now)
            while packets and packets[0][0] <= now + 1e-9:
                at, data = packets.pop(0)
                if picture_id.seat_id == "east" and 0.39 < at < 0.41:
                    continue  # lost
                frames += reader.handle_datagram(data, now)
            for frame in frames:
                picture = decoder.decode(frame)
                if picture is not None:
                    program.show(picture_id, picture)
        program.compose()
        for tile in tiles:
            seen[tile.picture].append(read_counter(np.array(part(program.canvas, tile.box))))
    lead, east = (seen[picture_id] for picture_id in sources)
    assert lead == list(range(30))
    assert east == [*range(1000, 1010), *[1009] * 20]
    assert program.drawn_tiles == 30 + 10
