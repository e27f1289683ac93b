"""`python -m benchmarks.weak_line`: what a school sees and hears over a weak line.

Real Chromiums hold a lesson (a teacher, two rooms); one room's media goes through a line that is
narrow or loses packets (`tests/network_relay.py`, seeded). Read are pixels and samples: how often
the counter in a picture advances, whether a voice's tone is there. Printed are a table and one
last line of JSON; `docs/weak_lines.md` says what the figures mean. It needs Debian's `chromium`
and about a quarter of an hour; it stops by itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from tests.browser.screens import Screen
from tests.browser.weak_lesson import LEAD, WEAK, Seen, WeakLesson, weak_lesson
from tests.network_relay import LinkConditions

DELAY_S = 0.03  # each way: 60 ms there and back, a county's usual
SETTLE_S = 10  # the change itself is the squeezes' business
CLEAN_S = 15  # between two lines, so that each begins from full quality
SQUEEZE_S = 20
STAYS_S = 8  # full quality that goes away again sooner is none
BACK_MOST_S = 60


@dataclass(frozen=True)
class Line:
    """One weak line, under the name that the table shows."""

    name: str
    down: LinkConditions
    up: LinkConditions


def narrow(kilobits: int, *, way: str) -> Line:
    clean = LinkConditions(delay_s=DELAY_S)
    thin = LinkConditions(rate_bps=1000 * kilobits, delay_s=DELAY_S)
    name = f"{kilobits} kb/s {way}"
    return Line(name, thin, clean) if way == "down" else Line(name, clean, thin)


def lossy(percent: int, burst: int, *, way: str = "") -> Line:
    """Both ways, unless only one is named."""
    loses = LinkConditions(loss=percent / 100, burst_packets=burst, delay_s=DELAY_S)
    clean = LinkConditions(delay_s=DELAY_S)
    name = f"{percent} % loss" + (f", runs of {burst}" if burst > 1 else "") + (way and f", {way}")
    return Line(name, clean if way == "up" else loses, clean if way == "down" else loses)


GOOD = Line("good line", LinkConditions(delay_s=DELAY_S), LinkConditions(delay_s=DELAY_S))
LINES = (
    GOOD,
    *(narrow(kilobits, way=way) for way in ("down", "up") for kilobits in (1000, 300, 100)),
    *(lossy(percent, burst) for burst in (1, 4) for percent in (5, 15, 30)),
    *(lossy(15, 8, way=way) for way in ("", "down")),
)
NOTHING = LinkConditions(loss=1)
SQUEEZES = (
    *(narrow(kilobits, way=way) for way in ("down", "up") for kilobits in (300, 100)),
    lossy(30, 1),
    Line("cut", NOTHING, NOTHING),
)


@dataclass(frozen=True)
class Row:
    """What was seen over one line. Pictures are new ones a second, sound a share of the time."""

    line: str
    weak_room: Seen  # the lead, on the weak room's screen
    teacher: Seen  # the weak room, on the teacher's screen
    other_room: Seen  # the lead, on the screen of the room whose line is good


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.weak_line")
    parser.add_argument("--profile", default="standard", help="the rooms' hardware profile")
    parser.add_argument("--seconds", type=float, default=15, help="how long each line is watched")
    parser.add_argument("--only", default="", help="only lines whose name contains this")
    return parser.parse_args(given)


def watched(lesson: WeakLesson, line: Line, seconds: float) -> Row:
    """Shape the line, let it settle, watch."""
    lesson.line.shape(down=line.down, up=line.up)
    lesson.weak.page.wait_for_timeout(1000 * SETTLE_S)
    places = [(lesson.weak, LEAD), (lesson.teacher, WEAK), (lesson.other, LEAD)]
    row = Row(line.name, *lesson.watched(places, seconds))
    lesson.line.shape(down=GOOD.down, up=GOOD.up)
    lesson.weak.page.wait_for_timeout(1000 * CLEAN_S)
    return row


@dataclass(frozen=True)
class Back:
    """Seconds from a line's return until a picture is full and moves; None: not within the time."""

    line: str
    weak_room: float | None  # the lead, on the weak room's screen
    teacher: float | None  # the weak room, on the teacher's screen


