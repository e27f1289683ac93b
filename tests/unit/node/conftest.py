"""What the node's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.node.world import World


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.pump.close()
