"""A lesson of one school and three rooms, recorded, exported, and played from the disk.

With turns, mutes, a line that is cut and a recorder that is killed. Every half second of sound and
every picture says when it was: what a stock Chromium and a stock Firefox show of the export, and
what they decode of its sound, is compared with the moment itself.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Playwright

from recorder.manifest import Manifest, Part, read_manifest
from tests.browser.county import LEAD_ROOM, ROOMS, County
from tests.browser.firefox import firefox, has_firefox
from tests.browser.marked_lesson import (
    DELAY_MOST_S,
    STEP_S,
    all_drawn,
    end,
    finished,
    lasts,
    open_seats,
    press,
    said_at,
    stretches,
)
from tests.browser.media_page import CHROMIUM
from tests.browser.room_network import RoomNetwork, can_make_networks, room_network
from tests.browser.screens import PROBES, Screen
from tests.browser.server_process import ServerProcess
from tests.browser.test_exported_recording import HEIGHT, QUIET, WIDTH, Page, until
from tests.browser.test_recorded_in_step import decoded_pictures
from tests.recorded_media import HeardMark, marks_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.alone,
    pytest.mark.thorough,
    pytest.mark.timeout(900),
]

FAR, NEAR, THIRD = ROOMS
TURN_S, MUTE_S, CUT_S = 3.5, 2.0, 3.0
LEAST_MARKS = 4  # of a seat that had a turn
# Edges of parts are where a line was cut or the recorder killed: so far from them one looks.
EDGE_S = 0.8
PLAYED_S = 2.0
APART_S = 0.1  # of views that play beside each other on two cores

# What the browser itself decodes of a part's sound, as 16 bits in base64. Files may be read by
# their page's script only in a browser that is told so; it is for us to listen, not for playing.
DECODED = """async (file) => {
  const data = await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", file);
    request.responseType = "arraybuffer";
    request.onload = () => resolve(request.response);
    request.onerror = () => reject(new Error(file));
    request.send();
  });
  const context = new OfflineAudioContext(1, 48000, 48000);
  const samples = (await context.decodeAudioData(data)).getChannelData(0);
  const words = Int16Array.from(samples, (one) => Math.max(-1, Math.min(1, one)) * 32767);
  const bytes = new Uint8Array(words.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}"""
# What each view that can be seen has decoded: of a paused video that was hidden, a screenshot
# of a Chromium without a screen shows now and then an earlier picture.
MARKS = """() => [...document.querySelectorAll('.view video')]
  .filter((media) => !media.closest('.view').hidden)
  .map((media) => [media.dataset.part, TongkeIdentity.readVideo(media)])"""
PLACES = """() => {
  const position = tongkePlayer.now();
  return [...document.querySelectorAll('video, audio')].filter((one) => !one.paused)
    .map((one) => [one.dataset.part, one.currentTime, position]);
}"""


@dataclass(frozen=True)
class Still:
    """From when to when (Unix time) a seat's picture stands still, for want of its line."""

    seat: str
    begins: float
    ends: float


def test_every_view_and_every_sound_is_at_its_moment(
    tmp_path: Path, playwright: Playwright
) -> None:
    if not can_make_networks():
        pytest.skip("cutting a room's line needs a network namespace: root and Debian's iproute2")
    if not has_firefox():
        pytest.skip("needs Debian's firefox-esr (scripts/need-browsers.sh)")
    place, manifest, drawn, cut = recorded_and_exported(tmp_path, playwright)
    parts = [part for part in manifest.parts if not part.is_program]
    for seat, moments in drawn.items():
        mine = [part for part in parts if part.seat_id == seat]
        assert sum(part.has_video for part in mine) >= 2, f"{seat}: before and after the kill"
        assert any(part.has_audio for part in mine), seat
        assert moments
    index = (place / "index.html").as_uri()
    for browser in (chromium_page, firefox_page):
        with browser(playwright, tmp_path / browser.__name__) as page:
            page.goto(index)
            seen = pictures_seen(page, manifest, parts, cut, tmp_path)
            plays_together(page, parts)
            heard = decoded(page, place, parts)
        at_their_moments(place, manifest, parts, drawn, seen, heard)


