"""`docs/archive_format.md` is true: a reader written from it reads what was recorded, and what lies
beside the media is what other programs take it for.
"""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.exchange.form import LibraryFacts
from recorder.exchange.making import export_recording
from recorder.exchange.sinks import FolderSink, ZipSink
from recorder.recording_folder import JOURNAL, MANIFEST
from tests.recorded_lesson import BEGAN
from tests.recorded_media import FRAME_RATE, decoded_counters
from tests.unit.recorder.exchange import stranger
from tests.unit.recorder.exchange.exported import FACTS, SECONDS, exported, fragment, record

PAGE = Path(__file__).parents[4] / "docs" / "archive_format.md"
FRAME_S = 1 / FRAME_RATE


@pytest.fixture(scope="module")
def out(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("out") / "out"
    exported(made, place)
    return place


def test_the_stranger_plays_the_moment_that_was_recorded(folder: Path, tmp_path: Path) -> None:
    fragment(folder)
    exported(folder, tmp_path / "out.zip", as_zip=True)
    about, files = stranger.read_export(tmp_path / "out.zip")
    manifest = json.loads(files["recording/manifest.json"])
    assert about["recording_id"] == "rec1"
    moment = 2.5
    seen = set()
    for name, within in stranger.shown_at(manifest, moment).items():
        path = tmp_path / name
        path.write_bytes(files[f"recording/{name}"])
        shown = [number for at, number in decoded_counters(path) if at <= within + FRAME_S / 2]
        seen.add(shown[-1])
    began = manifest["started_at"] - BEGAN
    number = round((moment + began) * FRAME_RATE)
    assert all(min(abs(one - wanted) for one in seen) <= 1 for wanted in (number, 1000 + number))
    assert len(seen) == 2


def test_the_stranger_places_tracks_by_the_journal_alone(tmp_path: Path) -> None:
    """A recording that was never finished, its last file torn."""
    record(tmp_path / "rec1", seconds=3.0, finish=False)
    journal = (tmp_path / "rec1" / JOURNAL).read_bytes()
    lines = stranger.read_journal(journal[:-3])
    whole = stranger.read_journal(journal)
    assert len(lines) == len(whole) - 1
    assert whole[0]["type"] == "opened"
    tracks = stranger.tracks_of(whole)
    assert {(one.seat, one.source, one.codec) for one in tracks.values()} == {
        ("lead", "room", "opus"), ("lead", "teacher", "H264"), ("room1", "teacher", "H264"),
    }  # fmt: skip
    for track in tracks.values():
        if track.codec == "opus":
            continue
        ((name, rtp),) = track.files
        data = (tmp_path / "rec1" / "tracks" / name).read_bytes()
        assert track.zero_at is not None
        ends, fragments = stranger.whole_bytes(data[:-5])
        assert fragments >= 2
        cut = tmp_path / name
        cut.write_bytes(data[:ends])
        for at, counter in decoded_counters(cut)[::10]:
            lies_at = track.zero_at + rtp / track.clock_rate + at
            assert lies_at - BEGAN == pytest.approx(counter % 1000 * FRAME_S, abs=0.04)


def test_the_list_of_parts_says_what_the_manifest_says(out: Path) -> None:
    listed = json.loads((out / "timeline" / "parts.json").read_text())
    manifest = json.loads((out / "recording" / MANIFEST).read_text())
    assert listed["duration_s"] == manifest["duration_s"]
    assert len(listed["parts"]) == len(manifest["parts"]) == 2
    for one in listed["parts"]:
        assert (out / one["file"]).is_file()
        assert one["to_s"] - one["from_s"] == pytest.approx(one["file_to_s"] - one["file_from_s"])


def cues(path: Path) -> list[tuple[float, float, str]]:
    """What ffprobe's WebVTT reader finds: from, to, and by how many bytes of text."""
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-f", "webvtt", "-of", "json",
         "-show_entries", "packet=pts_time,duration_time,size", str(path)],
        capture_output=True, check=True,
    )  # fmt: skip
    text = re.findall(r"--> .*\n(.*)\n", path.read_text("utf-8"))
    found = json.loads(said.stdout)["packets"]
    assert [int(one["size"]) for one in found] == [len(line.encode()) for line in text]
    return [
        (float(one["pts_time"]), float(one["pts_time"]) + float(one["duration_time"]), line)
        for one, line in zip(found, text, strict=True)
    ]


