"""An object store as it is used here: a few calls on whole objects by their names.

What it says is not believed: whoever puts something there reads it back (`uploading`).
"""

from __future__ import annotations

from typing import Protocol

from server.errors import ServerError


class ObjectsAway(ServerError):
    """The store did not do it, or did not say so: it may be tried again."""


class ObjectMissing(ServerError):
    """There is no such object."""


class Objects(Protocol):
    """Each raises `ObjectsAway`."""

    async def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of one that bears this name."""
        ...

    async def get(self, key: str) -> bytes:
        """All of an object. Raises `ObjectMissing`."""
        ...

    async def get_range(self, key: str, begin: int, end: int) -> bytes:
        """The bytes from `begin` up to, without, `end`. Raises `ObjectMissing`."""
        ...

    async def delete(self, key: str) -> None:
        """It is gone, or never was."""
        ...
