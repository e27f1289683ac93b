"""The program pushed to real servers: Debian's nginx with its RTMP module, ffmpeg's SRT receiver.

What arrives there is read back picture by picture. And to servers that are not there, that accept
and never read, that go in the middle: each is told with its reason, tried again, and harms nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import av
import pytest
import structlog

from mixer.outputs.fmp4 import Sample, fragment
from mixer.outputs.segmenter import SEGMENT_S, Segmenter
from server.broadcasts.pushing import Push, PushStanding
from server.broadcasts.targets import PushTarget, push_target
from tests.played_program import PICTURE, PlayedProgram, arrivals
from tests.ports import free_port
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    brightness,
    decoded_beeps,
    encode_sound,
    encode_video,
    read_counter,
)

pytestmark = [pytest.mark.timeout(120)]

SECRET = "s3cret-stream-key"
PATIENCE_S = 40.0
BEEPS = (1.0, 2.0)
SECONDS = 8
RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
NGINX = """
load_module {module};
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
rtmp {{ server {{
  listen 127.0.0.1:{port};
  application live {{ live on; record all; record_path {folder}; record_unique on; }}
}} }}
"""


@pytest.fixture(scope="module")
def made() -> Segmenter:
    program = PlayedProgram()
    picture = encode_video("H264", SECONDS, keyframe_every=int(SEGMENT_S * FRAME_RATE))
    program.play_all(
        arrivals(PICTURE, picture), arrivals(SOUND, encode_sound(SECONDS, beeps=BEEPS))
    )
    return program.segmenter


def film_of(
    made: Segmenter, *, speed: float = 4.0, taken: asyncio.Event | None = None
) -> Callable[[], AsyncGenerator[bytes]]:
    """The program, faster than it is; at its end, when all is `taken`, it stays open, as a live
    one does.
    """

    async def film() -> AsyncGenerator[bytes]:
        yield made.headers[0][0]
        for segment in made.segments:
            for part in segment.parts:
                yield part.data
                await asyncio.sleep(part.duration_s / speed)
        if taken is not None:
            taken.set()
        await asyncio.Event().wait()

    return film


def heavy_film_of(made: Segmenter) -> Callable[[], AsyncGenerator[bytes]]:
    """Pictures of 200 kB, fifty a second, without an end: what is not taken is soon too much."""
    picture = (200_000).to_bytes(4, "big") + b"\x65" + bytes(199_999)

    async def film() -> AsyncGenerator[bytes]:
        yield made.headers[0][0]
        for number in itertools.count():
            yield fragment(number + 1, [Sample(picture, 3600)], number * 3600, [], 0)
            await asyncio.sleep(0.02)

    return film


@asynccontextmanager
async def pushing(
    target: PushTarget,
    film: Callable[[], AsyncGenerator[bytes]],
    *,
    connects_s: float = 15.0,
    stalls_s: float = 8.0,
) -> AsyncIterator[Push]:
    push = Push(
        target,
        film,
        lesson_id="l1",
        clock=time.time,
        back_off_s=(0.2, 0.5),
        connects_s=connects_s,
        stalls_s=stalls_s,
    )
    push.start()
    try:
        yield push
    finally:
        await push.close()
    assert push.state.standing is PushStanding.ENDED


async def arrived(taken: asyncio.Event) -> None:
    """All was taken, and what is on its way has time: whoever pushes is not told of its arrival."""
    async with asyncio.timeout(PATIENCE_S):
        await taken.wait()
    await asyncio.sleep(1)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for is said by nobody
            await asyncio.sleep(0.05)


def configured(folder: Path, port: int) -> Path:
    assert RTMP_MODULE.exists(), "apt install libnginx-mod-rtmp"
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(module=RTMP_MODULE, folder=folder, port=port))
    folder.chmod(0o777)  # its worker is another user where root starts it
    return file


def films_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.flv"))


@asynccontextmanager
async def nginx(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    file = configured(folder, port)
    process = await asyncio.create_subprocess_exec(
        shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(file)
    )
    try:
        await until(lambda: listens(port))
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def rtmp(port: int) -> PushTarget:
    return push_target(f"rtmp://127.0.0.1:{port}/live/{SECRET}", ["127.0.0.1"])


def srt(port: int) -> PushTarget:
    return push_target(f"srt://127.0.0.1:{port}?passphrase={SECRET}&latency=200000", ["127.0.0.1"])


def counters_in(file: Path) -> list[int]:
    with av.open(str(file)) as container:
        assert [one.codec.name for one in container.streams.audio] == ["aac"]
        return [read_counter(brightness(frame)) for frame in container.decode(video=0)]


def arguments_of_all() -> str:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has ended
    return "\n".join(found)


@contextmanager
def said() -> Iterator[Sequence[object]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


async def test_an_rtmp_server_has_every_picture_and_the_sound(
    made: Segmenter, tmp_path: Path
) -> None:
    port, taken = free_port(), asyncio.Event()
    with said() as logged:
        async with nginx(tmp_path, port), pushing(rtmp(port), film_of(made, taken=taken)) as push:
            await until(lambda: push.state.standing is PushStanding.SENDING)
            assert SECRET not in arguments_of_all()
            await arrived(taken)
            assert push.state.starts == 1
        assert SECRET not in repr(logged) + repr(push.target)
    (film,) = films_in(tmp_path)
    counters = counters_in(film)
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    assert counters[0] == 0 and len(counters) >= FRAME_RATE * (SECONDS - 1)
    assert decoded_beeps(film) == [pytest.approx(at, abs=0.05) for at in BEEPS]


async def test_an_srt_receiver_has_every_picture_and_the_sound(
    made: Segmenter, tmp_path: Path
) -> None:
    port = free_port()
    film = tmp_path / "film.ts"
    address = f"srt://127.0.0.1:{port}?mode=listener&passphrase={SECRET}"
    receiver = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-loglevel", "error", "-i", address, "-c", "copy", str(film))
    )
    try:
        taken = asyncio.Event()
        async with pushing(srt(port), film_of(made, taken=taken)) as push:
            await until(lambda: push.state.standing is PushStanding.SENDING)
            senders = [line for line in arguments_of_all().splitlines() if "mode=caller" in line]
            assert senders and SECRET not in "".join(senders)
            await arrived(taken)
            assert push.state.starts == 1
        async with asyncio.timeout(PATIENCE_S):
            await receiver.wait()
    finally:
        if receiver.returncode is None:
            receiver.kill()
        await receiver.wait()
    counters = counters_in(film)
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    assert len(counters) >= FRAME_RATE * (SECONDS - 2)
    begins = counters[0] / FRAME_RATE
    heard = decoded_beeps(film)
    assert len(heard) == len(BEEPS) or begins > BEEPS[0]


async def test_one_that_is_not_there_is_told_and_has_it_when_it_comes(
    made: Segmenter, tmp_path: Path
) -> None:
    port = free_port()
    async with pushing(rtmp(port), film_of(made)) as push:
        await until(lambda: push.state.starts >= 2)
        assert push.state.code == "refused"
        assert "拒绝" in push.state.text.zh and "refuses" in push.state.text.en
        async with nginx(tmp_path, port) as server:
            await until(lambda: push.state.standing is PushStanding.SENDING)
            assert push.state.code == ""
            server.kill()  # and goes again
            await server.wait()
            await until(lambda: push.state.standing is not PushStanding.SENDING)
            assert push.state.code in {"closed", "refused", "unreachable"}


@pytest.mark.parametrize("kind", ["rtmp", "srt"])
async def test_one_that_accepts_and_never_reads_is_ended_and_tried_again(
    made: Segmenter, kind: str
) -> None:
    """Of RTMP a server that takes connections; of SRT a port that takes datagrams."""
    if kind == "rtmp":
        deaf = socket.create_server(("127.0.0.1", 0))
    else:
        deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        deaf.bind(("127.0.0.1", 0))
    port = deaf.getsockname()[1]
    target = rtmp(port) if kind == "rtmp" else srt(port)
    with deaf:
        async with pushing(target, film_of(made), connects_s=1.5) as push:
            await until(lambda: push.state.starts >= 3)
            assert push.state.code in {"stalled", "unreachable"}


async def test_one_that_stops_reading_in_the_middle_is_ended_and_tried_again(
    made: Segmenter, tmp_path: Path
) -> None:
    """It has taken the stream for a while; then its sockets are full."""
    port = free_port()
    async with (
        nginx(tmp_path, port) as server,
        pushing(rtmp(port), heavy_film_of(made), stalls_s=2.0) as push,
    ):
        await until(lambda: push.state.standing is PushStanding.SENDING)
        server.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: push.state.standing is PushStanding.WAITING)
            assert push.state.code == "stalled"
        finally:
            server.send_signal(signal.SIGCONT)
        await until(lambda: push.state.standing is PushStanding.SENDING)


async def test_a_process_that_takes_nothing_is_not_waited_for(made: Segmenter) -> None:
    """The pipe to it is full: nothing waits in the server beyond what is bounded."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        target = rtmp(deaf.getsockname()[1])
        film = heavy_film_of(made)
        async with pushing(target, film, connects_s=2 * PATIENCE_S, stalls_s=1.0) as push:
            await until(lambda: push.state.starts >= 2)
            assert push.state.code == "stalled"


async def test_a_program_that_breaks_is_begun_anew(made: Segmenter, tmp_path: Path) -> None:
    port = free_port()
    begun = 0

    async def film() -> AsyncGenerator[bytes]:
        nonlocal begun
        begun += 1
        yield made.headers[0][0]
        for part in made.segments[0].parts:
            yield part.data
            await asyncio.sleep(0.02)

    async with nginx(tmp_path, port), pushing(rtmp(port), film) as push:
        await until(lambda: begun >= 3)
        assert push.state.code in {"", "nothing-to-send"}
    assert len(films_in(tmp_path)) >= 2
