"""The keeper: what stands when the server is killed, with everything read in and the door open.

A start costs the reading of a thousand modules: two seconds of a processor, which on a busy or old
machine are many more. So `tongke serve` is two processes. The keeper reads everything in, holds the
listening sockets, forks the server and does nothing else; what was read is in memory once. A server
that is killed, by the kernel for want of memory or by a fault in native code, is forked anew at
once, and whoever comes back meanwhile waits in the sockets' queue. One that ends by itself ends the
keeper with its exit code. One that is killed again and again is given up: that is for whoever runs
the service.

Linux only (`PR_SET_PDEATHSIG`: no server outlives its keeper). The keeper has one thread: a fork
takes no other along. In a container it may be the first process: whom a killed server leaves behind
are its children then, and it waits for them too.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger(__name__)

# Killed so often within so long, it is no accident any more.
MOST_KILLED = 5
WITHIN_S = 60.0

_STOP = (signal.SIGTERM, signal.SIGINT)
_HANDED_ON = (*_STOP, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


def keep(*, clock: Callable[[], float] = time.monotonic) -> None:
    """Become a keeper. Returns in the server: a child, and another child when that was killed.

    The keeper itself never returns: it exits with the server's code, with 128 and the signal's
    number when the server was stopped before it listened for signals, with 1 when the server has
    been killed `MOST_KILLED` times within `WITHIN_S`. In the server SIGTERM and SIGINT end it at
    once and SIGHUP is ignored, each until something listens for it.
    """
    killed: deque[float] = deque(maxlen=MOST_KILLED)
    while True:
        server = _Server()
        if server.is_this:
            return
        status = server.ended()
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))
        by = os.WTERMSIG(status)
        if by in _STOP or server.told_to_stop:
            sys.exit(128 + by)
        killed.append(clock())
        if len(killed) == MOST_KILLED and killed[-1] - killed[0] < WITHIN_S:
            logger.error("the server is killed again and again (%s): it is given up", _name(by))
            sys.exit(1)
        logger.error("the server was killed (%s): it is started again", _name(by))


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal, most of which have none
        return f"signal {number}"


class _Server:
    """One life of the server: in the keeper, its child; in the child, itself."""

    def __init__(self) -> None:
        self.told_to_stop = False
        keeper = os.getpid()
        # A signal that comes while there are two of us must not be taken for the other's.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
        self._pid = os.fork()
        self.is_this = self._pid == 0
        if self.is_this:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:
                os.kill(os.getpid(), signal.SIGKILL)
            for number in _STOP:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        else:
            for number in _HANDED_ON:
                signal.signal(number, self._hand_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)

    def ended(self) -> int:
        """Waits for its end; the status, as `os.waitpid` gives it.

        Signals that come from then on wait for the next server, and are handed on to that one.
        """
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)) is not None:
            if ended.si_pid == self._pid:
                break
            os.waitpid(ended.si_pid, 0)  # one that an earlier server has left behind
        # Its number is its own until it is waited for: what was to be handed on met no other.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
        return os.waitpid(self._pid, 0)[1]

    def _hand_on(self, number: int, _: FrameType | None) -> None:
        self.told_to_stop = self.told_to_stop or number in _STOP
        try:
            os.kill(self._pid, number)
        except ProcessLookupError:
            return  # it has ended, and we are about to see it
