"""Unix datagram sockets between us and the media core: bound at a path, unbound again."""

from __future__ import annotations

import socket
from pathlib import Path


def bind(path: Path) -> socket.socket:
    """A socket at `path` that never waits, for its owner alone.

    What a process that was killed left there is replaced. Raises `OSError` (path too long, folder
    missing or not writable).
    """
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.bind(str(path))
        path.chmod(0o600)
    except OSError:
        bound.close()
        raise
    return bound


def unbind(bound: socket.socket, path: Path) -> None:
    """Close it and remove the path."""
    bound.close()
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # the folder is gone, and the socket's name with it