def test_chapters_and_captions_are_read_by_a_player(out: Path) -> None:
    english = cues(out / "timeline" / "chapters.en.vtt")
    chinese = cues(out / "timeline" / "chapters.zh.vtt")
    assert next(text for _, _, text in english) == "Start"
    assert [text for _, _, text in chinese][-1] == "下课"
    marks = [[when for when in told if when[2] == said] for told, said in
             ((english, "Mark 1"), (chinese, "标记 1"))]  # fmt: skip
    assert [one[0][0] for one in marks] == [pytest.approx(2.5, abs=0.1)] * 2
    assert [when[:2] for when in english] == [when[:2] for when in chinese]
    assert all(a[1] == b[0] for a, b in pairwise(english)), "no hole"
    assert english[-1][1] == pytest.approx(SECONDS, abs=0.2)
    ((begins, _, said),) = cues(out / "timeline" / "captions.vtt")
    assert begins == pytest.approx(1.0, abs=0.1)
    assert said == ('<v &lt;/script&gt;&lt;b&gt;李老师 &amp; "co" ]]&gt;>1 &lt; 2 --&gt; &amp;')


DC = "{http://purl.org/dc/elements/1.1/}"
LOM = "{http://ltsc.ieee.org/xsd/LOM}"


def test_the_metadata_is_the_same_as_xml_and_as_json(out: Path) -> None:
    core = ET.parse(out / "metadata" / "dublin_core.xml").getroot()  # noqa: S314 - our own file
    said = json.loads((out / "metadata" / "dublin_core.json").read_text())
    for name in ("title", "subject", "creator", "date", "identifier", "type"):
        assert [one.text for one in core.findall(DC + name)] == [said[f"dc:{name}"]]
    assert said["dc:title"] == FACTS.title
    assert said["dc:contributor"] == list(FACTS.schools)
    assert [one.text for one in core.findall(DC + "contributor")] == said["dc:contributor"]
    lom = ET.parse(out / "metadata" / "lom.xml").getroot()  # noqa: S314 - we wrote it
    json_lom = json.loads((out / "metadata" / "lom.json").read_text())
    title = lom.find(f"{LOM}general/{LOM}title/{LOM}string")
    assert title is not None
    assert {title.get("language"): title.text} == json_lom["general"]["title"]
    lasts = lom.find(f"{LOM}technical/{LOM}duration/{LOM}duration")
    assert lasts is not None
    assert lasts.text == json_lom["technical"]["duration"] == "PT0H0M4S"
    teacher = lom.find(f"{LOM}lifeCycle/{LOM}contribute/{LOM}entity")
    assert teacher is not None
    assert 'FN:</script><b>李老师 & "co" ]]>' in str(teacher.text)


@pytest.mark.parametrize("as_zip", [False, True])
def test_of_a_lesson_of_which_nothing_is_known_nothing_is_made_up(
    folder: Path, tmp_path: Path, *, as_zip: bool
) -> None:
    place = tmp_path / "bare"
    sink = ZipSink(place, at=0.0) if as_zip else FolderSink(place)
    export_recording(folder, sink, LibraryFacts(), made_at=0.0, made_by="")
    if not as_zip:
        said = json.loads((place / "metadata" / "dublin_core.json").read_text())
        assert "dc:creator" not in said and "dc:subject" not in said
        for name in ("dublin_core", "lom"):
            ET.parse(place / "metadata" / f"{name}.xml")  # noqa: S314 - as above


def test_the_page_names_every_file_and_member(out: Path) -> None:
    page = PAGE.read_text("utf-8")
    about = json.loads((out / "export.json").read_text())
    for one in about["files"]:
        name = re.sub(r"^(player/|recording/(?=part)).*", r"\1", one["file"])
        known = {"player/": "player/…", "recording/": "recording/…"}.get(name, name)
        assert f"`{known}`" in page or f"`{known.removeprefix('recording/')}`" in page, one["file"]
    for member in [*about, *json.loads((out / "library.json").read_text())]:
        assert f"`{member}`" in page
    listed = json.loads((out / "timeline" / "parts.json").read_text())
    for member in [*listed, *listed["parts"][0]]:
        assert f"`{member}`" in page
