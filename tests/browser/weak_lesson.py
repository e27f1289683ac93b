"""A lesson of a teacher and two rooms, one of them behind a line that can be made weak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from playwright.sync_api import Playwright

from tests.browser.county import LEAD_ROOM, ROOMS, County, post
from tests.browser.fake_devices import FakeDevice
from tests.browser.screens import WAIT_S, Screen, open_seat
from tests.browser.server_process import ServerProcess
from tests.browser.shaped_line import ShapedLine

LEAD, WEAK, OTHER = 1, 2, 3  # identities
PROBE = (Path(__file__).parent / "line_probe.js").read_text()


@dataclass(frozen=True)
class Seen:
    """What one screen showed and played of one seat over some seconds."""

    rate: float  # new pictures a second
    longest_still_s: float
    width: int  # of the picture in the middle of all
    least_width: int
    last_width: int
    heard: float  # share of the time in which the seat's tone was there
    longest_silence_s: float
    played: float  # share of the time in which any sound was played at all
    made_up: float  # share of the sound that the browser made up, because it was not there in time


@dataclass(frozen=True)
class Glimpse:
    """What one screen says of one seat: of its last seconds, and from its beginning."""

    report: dict[str, Any]  # what `Seen` has of the last seconds
    played: int  # samples of the sound so far
    made_up: int  # of them those the browser made up

    def since(self, earlier: Glimpse) -> Seen:
        """What was seen in the last seconds, which began at `earlier`."""
        share = (self.made_up - earlier.made_up) / max(1, self.played - earlier.played)
        return Seen(**self.report, made_up=share)


@dataclass
class WeakLesson:
    """Three screens; `line` is before the weak room's."""

    server: ServerProcess
    county: County
    lesson_id: str
    teacher: Screen
    weak: Screen
    other: Screen
    seats: dict[int, str]  # identity → seat id
    line: ShapedLine

    def watch(self, screen: Screen, identity: int) -> None:
        """Watch and listen to a seat on this screen, once it is there."""
        seat = self.seats[identity]
        screen.sees_moving(seat, identity)
        screen.page.evaluate("([seat, who]) => LineProbe.watch(seat, who)", [seat, identity])

    def wait_for_width(
        self,
        screen: Screen,
        identity: int,
        least: int,
        most: int = 9999,
        *,
        timeout_s: float = WAIT_S,
    ) -> None:
        """Waits until a seat's picture moves at such a width."""
        screen.wait(
            "([seat, least, most]) => LineProbe.shows(seat, least, most)",
            [self.seats[identity], least, most],
            timeout_s=timeout_s,
        )

    def now(self, screen: Screen) -> float:
        """The screen's clock."""
        return float(screen.page.evaluate("LineProbe.now()"))

    def watched(self, places: Sequence[tuple[Screen, int]], seconds: float) -> list[Seen]:
        """What each of these screens shows of a seat within the next seconds."""
        before = [self.glimpse(*place, seconds) for place in places]
        self.teacher.page.wait_for_timeout(1000 * seconds)
        after = [self.glimpse(*place, seconds) for place in places]
        return [then.since(earlier) for earlier, then in zip(before, after, strict=True)]

    def glimpse(self, screen: Screen, identity: int, seconds: float) -> Glimpse:
        """What this screen shows of a seat now and has shown in the last seconds."""
        found = screen.page.evaluate(
            "([seat, seconds]) => LineProbe.last(seat, seconds)", [self.seats[identity], seconds]
        )
        return Glimpse(found["picture"] | found["sound"], *found["samples"])

    def full_after_s(self, screen: Screen, identity: int, width: int, since: float) -> float | None:
        """How long after `since` the picture was this wide, moved, and went on; None: it is not."""
        answer: float | None = screen.page.evaluate(
            "([seat, width, since]) => LineProbe.fullAfter(seat, width, since)",
            [self.seats[identity], width, since],
        )
        return answer

    def wait_for_layers(self, screen: Screen, count: int) -> None:
        """Waits until the screen sends so many layers of its pictures, of more that it could."""
        sent = offered = 0
        for _ in range(round(WAIT_S)):
            sent, offered = screen.page.evaluate("LineProbe.layersSent()")
            if sent == count < offered:
                return
            screen.page.wait_for_timeout(1000)
        raise AssertionError(f"{screen.name} sends {sent} of {offered} layers, not {count}")

    def diagnosis(self, screen: Screen) -> list[dict[str, Any]]:
        """What the screen's connections say of themselves."""
        found: list[dict[str, Any]] = screen.page.evaluate("LineProbe.diagnosis()")
        return found


@contextmanager
def weak_lesson(
    playwright: Playwright,
    folder: Path,
    *,
    profile: str,
    size: tuple[int, int] = (640, 360),
    camera: Callable[[Path, int, str], FakeDevice] | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[WeakLesson]:
    """Starts server and browsers; all three see and hear each other."""
    with ExitStack() as stack:
        server = ServerProcess(
            folder / "data",  # One port on one address: the far end of the line.
            settings={"TONGKE_MEDIA_PUMPS": "1", "TONGKE_MEDIA_HOST": "127.0.0.1", **settings},
        )
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile=profile)
        stack.callback(county.teacher.close)
        line = stack.enter_context(ShapedLine(server.media_port))
        lesson_id = _lesson(county)

        def screen(name: str, identity: int) -> Screen:
            device = camera(folder, identity, name) if camera is not None else None
            opened = open_seat(stack, playwright, folder, name, identity, size=size, device=device)
            opened.page.add_init_script(PROBE)
            return opened

        teacher = screen("Li Min", LEAD)
        weak, other = screen(ROOMS[0], WEAK), screen(ROOMS[1], OTHER)
        line.stand_before(weak.page)
        for room in (weak, other):
            room.page.goto(f"{server.origin}/room#{county.credentials[room.name]}")
        county.teach(teacher, lesson_id)
        identities = {LEAD_ROOM: LEAD, ROOMS[0]: WEAK, ROOMS[1]: OTHER}
        seats = {identities[name]: seat for name, seat in county.seats(lesson_id).items()}
        yield WeakLesson(server, county, lesson_id, teacher, weak, other, seats, line)


def _lesson(county: County) -> str:
    rooms = [county.room_ids[name] for name in ROOMS[:2]]
    lesson = post(
        county.teacher,
        "/api/lessons",
        title="A thin line",
        subject="Mathematics",
        grade="4",
        mode="blended",
        community_id=county.community_id,
        lead_classroom_id=county.lead_classroom_id,
        room_classroom_ids=rooms,
        starts_at=None,
        record=False,
    )
    return str(lesson["id"])
