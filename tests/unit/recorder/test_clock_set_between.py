"""A machine's clock that is set while a recorder runs: what is open goes on by the old time, and
what begins when nothing is open has the new one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixer.reading.control import LineSplitter
from recorder import control as c
from recorder.journal import read_journal
from recorder.process import RecorderProcess
from recorder.recording_folder import JOURNAL

HOUR_S = 3600.0
PATIENCE_S = 60.0


@contextmanager
def recorder() -> Iterator[socket.socket]:
    """The server's end of a recorder in a thread of ours."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_S)
    thread = threading.Thread(target=RecorderProcess(theirs).run)
    thread.start()
    try:
        yield ours
    finally:
        ours.close()
        thread.join()
        theirs.close()


def begun(server: socket.socket, folder: Path) -> float:
    """When a recording began that is opened now, by its journal."""
    opening = c.OpenRecording(
        recording_id=folder.name, folder=str(folder), lesson_id="l1", title="数学", seats=()
    )
    server.sendall(c.encode(opening))
    lines = LineSplitter()
    while True:
        for line in lines.feed(server.recv(1 << 16)):
            report = c.parse_report(line)
            if isinstance(report, c.Running) and report.recording_id == folder.name:
                opened, *_ = read_journal((folder / JOURNAL).read_bytes()).records
                return float(str(opened["at"]))


def test_what_begins_when_nothing_is_open_has_the_clock_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_s, set_by_s = time.time() - time.monotonic(), 0.0
    monkeypatch.setattr("recorder.process.unix_offset_s", lambda: real_s + set_by_s)
    with recorder() as server:
        set_by_s = HOUR_S  # after it began, before anything is recorded
        assert begun(server, tmp_path / "rec1") - time.time() == pytest.approx(HOUR_S, abs=60)
        set_by_s = 0.0
        assert begun(server, tmp_path / "rec2") - time.time() == pytest.approx(HOUR_S, abs=60)
        for name in ("rec1", "rec2"):
            server.sendall(c.encode(c.CloseRecording(recording_id=name)))
        assert begun(server, tmp_path / "rec3") - time.time() == pytest.approx(0.0, abs=60)
