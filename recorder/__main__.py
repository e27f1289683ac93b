"""`python -m recorder --control-fd N`: the recorder process, as the server starts it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys

from recorder.process import RecorderProcess


def main(arguments: list[str]) -> int:
    """Serve the control connection given as an open file descriptor until it ends."""
    parser = argparse.ArgumentParser(prog="python -m recorder", description=__doc__)
    parser.add_argument("--control-fd", type=int, required=True)
    options = parser.parse_args(arguments)
    os.umask(0o077)  # what we and our children write is for the server's own user alone
    # Ctrl-C goes to the whole process group; the server decides, and its going ends us.
    # So does a service stop. Files are closed in order only if we are let.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # They were held back from the first moment on (`server.children.child`): now they may come.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    RecorderProcess(socket.socket(fileno=options.control_fd)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
