"""The load client against the real thing, for a moment: what it counts is what was sent.

Nothing here measures speed; a slow machine only makes the figures worse.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pylibsrtp import Policy, Session

from benchmarks._load import Load
from benchmarks.cases import one_to
from benchmarks.load_client import LoadClient
from benchmarks.running import Load as LoadParameters
from benchmarks.running import Scene, run_case
from benchmarks.servers.tongke import Tongke
from mixer.transport.dtls import _as_integer

STREAM: dict[str, Any] = {
    "ssrc": 1,
    "payload_type": 96,
    "video": True,
    "mid": "1",
    "extensions": {},
    "payload_bytes": 1100,
    "packets_per_frame": 10,
    "frame_ns": 1_000_000,
    "packet_gap_ns": 0,
    "phase_ns": 0,
    "ticks_per_frame": 90,
}


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["aes-256-gcm", "aes-cm"])
async def test_one_to_two_is_forwarded_and_counted(profile: str) -> None:
    server = Tongke()
    load = LoadParameters(profile=profile, seconds=1.5, settle_s=1.0)
    figures = await run_case(server, one_to(2), load)
    assert figures.packets_in > 100
    assert figures.expected_out == 2 * figures.packets_in
    assert figures.loss < 0.2
    assert figures.cpu_us_per_packet > 0
    assert figures.delay_ms_p50 <= figures.delay_ms_p99
    assert server.pids == ()


@pytest.mark.thorough
@pytest.mark.parametrize("transport_cc", [True, False])
async def test_subscribers_report_arrivals_if_that_was_agreed(transport_cc: bool) -> None:
    load = LoadParameters(transport_cc=transport_cc)
    server, client = Tongke(), LoadClient(profile=load.profile)
    try:
        await server.start()
        client.start()
        scene = Scene(server, client, one_to(1), load)
        await scene.build()
        await scene.warm_up()
    finally:
        await client.close()
        await server.stop()
    assert (client.load.totals()["feedback_sent"] > 0) is transport_cc


@pytest.mark.thorough
def test_the_command_prints_one_last_line_of_json() -> None:
    process = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.forward", "--loopback"),
            *("--servers", "tongke", "floor"),
            *("--cases", "1-to-3", "--runs", "1", "--seconds", "1"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(process.stdout.splitlines()[-1])
    assert set(told) == {"cases", "ratios", "lessons_held", "growth"}
    for server in ("tongke", "floor"):
        assert told["cases"]["1-to-3"][server]["cpu_us_per_packet"] > 0
    assert told["ratios"]["1-to-3"]["floor"] > 0


def test_unknown_peers_and_streams_are_refused() -> None:
    load = Load()
    with pytest.raises(KeyError):
        load.send(0, b"")
    with pytest.raises(KeyError):
        load.stream_state(3)
    with pytest.raises(OSError, match="cannot reach"):
        load.add_peer("not an address", 9)


def test_a_stream_without_srtp_sends_nothing() -> None:
    load = Load()
    peer = load.add_peer("127.0.0.1", 9)
    stream = load.add_stream(peer, **STREAM)
    load.set_sending(stream, True)
    load.start()
    load.begin_window()
    load.end_window()
    load.stop()
    assert load.totals()["sent"] == 0
    assert load.send_rtcp(peer, b"\x80\xc9\x00\x01\x00\x00\x00\x01") is False
    with pytest.raises(ValueError, match="payload"):
        load.add_stream(peer, **{**STREAM, "payload_bytes": 9000})


def test_only_who_was_granted_right_of_way_is_said_to_have_it() -> None:
    load = Load()
    assert load.start() is False
    load.stop()
    granted = load.start(real_time=True)
    threads = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    policies = [os.sched_getscheduler(thread) for thread in threads]
    load.stop()
    assert (os.SCHED_FIFO in policies) is granted


def test_a_closed_port_is_the_servers_doing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closing:
        closing.bind(("127.0.0.1", 0))
        port = closing.getsockname()[1]
    load = Load()
    peer = load.add_peer("127.0.0.1", port)
    policy = Policy(key=bytes(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND)
    sessions = Session(policy), Session(policy)
    load.set_srtp(peer, *(_as_integer(one) for one in sessions))
    load.set_sending(load.add_stream(peer, **STREAM), True)
    load.start()
    give_up = time.monotonic() + 10
    while load.totals()["sent"] < 100 and time.monotonic() < give_up:
        time.sleep(0.01)
    load.stop()
    assert load.totals()["sent"] >= 100
    assert load.totals()["send_failed"] == 0
