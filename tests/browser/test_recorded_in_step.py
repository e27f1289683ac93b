"""A lesson in delivery mode, recorded, and compared with what was said and shown when.

Real Chromiums: a teacher and two rooms, with turns, a mute and a line that is cut in the middle of
a turn. Every half second of their sound and every picture says when it was (`marked_devices.js`):
what the recording holds is compared with the moment itself, the sound, the picture and the journal,
over the whole length, in the decoded parts and in what Chromium plays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Playwright

from server.simulate.identity import read_mark
from tests.browser.county import LEAD_ROOM, ROOMS, County
from tests.browser.marked_lesson import (
    DELAY_MOST_S,
    EVERY_S,
    STEP_S,
    Taken,
    all_drawn,
    end,
    finished,
    in_step,
    lasts,
    open_seats,
    press,
    said_at,
)
from tests.browser.room_network import RoomNetwork, can_make_networks, room_network
from tests.browser.screens import Screen
from tests.browser.server_process import ServerProcess
from tests.recorded_media import decoded_marks, marks_in

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(600)]

TURN_S = 3.5
MUTE_S = 4.0
CUT_S = 6.0
PLAYED_S = 4.0
NEAR, FAR = ROOMS[1], ROOMS[0]  # the far room's line is cut


def test_sound_picture_and_journal_are_in_step(tmp_path: Path, playwright: Playwright) -> None:
    if not can_make_networks():
        pytest.skip("cutting a room's line needs a network namespace: root and Debian's iproute2")
    with ExitStack() as stack:
        line = stack.enter_context(room_network(1))
        server = ServerProcess(tmp_path / "data", advertised=("127.0.0.1", line.host))
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="delivery", record=True)
        screens = open_seats(
            stack, playwright, tmp_path, server, county, lines={FAR: line}, rooms=(NEAR, FAR)
        )
        county.teach(screens[LEAD_ROOM], lesson_id)
        seats = county.seats(lesson_id)
        cut = the_lesson(screens, seats, line)
        drawn = {
            seats[name]: {counter: at / 1000 for counter, at in all_drawn(screen)}
            for name, screen in screens.items()
        }
        end(screens[LEAD_ROOM])
        folder = finished(screens[LEAD_ROOM], county, server, lesson_id)
        manifest = json.loads((folder / "manifest.json").read_text())
        assert not manifest["incomplete"] and not manifest.get("missing"), manifest
        identities = {seats[name]: screen.identity for name, screen in screens.items()}
        taken = read_back(folder, manifest, drawn, identities)
        for seat in (seats[LEAD_ROOM], seats[NEAR], seats[FAR]):
            in_step(taken[seat], manifest["started_at"])
        as_the_journal_says(taken, manifest, seats)
        for said in (taken[seats[FAR]].sounds, taken[seats[FAR]].pictures):
            lost_in_the_cut(said, cut)
        for part in played_parts(manifest, (seats[NEAR], seats[FAR])):
            heard_in_step(screens[LEAD_ROOM], part, folder, drawn[part["seat_id"]])
        assert server.stop() == 0


def the_lesson(
    screens: dict[str, Screen], seats: dict[str, str], line: RoomNetwork
) -> tuple[float, float]:
    """Turns, a mute, and a turn whose room loses its line in the middle; tells when it was cut."""
    teacher = screens[LEAD_ROOM]
    for name in (NEAR, FAR):
        teacher.sees_moving(seats[name], screens[name].identity)
        screens[name].sees_moving(seats[LEAD_ROOM], teacher.identity)
    press(teacher, f"give-floor-{seats[NEAR]}")
    lasts(teacher, TURN_S)
    press(teacher, f"take-floor-{seats[NEAR]}")
    lasts(teacher, 1)
    press(teacher, "own-room")
    lasts(teacher, MUTE_S)
    press(teacher, "own-room")
    press(teacher, f"give-floor-{seats[FAR]}")
    lasts(teacher, TURN_S)
    line.cut()
    cut_at = time.time()
    lasts(teacher, CUT_S)
    joined_at = time.time()
    line.join()
    teacher.sees_moving(seats[FAR], screens[FAR].identity)
    screens[FAR].sees_moving(seats[LEAD_ROOM], teacher.identity)
    lasts(teacher, TURN_S)
    press(teacher, f"take-floor-{seats[FAR]}")
    press(teacher, f"give-floor-{seats[NEAR]}")
    lasts(teacher, TURN_S)
    press(teacher, f"take-floor-{seats[NEAR]}")
    lasts(teacher, 1)
    return cut_at, joined_at


# --- what the parts hold ------------------------------------------------------------------------


def read_back(
    folder: Path,
    manifest: dict[str, Any],
    drawn: dict[str, dict[int, float]],
    identities: dict[str, int],
) -> dict[str, Taken]:
    """By seat, everything its parts hold, in order."""
    taken: dict[str, Taken] = {seat: Taken() for seat in drawn}
    for part in sorted(manifest["parts"], key=lambda part: float(part["start_s"])):
        into, start = taken[part["seat_id"]], float(part["start_s"])
        if part["has_audio"]:
            began = float(manifest["started_at"]) + start
            for mark in decoded_marks(folder / part["file"]):
                into.sounds.append((start + mark.time, said_at(mark, began)))
        if part["has_video"]:
            shown = drawn[part["seat_id"]]
            for at, counter in decoded_pictures(folder / part["file"], identities[part["seat_id"]]):
                if counter in shown:  # what came while the lesson ended is not asked for
                    into.pictures.append((start + at, shown[counter]))
    return taken


def decoded_pictures(path: Path, identity: int) -> list[tuple[float, int]]:
    """(time, counter) of every picture whose mark can be read: nearly all of them."""
    found, pictures = [], 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            pictures += 1
            mark = read_mark(frame.to_ndarray(format="gray").astype(np.uint8))
            if mark is not None:
                assert mark.identity == identity
                found.append((float(frame.time or 0.0), mark.counter))
    assert len(found) > 0.9 * pictures
    return found


def as_the_journal_says(
    taken: dict[str, Taken], manifest: dict[str, Any], seats: dict[str, str]
) -> None:
    """A room is heard in its turns and in no other moment, the teacher in all but the mute."""
    events = manifest["events"]

    def when(kind: str, seat: str, **members: object) -> list[float]:
        wanted = {"type": kind, "seat_id": seat, **members}
        return [e["start_s"] for e in events if wanted.items() <= e.items()]

    for name, turns in ((NEAR, 2), (FAR, 1)):
        seat = seats[name]
        given, back = when("floor_given", seat), when("floor_taken", seat)
        assert len(given) == len(back) == turns
        heard = [at for at, _ in taken[seat].sounds]
        for begins, ends in zip(given, back, strict=True):
            inside = [at for at in heard if begins - STEP_S <= at <= ends + DELAY_MOST_S + EVERY_S]
            assert len(inside) >= (TURN_S - 1) / EVERY_S, (name, begins, ends, heard)
            heard = [at for at in heard if at not in inside]
        assert heard == [], f"{name} is heard outside its turns"
    (closed,) = when("source_muted", seats[LEAD_ROOM], source="room", muted=True)
    opened = when("source_muted", seats[LEAD_ROOM], source="room", muted=False)[-1]
    teacher = [at for at, _ in taken[seats[LEAD_ROOM]].sounds]
    assert not [at for at in teacher if closed + DELAY_MOST_S <= at <= opened - STEP_S]
    assert [at for at in teacher if at < closed] and [at for at in teacher if at > opened + MUTE_S]


def lost_in_the_cut(said: Sequence[tuple[float, float]], cut: tuple[float, float]) -> None:
    """A second at least is gone. (Some were kept by the room's kernel and came late.)"""
    moments = [moment for _, moment in said]
    holes = [
        after - before
        for before, after in pairwise(moments)
        if before < cut[1] and after > cut[0] and after - before > 1.0
    ]
    assert holes, (cut, moments)
    assert moments[-1] > cut[1] + 2


# --- what Chromium plays ------------------------------------------------------------------------


def played_parts(manifest: dict[str, Any], seats: tuple[str, ...]) -> list[dict[str, Any]]:
    """The last part of each seat that has picture and sound: behind all holes."""
    last: dict[str, dict[str, Any]] = {}
    for part in manifest["parts"]:
        if part["seat_id"] in seats and part["has_video"] and part["has_audio"]:
            last[part["seat_id"]] = part
    assert set(last) == set(seats)
    return list(last.values())


def heard_in_step(
    screen: Screen, part: dict[str, Any], folder: Path, drawn: dict[int, float]
) -> None:
    """The part's end in a real player: what is heard with a picture was said when it was shown."""
    marks = decoded_marks(folder / part["file"])
    begins = max(0.0, marks[-1].time - PLAYED_S)
    address = f"/media/recordings/{folder.name}/{part['file']}"
    played = screen.page.evaluate(
        "([address, from, seconds]) => MarkedDevices.play(address, from, seconds)",
        [address, begins, PLAYED_S],
    )
    heard = marks_in(np.asarray(played["heard"], dtype=np.float64), 48_000)
    shown = [
        (count / 48_000, drawn[counter]) for counter, _, count in played["seen"] if counter in drawn
    ]
    assert len(heard) >= 4 and len(shown) >= 20
    # The player's samples and pictures on one clock, that of the samples.
    picture = median(at - moment for at, moment in shown)
    began = median(moment - at for at, moment in shown)
    late = [mark.time - said_at(mark, began) for mark in heard[1:-1]]
    assert abs(median(late) - picture) <= STEP_S, (late, picture)