def recorded_and_exported(
    folder: Path, playwright: Playwright
) -> tuple[Path, Manifest, dict[str, dict[int, float]], Still]:
    """The export, what the recording holds, by seat when each of its pictures was drawn, and when
    the far room's could not come."""
    with ExitStack() as stack:
        line = stack.enter_context(room_network(1))
        server = ServerProcess(folder / "data", advertised=("127.0.0.1", line.host))
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="delivery", record=True)
        screens = open_seats(
            stack, playwright, folder, server, county, lines={FAR: line}, rooms=ROOMS
        )
        county.teach(screens[LEAD_ROOM], lesson_id)
        seats = county.seats(lesson_id)
        cut = hold(screens, seats, line, server)
        drawn = {
            seats[name]: {counter: at / 1000 for counter, at in all_drawn(screen)}
            for name, screen in screens.items()
        }
        (folder / "drawn.json").write_text(json.dumps(drawn))  # for who looks into a failure
        end(screens[LEAD_ROOM])
        recording = finished(screens[LEAD_ROOM], county, server, lesson_id)
        manifest = read_manifest(recording)
        assert manifest is not None and not manifest.missing, manifest
        (folder / "disk").mkdir()
        command = [str(Path(sys.executable).parent / "tongke"), "archive", "export", recording.name]
        command += ["--to", str(folder / "disk"), "--data-folder", str(server.data_folder)]
        # 3: it says that its recorder was away; that may have been too short to be missed.
        assert subprocess.run(command, check=False).returncode in {0, 3}
    return folder / "disk" / recording.name, manifest, drawn, cut


def hold(
    screens: dict[str, Screen], seats: dict[str, str], line: RoomNetwork, server: ServerProcess
) -> Still:
    """The lesson: a turn, a mute, a turn whose line is cut, a turn whose recorder is killed."""
    moments: list[float] = []
    teacher = screens[LEAD_ROOM]
    for name in ROOMS:
        teacher.sees_moving(seats[name], screens[name].identity)

    def turn(name: str, meanwhile: Any = None) -> None:
        press(teacher, f"give-floor-{seats[name]}")
        lasts(teacher, TURN_S)
        if meanwhile is not None:
            meanwhile()
            lasts(teacher, TURN_S)
        press(teacher, f"take-floor-{seats[name]}")
        lasts(teacher, 1)

    def cut() -> None:
        moments.append(time.time())
        line.cut()
        lasts(teacher, CUT_S)
        line.join()
        teacher.sees_moving(seats[FAR], screens[FAR].identity)
        moments.append(time.time())

    turn(NEAR)
    press(teacher, "own-room")
    lasts(teacher, MUTE_S)
    press(teacher, "own-room")
    turn(FAR, cut)
    turn(THIRD, lambda: kill_recorder(server, teacher))
    return Still(seats[FAR], *moments)


def kill_recorder(server: ServerProcess, teacher: Screen) -> None:
    """SIGKILL; until everybody's picture is recorded again."""
    recordings = server.data_folder / "recordings"
    before = len(list(recordings.glob("*/tracks/*")))
    os.kill(recorder_of(server), signal.SIGKILL)
    until(
        lambda: len(list(recordings.glob("*/tracks/*"))) >= before + 1 + len(ROOMS),
        "all pictures are recorded again",
    )
    lasts(teacher, 1)


def recorder_of(server: ServerProcess) -> int:
    """The process id of its recorder."""
    assert server.process is not None
    below = [server.process.pid]
    for pid in below:
        if b"-m\0recorder\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        below += map(int, children.split())
        for task in Path(f"/proc/{pid}/task").iterdir():
            below += map(int, (task / "children").read_text().split())
    raise AssertionError("the server has no recorder")


