"""`python -m mixer.composite.process --control-fd N`: a compositor, as the server starts it.

Native decoders meet hostile input in this process: it has no secrets and no database, may fill so
much memory and no more, and yields to what keeps the lesson itself alive.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import sys

import cv2

from mixer.composite.process.compositor_process import CompositorProcess

# Sixteen rooms' decoders at 1080p take 600 MB, and threads reserve what they do not use.
MOST_MEMORY_BYTES = 4 << 30

# Below the server and its pumps: when the machine is short of time, the live lesson goes on.
NICER = 2

# A thread that waits for its turn gets it within a millisecond, not five: sound has 20.
SWITCH_INTERVAL_S = 0.001


def main(arguments: list[str]) -> int:
    """Serve the control connection given as an open file descriptor until it ends."""
    parser = argparse.ArgumentParser(prog="python -m mixer.composite.process", description=__doc__)
    parser.add_argument("--control-fd", type=int, required=True)
    options = parser.parse_args(arguments)
    os.umask(0o077)
    # Ctrl-C and a service's stop go to the whole group; the server decides, and its going ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # They were held back from the first moment on (`server.children.child`): now they may come.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICER)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    cv2.setNumThreads(1)  # small pictures: threads would cost more than they save
    CompositorProcess(socket.socket(fileno=options.control_fd)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
