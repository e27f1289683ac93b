"""The program read from a page's pixels: each seat's mark at the place where its tile stands.

`PROFILE` is that of a room that shows the program, `camera` what its seats look through, `PROBE`
the script of the page (`Program`), `at_places` what it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from mixer.composite.arrange import PictureId, ProgramSeat, Tile, arrange
from mixer.composite.layouts import ProgramLayout
from server.simulate.scene import Scene, SceneView
from tests.browser.fake_devices import MJPEG_FRAME_RATE, FakeDevice, write_voice

SIZE = (640, 360)
# A name stands at a tile's lower edge (higher where the frame's own edge is near), where a seat's
# picture has its mark: here the marked picture is drawn smaller, where no name lies over it.
PART = (0.1, 0.04, 0.8, 0.66)  # left, top, width, height
PROFILE = """
title_zh = "看节目的教室"
title_en = "A room that shows the program"
receives = "program"

[sources.students]
width = 640
height = 360
frame_rate = 15
codec = "H264"
layers = [
  { rid = "q", scale_down_by = 2, max_bitrate_bps = 150_000, max_frame_rate = 15 },
  { rid = "f", scale_down_by = 1, max_bitrate_bps = 700_000, max_frame_rate = 15 },
]
"""

# Of `[tile, identity]`s, the tile as parts of the picture: have all moved since `Program.restart`?
PROBE = """
window.Program = (() => {
  const seen = new Map();
  const PART = __PART__;
  const video = () => PageProbe.all("tk-program")[0]?.shadowRoot.querySelector("video");
  function markAt([x, y, width, height]) {
    const shown = video();
    if (!shown?.videoWidth) return null;
    const [w, h] = [shown.videoWidth, shown.videoHeight];
    const [left, top] = [(x + PART[0] * width) * w, (y + PART[1] * height) * h];
    const [wide, high] = [PART[2] * width * w, PART[3] * height * h];
    const canvas = new OffscreenCanvas(480, 270);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(shown, left, top, wide, high, 0, 0, 480, 270);
    return TongkeIdentity.readMark(context.getImageData(0, 0, 480, 270));
  }
  function moves(place, identity) {
    const mark = markAt(place);
    const key = place.join();
    if (mark?.identity !== identity) return false;
    if (!seen.has(key)) seen.set(key, mark.counter);
    return seen.get(key) !== mark.counter;
  }
  return {
    restart: () => seen.clear(),
    allMove: (tiles) => tiles.filter(([place, who]) => !moves(place, who)).length === 0,
    stands: () => PageProbe.all("tk-program").length > 0,
  };
})();
""".replace("__PART__", str(list(PART)))


def camera(folder: Path, identity: int, name: str) -> FakeDevice:
    """A seat's camera and microphone, its marked picture standing in `PART` of the camera's."""
    made = FakeDevice(
        folder / f"program-{identity}.mjpeg", folder / f"program-{identity}.wav", MJPEG_FRAME_RATE
    )
    width, height = SIZE
    left, top, wide, high = (
        round(part * side) for part, side in zip(PART, (*SIZE, *SIZE), strict=True)
    )
    scene = Scene(SceneView(identity, name, "", "students", wide, high, MJPEG_FRAME_RATE))
    with made.video.open("wb") as out:
        for counter in range(made.frames):
            picture = np.full((height, width, 3), 96, np.uint8)
            small = cv2.cvtColor(scene.picture(counter), cv2.COLOR_YUV2BGR_I420)
            picture[top : top + high, left : left + wide] = small
            written, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
            assert written
            out.write(np.asarray(jpeg, dtype=np.uint8).tobytes())
    write_voice(made.audio, identity)
    return made


def at_places(
    layout: ProgramLayout, seats: Mapping[str, int], lead: int, places: Iterable[int] = ()
) -> list[tuple[tuple[float, ...], int]]:
    """Where everybody stands in this layout, as parts of the picture, and who that is.

    `seats` are the identities of seats, in the lesson's order; `places` whom the teacher has put
    first.
    """
    seat_of = {identity: seat for seat, identity in seats.items()}
    tiles = arrange(
        layout,
        [
            ProgramSeat(
                seat,
                "lead" if identity == lead else "room",
                ("teacher" if identity == lead else "students",),
            )
            for seat, identity in seats.items()
        ],
        1280,
        720,
        places=[PictureId(seat_of[identity], "") for identity in places],
    )
    return [(_parts(tile), seats[tile.picture.seat_id]) for tile in tiles]


def _parts(tile: Tile) -> tuple[float, ...]:
    box = tile.box
    return box.x / 1280, box.y / 720, box.width / 1280, box.height / 720