# --- the two browsers ---------------------------------------------------------------------------


@contextmanager
def chromium_page(playwright: Playwright, folder: Path) -> Iterator[Page]:
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=["--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio",
              "--allow-file-access-from-files"],
    )  # fmt: skip
    try:
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, offline=True)
        context.add_init_script(PROBES)
        yield context.new_page()
    finally:
        browser.close()


@contextmanager
def firefox_page(_playwright: Playwright, folder: Path) -> Iterator[Page]:
    with firefox(folder, security__fileuri__strict_origin_policy=False) as page:
        page.size(WIDTH, HEIGHT)
        yield page


def pictures_seen(
    page: Page, manifest: Manifest, parts: list[Part], cut: Still, evidence: Path
) -> list[tuple[float, Part, int, int]]:
    """(position, part, identity, counter) of every view at some moments of every part."""
    found = []
    for position in positions(manifest, parts):
        page.evaluate("at => tongkePlayer.seek(at)", position)
        until(lambda: page.evaluate(QUIET), "all pictures are there")
        moment = manifest.started_at + position
        still = cut.seat if cut.begins - EDGE_S <= moment <= cut.ends + EDGE_S else ""
        wanted = {
            part.file: part
            for part in parts
            if part.has_video and part.seat_id != still and covers(part, position, EDGE_S)
        }
        marks = settled_marks(page, set(wanted), evidence)
        seats = [identity for identity, _ in marks.values()]
        assert len(seats) == len(set(seats)), f"{position} s: one seat stands there twice: {marks}"
        found += [(position, part, *marks[file]) for file, part in wanted.items()]
    return found


def settled_marks(page: Page, wanted: set[str], evidence: Path) -> dict[str, tuple[int, int]]:
    """What the screen shows of these files, when it shows the same three times."""
    shown: list[dict[str, tuple[int, int]]] = [{}, {}, {}]

    def settled() -> bool:
        shown.append(marks_on(page))
        return wanted <= shown[-1].keys() and shown[-1] == shown[-2] == shown[-3]

    try:
        until(settled, f"every view is read: {sorted(wanted)}")
    except AssertionError:
        (evidence / "unread.png").write_bytes(page.screenshot())
        raise
    return shown[-1]


def positions(manifest: Manifest, parts: list[Part]) -> list[float]:
    """Near the beginning, in the middle and near the end of every part with a picture; none where
    nothing was recorded."""
    found: list[float] = []
    pauses = [(one.start_s - EDGE_S, one.start_s + one.duration_s) for one in manifest.pauses]
    for part in parts:
        if part.has_video and part.duration_s > 3 * EDGE_S:
            inner = part.duration_s - 2 * EDGE_S
            for share in (0.02, 0.5, 0.98):
                at = round(part.start_s + EDGE_S + inner * share, 2)
                # Another's, so near that it says the same of this part, is not looked at twice.
                near = any(abs(at - one) < EDGE_S and covers(part, one, EDGE_S) for one in found)
                if not near and not any(a <= at <= b for a, b in pauses):
                    found.append(at)
    return sorted(found)


def covers(part: Part, position: float, edge_s: float) -> bool:
    return part.start_s + edge_s <= position <= part.start_s + part.duration_s - edge_s


def marks_on(page: Page) -> dict[str, tuple[int, int]]:
    """By file: whose picture each view shows, and its number."""
    return {
        Path(file).name: (mark["identity"], mark["counter"])
        for file, mark in page.evaluate(MARKS)
        if mark is not None
    }


