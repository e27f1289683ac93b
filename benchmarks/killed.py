"""`python -m benchmarks.killed`: how soon everybody is back when the server is killed.

Four real Chromiums hold a lesson; the server is killed (SIGKILL) several times, and its keeper
starts it again. With `--keeper` that one is killed too, and all is started anew, as after a power
cut.
Read are pixels: a seat is back when every other seat's counter advances on its screen again.
Printed are a table and one last line of JSON. It needs Debian's `chromium` and two minutes, on a
machine that does nothing else; it stops by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from tests.browser.county import LEAD_ROOM, ROOMS, County
from tests.browser.screens import Screen, open_seat
from tests.browser.server_process import ServerProcess

SMALL = (320, 180)  # four browsers, a server and two cores
BETWEEN_S = 15  # full rate again, what was saved is saved, and fewer than five kills a minute
LOWEST_NICENESS = 19


def killed(
    playwright: Playwright, folder: Path, kills: int, *, keeper: bool = False
) -> list[tuple[float, float]]:
    """After each kill: seconds until the server was ready, and until all four seats were back."""
    with ExitStack() as stack:
        server = ServerProcess(folder / "data")
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended", record=True)
        screens = [
            open_seat(stack, playwright, folder, name, identity, size=SMALL)
            for identity, name in enumerate((LEAD_ROOM, *ROOMS), start=1)
        ]
        for screen in screens[1:]:
            screen.page.goto(f"{server.origin}/room#{county.credentials[screen.name]}")
        county.teach(screens[0], lesson_id)
        seats = county.seats(lesson_id)
        watch(screens, seats)
        all_back_at(screens)
        give_way(but=server.process)
        measured = []
        for _ in range(kills):
            time.sleep(BETWEEN_S)
            killed_at = time.time()
            if keeper:
                server.kill()
                server.start(wait=False)
            else:
                server.kill_without_keeper()
            watch(screens, seats)  # pictures stand still from now on
            server.await_ready()
            ready_s = time.time() - killed_at
            measured.append((ready_s, all_back_at(screens) - killed_at))
        return measured


def give_way(*, but: subprocess.Popen[bytes] | None) -> None:
    """The browsers leave the processors to the server: they stand for four other machines."""
    for pid in descendants(os.getpid(), but=but.pid if but else 0):
        with suppress(OSError):  # it has ended, or this machine groups no sessions
            os.setpriority(os.PRIO_PROCESS, pid, LOWEST_NICENESS)
            if os.getsid(pid) != os.getsid(0):  # a session's niceness is that of all who are in it
                Path(f"/proc/{pid}/autogroup").write_text(str(LOWEST_NICENESS))  # sched(7)


def descendants(pid: int, but: int) -> Iterator[int]:
    """Every process that `pid` began, and those they began, without `but` and its own."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            if child != but:
                yield child
                yield from descendants(child, but)


def watch(screens: Sequence[Screen], seats: dict[str, str]) -> None:
    """Begins to look, on every screen, for when every other seat's picture moves."""
    for screen in screens:
        others = [[seats[each.name], each.identity] for each in screens if each is not screen]
        screen.page.evaluate("others => { self.back = PageProbe.whenAllMove(others) }", others)


def all_back_at(screens: Sequence[Screen]) -> float:
    """When (Unix seconds) the last screen saw the last picture move."""
    return max(float(screen.page.evaluate("self.back")) for screen in screens) / 1000


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.killed", description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--keeper", action="store_true", help="kill the server's keeper, too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tongke-killed-") as folder,
        sync_playwright() as playwright,
    ):
        measured = killed(playwright, Path(folder), options.kills, keeper=options.keeper)
    print("kill   ready   all back")
    for number, (ready_s, back_s) in enumerate(measured, start=1):
        print(f"{number:>4} {ready_s:>5.2f} s {back_s:>8.2f} s")
    medians = [round(statistics.median(each), 2) for each in zip(*measured, strict=True)]
    print(json.dumps({"ready_median_s": medians[0], "all_back_median_s": medians[1]}))


if __name__ == "__main__":
    main()
