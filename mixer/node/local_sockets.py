"""Unix datagram sockets of processes on this machine that a port sends to or hears from."""

from __future__ import annotations

from pathlib import Path

# sun_path of a Unix address holds 108 bytes with its final zero (man 7 unix).
MAX_SOCKET_PATH_BYTES = 107

# The header extension of a sound's level (RFC 6464): nobody negotiates it with us here.
AUDIO_LEVEL_ID = 1


def fault_of(socket_path: str) -> str:
    """Why nothing can be sent to a socket there; empty if it is bound."""
    if len(socket_path.encode()) > MAX_SOCKET_PATH_BYTES:
        return f"the socket path is longer than {MAX_SOCKET_PATH_BYTES} bytes"
    if not Path(socket_path).is_socket():
        return f"there is no socket at {socket_path}; bind it first"
    return ""
