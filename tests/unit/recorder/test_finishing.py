"""The children that finish recordings: who has a turn, who waits for nobody, who is ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recorder.finish import NICENESS
from recorder.finishing import EXIT_MISSING, MOST_CHILDREN, TURNS, FinishingQueue
from recorder.recording_folder import TRACKS


class Child:
    """A process that ends when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.returncode: int | None = None
        self.output = b""
        self.killed = False
        self.dies = True

    def poll(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        self.killed = True
        if self.dies and self.returncode is None:
            self.returncode = -9

    def communicate(self, *, timeout: float | None = None) -> tuple[bytes, bytes]:
        if self.returncode is None:
            raise subprocess.TimeoutExpired("finish", timeout or 0.0)
        return self.output, b""


class Queue:
    """The queue in virtual time, and the children it has started."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.children: dict[str, Child] = {}
        self.queue = FinishingQueue(self._start)
        self.now = 0.0
        self.done: dict[str, str] = {}

    def _start(self, folder: Path) -> Child:
        child = self.children[folder.name] = Child(folder)
        return child

    def add(self, *names: str, size: int = 0) -> None:
        for name in names:
            (self.folder / name / TRACKS).mkdir(parents=True)
            with (self.folder / name / TRACKS / "t.mp4").open("wb") as file:
                file.truncate(size)
            self.queue.add(name, self.folder / name)
        self.go_on(0.0)

    def end(self, name: str, returncode: int = 0, output: bytes = b"") -> None:
        self.children[name].returncode, self.children[name].output = returncode, output
        self.go_on(0.0)

    def go_on(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            for recording_id, refusal in self.queue.poll(self.now):
                assert recording_id not in self.done, "told once"
                self.done[recording_id] = refusal[0] if refusal else ""
            if self.now >= until:
                return
            self.now = min(until, self.now + 0.5)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


def test_a_few_at_a_time_in_order_and_each_once(queue: Queue) -> None:
    queue.add("a", "b", "c", "d")
    queue.queue.add("a", queue.folder / "a")
    queue.queue.add("d", queue.folder / "d")
    assert list(queue.children) == ["a", "b"]
    queue.end("b")
    assert list(queue.children) == ["a", "b", "c"]
    queue.end("c")
    queue.end("a")
    queue.end("d")
    assert queue.done == dict.fromkeys("bcad", "")
    assert list(queue.children) == ["a", "b", "c", "d"]


def test_no_recording_waits_for_others_that_are_stuck(queue: Queue) -> None:
    stuck = [f"stuck{n}" for n in range(TURNS)]
    queue.add(*stuck, "good")
    assert "good" not in queue.children
    queue.go_on(10.5)
    queue.end("good")
    assert queue.done == {"good": ""}
    # Nor for many, as long as memory lasts for them.
    queue.add(*(f"more{n}" for n in range(MOST_CHILDREN)))
    queue.go_on(60)
    assert len(queue.children) == MOST_CHILDREN + 1


@pytest.mark.parametrize(("size", "limit_s"), [(0, 120), (1_000_000_000, 2120)])
def test_the_limit_is_in_proportion_to_the_recording(
    queue: Queue, size: int, limit_s: float
) -> None:
    queue.add("a", size=size)
    queue.go_on(limit_s - 1)
    assert not queue.children["a"].killed
    queue.go_on(2)
    assert queue.children["a"].killed
    assert queue.done == {"a": "finish-too-long"}


def test_a_child_that_cannot_be_killed_is_not_waited_for(queue: Queue) -> None:
    queue.add("a")
    queue.children["a"].dies = False
    queue.go_on(130)
    assert queue.done == {"a": "finish-too-long"}
    queue.add("b")
    queue.end("b")
    assert queue.done["b"] == ""
    queue.add("c")
    queue.children["c"].dies = False
    queue.queue.stop()


@pytest.mark.parametrize(
    ("returncode", "output", "code"),
    [
        (0, b"", ""),
        (EXIT_MISSING, b'{"code": "something-missing", "text": "x"}', ""),
        (1, json.dumps({"code": "disk-full", "text": "x"}).encode(), "disk-full"),
        (1, b"Traceback", "finish-crashed"),
        (-11, b"", "finish-crashed"),
    ],
)
def test_what_a_childs_end_means(queue: Queue, returncode: int, output: bytes, code: str) -> None:
    queue.add("a")
    queue.end("a", returncode, output)
    assert queue.done == {"a": code}


def test_no_file_grows_beyond_what_the_recording_explains(tmp_path: Path) -> None:
    """The kernel refuses it, whatever goes wrong in us."""
    program = (
        "import sys; from pathlib import Path; from recorder.finish import limit_output\n"
        "folder = Path(sys.argv[1]); limit_output(0)\n"
        "with (folder / 'out').open('wb') as file:\n"
        "    file.truncate(128 << 20); file.seek(0, 2); file.write(b'x')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "File too large" in ran.stderr
    assert (tmp_path / "out").stat().st_size == 128 << 20


AUTOGROUP = Path("/proc/self/autogroup")
GIVES_WAY = """
import json, os, pathlib
from recorder.finish import give_way
group = pathlib.Path("/proc/self/autogroup")
before = group.read_text()
give_way()
print(json.dumps([os.nice(0), before, group.read_text()]))
"""


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not share by session")
@pytest.mark.parametrize("has_session", [True, False], ids=["of its own", "somebody's"])
def test_where_the_kernel_shares_by_session_the_session_gives_way(*, has_session: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GIVES_WAY],
        check=True,
        capture_output=True,
        start_new_session=has_session,
    )
    niceness, before, after = json.loads(done.stdout)  # [10, "/autogroup-25 nice 0\n", …]
    # The session the machine began with is in no group, and its text is empty.
    gave_way = before.replace("nice 0", f"nice {NICENESS}") if has_session else before
    assert (niceness, after) == (NICENESS, gave_way)
