"""A child that speaks as a compositor does and makes nothing: for who tests what stands around it.

`python -m tests.stand_in_compositor [--says-nothing] --control-fd N`. It binds what it is asked to
bind, wants every picture in 640 × 360 from the moment it is started, and tells each scene as a shot
whose tiles are its seats.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

from mixer.composite.director import Why
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process import messages as c

WANTED = (640, 360)


def main(arguments: list[str]) -> None:
    control = socket.socket(fileno=int(arguments[-1]))
    sockets: dict[str, tuple[socket.socket, Path]] = {}
    producers: dict[str, str] = {}

    def say(report: c.Report) -> None:
        control.sendall(c.encode(report))

    def bind(key: str, path: str, ready: c.Report, failed: c.Report) -> None:
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        Path(path).unlink(missing_ok=True)
        try:
            bound.bind(path)
        except OSError:
            bound.close()
            say(failed)
            return
        sockets[key] = (bound, Path(path))
        say(ready)

    def unbind(key: str) -> None:
        if key in sockets:
            bound, path = sockets.pop(key)
            bound.close()
            path.unlink(missing_ok=True)

    if "--says-nothing" in arguments:
        sys.exit(1)
    say(c.Hello(pid=os.getpid()))
    begun = False
    for line in control.makefile("rb"):
        command = c.parse_command(line)
        assert begun or isinstance(command, c.Begin), "it begins with Begin"
        match command:
            case c.Begin():
                assert not begun
                begun = True
                say(c.Counters(composed_frames=command.frames_per_s))  # so it is seen what was said
            case c.OpenFeed(feed_id=feed_id):
                bind(
                    *(feed_id, command.socket_path, c.FeedReady(feed_id=feed_id)),
                    c.FeedFailed(feed_id=feed_id, text="no socket"),
                )
            case c.OpenTap(track_id=track_id):
                producers[track_id] = command.producer_id
                bind(
                    *(track_id, command.socket_path, c.TapReady(track_id=track_id)),
                    c.TapFailed(track_id=track_id, text="no socket", passes=True),
                )
            case c.StartTap():
                width, height = WANTED if command.kind == "video" else (0, 0)
                say(
                    c.Wants(
                        track_id=command.track_id,
                        producer_id=producers[command.track_id],
                        width=width,
                        height=height,
                    )
                )
            case c.CloseFeed():
                unbind(command.feed_id)
            case c.CloseTap():
                unbind(command.track_id)
            case c.Scene():
                say(shot_of(command))
            case c.LayersNeeded() | c.FeedNeeded():
                say(echo_of(command))
            case c.Stop():
                return
            case _:
                pass


def echo_of(command: c.LayersNeeded | c.FeedNeeded) -> c.Counters:
    """So it is seen what was said."""
    if isinstance(command, c.LayersNeeded):
        return c.Counters(encoded_frames=command.layers)
    return c.Counters(late_sound_ticks=1 + command.needed)


def shot_of(scene: c.Scene) -> c.Shot:
    return c.Shot(
        unix_s=time.time(),
        layout=scene.choice.layout if scene.choice else ProgramLayout.SPEAKER,
        why=Why.CHOICE if scene.choice else Why.LEAD,
        width=1280,
        height=720,
        tiles=tuple(
            c.TileShown(seat_id=seat.seat_id, source=source, x=0, y=0, width=2, height=2)
            for seat in scene.seats
            for source in seat.sources[:1] or ("",)
        ),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
