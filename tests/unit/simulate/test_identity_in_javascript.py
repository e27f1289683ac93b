"""The page's reader of marks and tones reads what Python writes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.simulate.identity import Mark, crc12, write_mark
from server.simulate.scene import Scene, SceneView
from server.simulate.voice import SAMPLE_RATE, speech_loop

READER = Path(__file__).parents[2] / "browser" / "identity.js"
PROGRAM = """
const fs = require("fs");
require(process.argv[1]);
const { readMark, heardTones, counterStep, crc12 } = globalThis.TongkeIdentity;
const cases = JSON.parse(fs.readFileSync(0, "utf8"));
const image = (c) => ({ width: c.width, height: c.height, data: fs.readFileSync(c.file) });
const sound = (c) => {
  const pcm = fs.readFileSync(c.file);
  return Float32Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(2 * i) / 32768);
};
console.log(JSON.stringify({
  marks: cases.pictures.map((c) => readMark(image(c))),
  tones: cases.sounds.map((c) => heardTones(sound(c), c.rate)),
  steps: cases.steps.map(([a, b]) => counterStep(a, b)),
  sums: cases.sums.map(crc12),
}));
"""


def rgba_file(file: Path, i420: np.ndarray) -> Path:
    file.write_bytes(cv2.cvtColor(i420, cv2.COLOR_YUV2RGBA_I420).tobytes())
    return file


def test_the_two_readers_agree(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.fail("this test needs Node: apt-get install nodejs")
    pictures, marks = [], []
    for width, height in ((640, 360), (320, 180), (160, 90), (426, 240), (1280, 720)):
        for identity, counter in ((1, 0), (200, 65_535), (77, 12_345)):
            picture = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
            write_mark(picture[:height], Mark(identity, counter))
            file = tmp_path / f"{width}-{identity}.rgba"
            pictures.append(
                {"file": str(rgba_file(file, picture)), "width": width, "height": height}
            )
            marks.append({"identity": identity, "counter": counter})
    view = SceneView(
        identity=9, name="a", school="b", source="students", width=320, height=180, frame_rate=1
    )
    scene = rgba_file(tmp_path / "scene.rgba", Scene(view).picture(321))
    empty = rgba_file(tmp_path / "empty.rgba", np.full((270, 320), 128, dtype=np.uint8))
    pictures += [{"file": str(f), "width": 320, "height": 180} for f in (scene, empty)]
    sounds = []
    for identity in (0, 3, 15):
        voice = tmp_path / f"{identity}.pcm"
        voice.write_bytes(speech_loop(identity)[: SAMPLE_RATE * 2 // 3].tobytes())
        sounds.append({"file": str(voice), "rate": SAMPLE_RATE})
    sums = [0, 1, 0xFFFFFF, 0x313233, 0x800000]
    cases = {
        "pictures": pictures,
        "sounds": sounds,
        "steps": [[65_535, 0], [0, 65_535], [3, 9]],
        "sums": sums,
    }
    done = subprocess.run(
        [node, "-e", PROGRAM, str(READER)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == {
        "marks": [*marks, {"identity": 9, "counter": 321}, None],
        "tones": [[0], [3], [15]],
        "steps": [1, -1, 6],
        "sums": [crc12(value) for value in sums],
    }
