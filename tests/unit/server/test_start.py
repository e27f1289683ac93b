"""What a start reads in, and when: a server that was killed must be back soon.

How long that takes is measured by `python -m benchmarks.killed`; here stands what it must not wait
for, which a busy machine does not change.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from server.database.engine import Database
from tests.unit.server.test_serving import PATIENCE_S, environment

# Tells what is read in when `place` is reached, and ends there.
PROGRAM = """
import gc, json, os, sys
sys.argv = ["tongke", "serve"]
import {module} as module

def reached(*_arguments, **_named):
    told = dict(modules=sorted(sys.modules), collects=gc.isenabled(), kept=gc.get_freeze_count())
    print(json.dumps(told), flush=True)
    os._exit(0)

module.{function} = reached
from server.cli import app
app()
"""


def when(folder: Path, module: str, function: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module, function=function)],
        env=environment(folder, TONGKE_PLAIN_HTTP="true"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def read_in(told: dict[str, Any], *names: str) -> list[str]:
    return [
        name
        for name in told["modules"]
        if any(name == each or name.startswith(f"{each}.") for each in names)
    ]


def test_it_listens_before_it_reads_in_what_takes_long(tmp_path: Path) -> None:
    """Whoever comes back meanwhile waits at the door and is not sent away to try again later."""
    told = when(tmp_path, "server.door.listening", "listen")
    heavy = ("aiortc", "av", "cryptography", "fastapi", "server.app", "sqlalchemy", "uvicorn")
    assert read_in(told, *heavy) == []
    assert not told["collects"]  # no looking for garbage among classes being made


async def test_it_is_ready_without_what_only_others_need(tmp_path: Path) -> None:
    """Alembic is one of them: tables that stand are not migrated."""
    (tmp_path / "data").mkdir()
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'tongke.db'}")
    await database.migrate()
    await database.close()
    told = when(tmp_path, "server.cli", "_greet")
    assert read_in(told, "server.app", "sqlalchemy")
    others = ("alembic", "cv2", "numpy", "rich", "server.demo", "server.simulate")
    assert read_in(told, *others) == []
    assert told["collects"]
    assert told["kept"] > 100_000  # what stands is not looked through again
