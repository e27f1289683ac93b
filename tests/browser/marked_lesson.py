"""A recorded lesson in which every sound and picture says when it was, and what is read back of it.

Real Chromiums with the devices of `marked_devices.js`: every half second of their sound and every
picture carries a number that belongs to a moment, so that what was recorded can be compared with
the moment itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from playwright.sync_api import Playwright

from tests.browser.county import LEAD_ROOM, County
from tests.browser.fake_devices import FakeDevice, make_fake_device
from tests.browser.room_network import RoomNetwork
from tests.browser.screens import CHROMIUM, WAIT_S, Screen, open_screen
from tests.browser.server_process import ServerProcess
from tests.recorded_media import MARKS, HeardMark

STEP_S = 0.040  # of sound against picture, and of each against the moment, beside the line's delay
DELAY_MOST_S = 0.150  # from the camera to the recorder, on a machine that does all of it
EVERY_S = 0.5
MARKED = (Path(__file__).parent / "marked_devices.js").read_text()


@dataclass
class Taken:
    """What a part holds: the lesson's seconds at which marks are heard and pictures seen, and when
    each of them was said or shown (Unix time)."""

    sounds: list[tuple[float, float]] = field(default_factory=list)
    pictures: list[tuple[float, float]] = field(default_factory=list)


def open_seats(
    stack: ExitStack,
    playwright: Playwright,
    folder: Path,
    server: ServerProcess,
    county: County,
    lines: Mapping[str, RoomNetwork],
    rooms: Sequence[str],
) -> dict[str, Screen]:
    """The lead's screen and those of these rooms, each behind a line of its own, if it has one."""
    # They only stand for there being a camera and a microphone.
    device = make_fake_device(
        folder / "devices", identity=1, name="", width=160, height=90, seconds=1
    )
    screens = {}
    for identity, name in enumerate((LEAD_ROOM, *rooms), start=1):
        screen = screens[name] = marked_screen(
            playwright, folder, name, identity, device, lines.get(name)
        )
        stack.callback(screen.browser.close)
        if name != LEAD_ROOM:
            host = lines[name].host if name in lines else "127.0.0.1"
            screen.page.goto(f"https://{host}:{server.port}/room#{county.credentials[name]}")
    return screens


def marked_screen(
    playwright: Playwright,
    folder: Path,
    name: str,
    identity: int,
    device: FakeDevice,
    line: RoomNetwork | None,
) -> Screen:
    screen = open_screen(
        playwright,
        name=name,
        identity=identity,
        device=device,
        evidence=folder,
        program=line.wrap(str(CHROMIUM), folder) if line else CHROMIUM,
    )
    screen.page.add_init_script(f"self.MARKED_IDENTITY = {identity};{MARKED}")
    return screen


def press(screen: Screen, name: str) -> None:
    button = screen.page.get_by_test_id(name)
    button.wait_for()
    screen.page.evaluate("MarkedDevices.betweenMarks()")
    button.click()


def lasts(screen: Screen, seconds: float) -> None:
    """The lesson itself: what is recorded takes its time."""
    screen.page.wait_for_timeout(1000 * seconds)


def all_drawn(screen: Screen) -> list[tuple[int, float]]:
    return screen.page.evaluate("MarkedDevices.drawn")


def end(teacher: Screen) -> None:
    teacher.page.get_by_test_id("end").click()
    teacher.page.get_by_test_id("end-confirm").click()


def finished(screen: Screen, county: County, server: ServerProcess, lesson_id: str) -> Path:
    """The folder of the lesson's recording, once it is ready."""
    for _ in range(round(4 * WAIT_S)):
        for recording in county.teacher.get("/api/recordings").json():
            if recording["lesson_id"] == lesson_id and recording["state"] == "ready":
                return server.data_folder / "recordings" / str(recording["id"])
        screen.page.wait_for_timeout(250)
    raise AssertionError("the recording was not finished in time")


def said_at(mark: HeardMark, began: float) -> float:
    """When it was said: of the half seconds with this tone the one nearest to where it stands."""
    about = round((began + mark.time) / EVERY_S)
    number = about + (mark.number - about + MARKS // 2) % MARKS - MARKS // 2
    return number * EVERY_S


def stretches(sounds: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """What was said without a pause; the first and the last mark of each may be cut off."""
    found = [[sounds[0]]]
    for before, mark in pairwise(sounds):
        if mark[1] - before[1] > 1.5 * EVERY_S:
            found.append([])
        found[-1].append(mark)
    return [stretch[1:-1] for stretch in found if len(stretch) > 4]


def in_step(taken: Taken, started_at: float) -> None:
    """Sound and picture stand at the same distance from the moment, and near it."""
    seen = [(at, started_at + at - moment) for at, moment in taken.pictures]
    compared = 0
    for stretch in stretches(taken.sounds):
        begins, ends = stretch[0][0] - 1, stretch[-1][0] + 1
        late = [started_at + at - moment for at, moment in stretch]
        pictures = [each for at, each in seen if begins <= at <= ends]
        told = f"{begins:.1f}-{ends:.1f} s: sound {median(late):.3f}"
        assert max(abs(each - median(late)) for each in late) <= STEP_S, (told, late)
        assert -STEP_S <= median(late) <= DELAY_MOST_S, told
        if pictures:
            assert abs(median(late) - median(pictures)) <= STEP_S, (told, median(pictures))
            compared += len(stretch)
    # On a busy machine a camera may begin after its microphone.
    assert compared > 0.5 * sum(map(len, stretches(taken.sounds)))
