"""What `test_once` asks: a module that does what it is told, within limits or against them."""

from __future__ import annotations

import time

from server.children.bounded import answer, given


def main() -> None:
    """Do what standard input says."""
    word = given()
    if word == b"eat":
        held = [bytes(8 << 20) for _ in range(1000)]
        answer(str(len(held)).encode())
    elif word == b"spin":
        while True:
            pass
    elif word == b"sleep":
        time.sleep(60)
    elif word == b"write":
        answer(bytes(1 << 20))
    else:
        answer(word[::-1])
