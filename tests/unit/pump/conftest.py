"""A pump on a bench for each test, closed after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.pump.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    bench = Rig()
    yield bench
    bench.close()