def back_after(lesson: WeakLesson, line: Line, widths: tuple[int, int]) -> Back:
    """After `SQUEEZE_S` of this line: when both pictures are as on a good line, and stay so."""
    places = [(lesson.weak, LEAD, widths[0]), (lesson.teacher, WEAK, widths[1])]
    lesson.line.shape(down=line.down, up=line.up)
    lesson.weak.page.wait_for_timeout(1000 * SQUEEZE_S)
    lesson.line.shape(down=GOOD.down, up=GOOD.up)
    begin = [lesson.now(screen) for screen, _, _ in places]
    after: list[float | None] = []
    for passed_s in range(1, BACK_MOST_S + 1):
        lesson.weak.page.wait_for_timeout(1000)
        after = [
            lesson.full_after_s(*place, since) for place, since in zip(places, begin, strict=True)
        ]
        if all(one is not None and passed_s - one > STAYS_S for one in after):
            break
    return Back(line.name, *after)


def begin(lesson: WeakLesson) -> tuple[int, int]:
    """Everybody watches; returns how wide the lead and the weak room are seen on good lines."""
    watching: list[tuple[Screen, int]] = [
        (lesson.weak, LEAD), (lesson.teacher, WEAK), (lesson.other, LEAD),
    ]  # fmt: skip
    for screen, identity in watching:
        lesson.watch(screen, identity)
    lesson.line.shape(down=GOOD.down, up=GOOD.up)
    lesson.weak.page.wait_for_timeout(1000 * CLEAN_S)
    lead, room = lesson.watched([(lesson.other, LEAD), (lesson.teacher, WEAK)], 3)
    return lead.width, room.width


def measure(playwright: Playwright, folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """All lines, then all squeezes, in one lesson; prints as it goes."""
    with weak_lesson(playwright, folder, profile=options.profile) as lesson:
        widths = begin(lesson)
        print(HEAD)
        rows = []
        for line in LINES:
            if options.only in line.name:
                rows.append(watched(lesson, line, options.seconds))
                print(text_of(rows[-1]), flush=True)
        squeezes = [line for line in SQUEEZES if options.only in line.name]
        if squeezes:
            print(f"\nSeconds until both are full again after {SQUEEZE_S} s of")
        back = []
        for line in squeezes:
            back.append(back_after(lesson, line, widths))
            seen, shown = (one and round(one, 1) for one in (back[-1].weak_room, back[-1].teacher))
            print(
                f"  {line.name:22}| in the weak room {seen!s:17} | at the lead {shown}", flush=True
            )
    return {
        "benchmark": "weak_line",
        "profile": options.profile,
        "rows": [asdict(row) for row in rows],
        "full_again_s": [asdict(one) for one in back],
    }


_SEEN = f"{'pict/s':>6} {'width':>6} {'still':>6} {'sound':>6} {'broken':>6}"
HEAD = "\n".join(
    (
        f"{'':24}| {'the lead in the weak room':34} | {'the weak room at the lead':34} | the other",
        f"{'line':24}| {_SEEN} | {_SEEN} | pict/s  width",
    )
)


def text_of(row: Row) -> str:
    def part(seen: Seen) -> str:
        picture = f"{seen.rate:6.1f} {seen.width:6d} {seen.longest_still_s:5.1f}s"
        return f"{picture} {100 * seen.heard:5.0f}% {100 * seen.made_up:5.1f}%"

    weak, lead = part(row.weak_room), part(row.teacher)
    other = row.other_room
    return f"{row.line:24}| {weak} | {lead} | {other.rate:6.1f} {other.least_width:6d}"


def main() -> None:
    options = arguments()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        found = measure(playwright, Path(folder), options)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
