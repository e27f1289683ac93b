"""What several of these tests begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.faults.recording_scene import Scene


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "run").mkdir()
    scene = Scene(tmp_path / "recordings", tmp_path / "run")
    await scene.recording.start()
    yield scene
    await scene.close()
