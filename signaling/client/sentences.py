"""A sentence about a device's life for whoever runs it, in both languages.

Which of the two is shown is decided by whoever shows it: a terminal, a log, a page.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import NamedTuple

# What people meet; of any other the system's own words are kept, in both.
_ZH = {
    errno.ECONNREFUSED: "对方拒绝连接",
    errno.ECONNRESET: "连接被对方断开",
    errno.EHOSTUNREACH: "到不了这台机器",
    errno.ENETUNREACH: "网络不通",
    errno.EPIPE: "连接已断开",
    errno.ETIMEDOUT: "超时",
}


class Sentence(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str

    def about(self, name: str) -> Sentence:
        """Sentence of this device."""
        return Sentence(f"{name}：{self.zh}", f"{name}: {self.en}")


Say = Callable[[Sentence], None]


def reason(error: BaseException) -> Sentence:
    """Why a connection failed, as the system tells it, to be put into a sentence."""
    if isinstance(error, socket.gaierror):
        return Sentence("找不到这个名称的机器", "no machine of this name is known")
    if isinstance(error, TimeoutError):
        return Sentence("超时", "no answer in time")
    system = getattr(error, "strerror", None) or str(error)
    return Sentence(_ZH.get(getattr(error, "errno", None) or 0, system), system)
