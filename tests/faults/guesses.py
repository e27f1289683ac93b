"""A flood of guesses: many connections from many addresses, as fast as the server answers.

`python -m tests.faults.guesses PORT`: the first `GUESSERS` addresses guess at names that exist, all
others at made-up ones. When each connection has begun to it prints `flooding`. It ends when its
standard input does, or after two minutes, and prints how many answers of each status came.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable

CONNECTIONS = 150
ADDRESSES = 30  # 127.0.0.2 and on
GUESSERS = 3  # the first of them
NAMES = 30  # t0, t1 …
LONGEST_S = 120.0


def request(username: str) -> bytes:
    body = json.dumps({"username": username, "password": "wrong password"}).encode()
    return (
        b"POST /api/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    ) + body


async def guess(port: int, number: int, heard: Counter[str], begins: Callable[[int], None]) -> None:
    place = number % ADDRESSES
    for connection in itertools.count():
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(f"127.0.0.{2 + place}", 0)
            )
        except OSError:
            await asyncio.sleep(0.1)
            continue
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, EOFError):
            for each in itertools.count():
                made_up = f"made-up-{number}-{connection}-{each}"
                writer.write(request(f"t{each % NAMES}" if place < GUESSERS else made_up))
                begins(number)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                heard[head[9:12].decode()] += 1


async def flood(port: int) -> Counter[str]:
    heard: Counter[str] = Counter()
    quiet = set(range(CONNECTIONS))

    def begins(number: int) -> None:
        if number in quiet:
            quiet.remove(number)
            if not quiet:
                print("flooding", flush=True)

    tasks = [
        asyncio.create_task(guess(port, number, heard, begins)) for number in range(CONNECTIONS)
    ]
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, told.set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_S):
            await told.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return heard


if __name__ == "__main__":
    print(json.dumps(asyncio.run(flood(int(sys.argv[1])))))