def plays_together(page: Page, parts: list[Part]) -> None:
    """For some seconds in which most views are there: each stands where the clock does."""
    starts = {part.file: part.start_s for part in parts}
    page.evaluate("at => tongkePlayer.seek(at)", max(part.start_s for part in parts[:4]) + 1)
    page.evaluate("() => document.getElementById('play').click()")
    until(lambda: page.evaluate("() => tongkePlayer.playing()"), "it plays")
    apart: dict[str, list[float]] = {}
    ends = time.monotonic() + PLAYED_S
    while time.monotonic() < ends:
        for file, at, position in page.evaluate(PLACES):
            name = Path(file).name
            apart.setdefault(name, []).append(starts[name] + at - position)
    page.evaluate("() => document.getElementById('play').click()")
    assert len(apart) >= len(ROOMS), apart.keys()
    assert all(abs(median(each)) <= APART_S for each in apart.values()), apart


def decoded(page: Page, place: Path, parts: list[Part]) -> dict[str, list[HeardMark]]:
    """By file, the marks in what this browser decodes of its sound.

    Asked from an empty page on the same disk: the export's own may fetch nothing.
    """
    listening = place.parent / "listening.html"
    listening.write_text("<!doctype html><meta charset=utf-8>")
    page.goto(listening.as_uri())
    found = {}
    for part in parts:
        if part.has_audio:
            told = page.evaluate(DECODED, (place / "recording" / part.file).as_uri())
            words = np.frombuffer(base64.b64decode(told), np.int16)
            found[part.file] = marks_in(words.astype(np.float64) / 32768, 48_000)
    return found


# --- against the moment -------------------------------------------------------------------------


def at_their_moments(
    place: Path,
    manifest: Manifest,
    parts: list[Part],
    drawn: dict[str, dict[int, float]],
    seen: list[tuple[float, Part, int, int]],
    heard: dict[str, list[HeardMark]],
) -> None:
    identities: dict[str, set[int]] = {seat: set() for seat in drawn}
    held: dict[str, dict[int, float]] = {}
    for _, part, identity, _ in seen:
        if part.file not in held:
            pictures = decoded_pictures(place / "recording" / part.file, identity)
            held[part.file] = {counter: at for at, counter in pictures}
    for position, part, identity, counter in seen:
        identities[part.seat_id].add(identity)
        # The last picture that had come by then, whose place in the file is that of its moment: a
        # busy machine's camera may leave some out.
        times = held[part.file]
        stands = times[counter]
        after = min((at for at in times.values() if at > stands), default=part.duration_s)
        into = position - part.start_s
        told = f"{part.name} at {position} s shows what stands at {part.start_s + stands:.3f} s"
        assert stands - STEP_S <= into <= after + STEP_S, told
        if counter not in drawn[part.seat_id]:  # it came while the lesson ended
            assert manifest.started_at + position > max(drawn[part.seat_id].values()) - STEP_S
            continue
        late = manifest.started_at + part.start_s + stands - drawn[part.seat_id][counter]
        assert -STEP_S <= late <= DELAY_MOST_S + STEP_S, f"{told}: {late:.3f} s late"
    assert sorted(map(len, identities.values())) == [1] * len(drawn), "each view is one seat's"
    assert len(set.union(*identities.values())) == len(drawn)
    for seat in drawn:
        sounds: list[tuple[float, float]] = []
        for part in sorted(parts, key=lambda one: one.start_s):
            if part.seat_id == seat and part.has_audio:
                began = manifest.started_at + part.start_s
                sounds += [
                    (part.start_s + mark.time, said_at(mark, began)) for mark in heard[part.file]
                ]
        compared = 0
        for stretch in stretches(sounds):
            late_s = [manifest.started_at + at - moment for at, moment in stretch]
            told = f"{seat} at {stretch[0][0]:.1f} s is heard {median(late_s):.3f} s late"
            assert max(abs(each - median(late_s)) for each in late_s) <= STEP_S, (told, late_s)
            assert -STEP_S <= median(late_s) <= DELAY_MOST_S, told
            compared += len(stretch)
        assert compared >= LEAST_MARKS, (seat, sounds)
