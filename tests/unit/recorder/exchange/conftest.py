from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.recorder.exchange.exported import record


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "rec1"
    record(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A finished recording, in a recordings folder of its own."""
    return shutil.copytree(made, tmp_path / "here" / "rec1")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Another server's recordings folder."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"
