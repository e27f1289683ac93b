"""The line, the ways of media, clock, disk, memory and speed: what is told of which figures."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest

from hardware_profiles import load_link_profile
from hardware_profiles.doctor import stun
from hardware_profiles.doctor.findings import (
    Both,
    Checked,
    CheckReport,
    Grade,
    worst,
)
from hardware_profiles.doctor.line import MeasuredLine, judge_line
from hardware_profiles.doctor.line_probe import MediaPlace, MediaWays, Reached, measured
from hardware_profiles.doctor.machine import judge_clock, judge_disk, judge_memory
from hardware_profiles.doctor.page import page
from hardware_profiles.doctor.room import judge_number, judge_ways
from hardware_profiles.doctor.speed import Speed, judge_speed

GOOD, WEAK, BAD, UNTRIED = (
    Grade.GOOD,
    Grade.WEAK,
    Grade.BAD,
    Grade.UNTRIED,
)
LINE = MeasuredLine(5e6, 20e6, 0.0, 30.0, 2.0)


@pytest.mark.parametrize(
    ("line", "promised", "verdict"),
    [
        (LINE, "", GOOD),
        (replace(LINE, up_bps=400_000.0), "", WEAK),
        (replace(LINE, up_bps=60_000.0), "", BAD),
        (replace(LINE, loss=0.05), "", WEAK),
        (replace(LINE, loss=0.2), "", BAD),
        (replace(LINE, round_trip_ms=620.0), "", WEAK),
        (replace(LINE, round_trip_ms=2_000.0), "", BAD),
        (replace(LINE, round_trip_ms=620.0), "satellite", GOOD),  # as it was promised
        (replace(LINE, up_bps=1.9e6, down_bps=1.9e6), "shared-2mbit", GOOD),
        (LINE, "fibre", WEAK),  # 5 Mb/s of the 16 promised
        (MeasuredLine(None, None, None, None, None), "", WEAK),
    ],
)
def test_what_is_said_of_a_line(line: MeasuredLine, promised: str, verdict: Grade) -> None:
    finding = judge_line(line, load_link_profile(promised) if promised else None)
    assert finding.verdict is verdict
    assert (finding.todo is None) == (verdict is GOOD)


def test_the_figures_of_a_series_of_checks() -> None:
    line = measured(Reached(100, (0.1,) * 60 + (0.2,) * 35), (1e6, 2e6))
    assert (line.up_bps, line.down_bps) == (1e6, 2e6)
    assert line.loss == pytest.approx(0.05)
    assert line.round_trip_ms == pytest.approx(100)
    assert measured(Reached(100, ()), (None, None)).loss is None, "it did not come through at all"


@pytest.mark.parametrize(
    ("udp", "tcp", "turn", "verdicts"),
    [
        (True, True, None, (GOOD, GOOD, UNTRIED)),
        (False, True, None, (WEAK, GOOD, UNTRIED)),
        (False, False, True, (WEAK, WEAK, GOOD)),
        (False, False, None, (BAD, WEAK, UNTRIED)),
    ],
)
def test_the_ways_of_media(
    udp: bool, tcp: bool | None, turn: bool | None, verdicts: tuple[Grade, ...]
) -> None:
    assert tuple(one.verdict for one in judge_ways(udp=udp, tcp=tcp, turn=turn)) == verdicts


def test_a_clock_is_as_right_as_the_question_was_short() -> None:
    assert judge_clock(1000.0, 999.0, 1001.0).verdict is GOOD
    assert judge_clock(1000.0, 990.0, 1030.0).verdict is GOOD, "the answer took half a minute"
    behind, ahead = judge_clock(1060.0, 1000.0, 1001.0), judge_clock(1000.0, 1060.0, 1061.0)
    assert (behind.verdict, ahead.verdict) == (WEAK, WEAK)
    assert "behind" in behind.words.en and "ahead" in ahead.words.en
    assert judge_clock(1000.0, 1200.0, 1201.0).verdict is BAD


def test_disk_memory_cameras_and_speed() -> None:
    assert [judge_disk(free, 1 << 40).verdict for free in (1 << 35, 1 << 30, 1 << 20)] == [
        GOOD,
        WEAK,
        BAD,
    ]
    assert [judge_memory(mib).verdict for mib in (8_000, 2_000, 900)] == [GOOD, WEAK, BAD]
    assert [len(judge_number(2, there)) for there in (2, 3)] == [0, 0]
    assert [judge_number(2, there)[0].verdict for there in (1, 0)] == [WEAK, BAD]
    (of_a_box,) = judge_number(2, 0, agents=3)  # its room's page is open on another PC
    assert of_a_box.verdict is WEAK and of_a_box.todo is not None
    assert "on another PC" in of_a_box.todo.en
    speed = Speed(50e6, 300e6, cores=2)  # 60 million to be asked for
    encode = [
        judge_speed(speed, asked_pixels_per_s=n)[1].verdict
        for n in (60_000_000, 90_000_000, 200_000_000)
    ]
    assert encode == [GOOD, WEAK, BAD]
    assert {one.verdict for one in judge_speed(None, asked_pixels_per_s=1)} == {WEAK}


def test_a_check_is_as_rfc_8489_has_it() -> None:
    data = stun.check("ufrag", "secret-password-of-24-chr", b"123456789012")
    assert int.from_bytes(data[2:4], "big") == len(data) - 20
    place = data.index(b"\x00\x08\x00\x14")
    covered = data[:2] + (place + 4).to_bytes(2, "big") + data[4:place]
    key = b"secret-password-of-24-chr"
    assert hmac.new(key, covered, hashlib.sha1).digest() == data[place + 4 : place + 24]
    answer = b"\x01\x01\x00\x00" + data[4:20]
    assert stun.answered(answer) == b"123456789012"
    for wrong in (b"", answer[:-1], data, b"\x01\x01\x00\x04" + data[4:20], b"\xff" * 20):
        assert stun.answered(wrong) is None


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("turn:relay.example:3479?transport=udp", MediaPlace("relay.example", 3479)),
        ("stun:relay.example", MediaPlace("relay.example", 3478)),
        ("turn:[2001:db8::1]:3478", MediaPlace("2001:db8::1", 3478)),
        ("turn:relay.example:3478?transport=tcp", None),
        ("turns:relay.example:443", None),
    ],
)
def test_where_relays_are(url: str, place: MediaPlace | None) -> None:
    told = {"ufrag": "u", "password": "p", "udp": [], "tcp": [], "ice_servers": [{"urls": [url]}]}
    assert MediaWays.of(told).relays == (() if place is None else (place,))


def finding(verdict: Grade, *, en: str = "x") -> Checked:
    words = Both(zh="甲", en=en)
    return Checked(check="line", name=words, verdict=verdict, words=words, todo=words)


def test_a_report_is_as_bad_as_its_worst_and_survives_the_wire() -> None:
    assert worst([GOOD, UNTRIED, WEAK]) is WEAK
    assert worst([UNTRIED]) is UNTRIED and worst([]) is UNTRIED
    report = CheckReport(side="room", made_at=1.5, findings=(finding(GOOD), finding(BAD)))
    assert (report.verdict, "cannot" in report.words.en) == (BAD, True)
    assert CheckReport.model_validate_json(report.model_dump_json()) == report


def test_the_page_is_text_whatever_a_room_says() -> None:
    report = CheckReport(
        side="room",
        made_at=1.8e9,
        place="<script>alert(1)</script>",
        findings=(finding(WEAK, en="<img src=x onerror=alert(1)>"),),
    )
    html = page(report, where='"><b>')
    assert "<script" not in html and "<img" not in html and "<b>" not in html
    assert "&lt;img" in html and "注意" in html and "care" in html
    assert "http" not in html.split("<body")[0].replace("http-equiv", ""), "nothing is fetched"


def test_the_page_writes_figures_as_people_do() -> None:
    """1.50544e+08 bits a second say nothing to whoever reads the sheet."""
    one = finding(WEAK, en="thin").model_copy(
        update={"figures": {"up_bps": 150_544_123.4, "loss": 0.0125, "off_s": 0.0, "mib": 24_105}}
    )
    html = page(CheckReport(side="room", made_at=0, findings=(one,)))
    assert "up_bps=150544123 loss=0.0125 off_s=0 mib=24105" in html


def test_pixels_are_counted_as_each_language_counts() -> None:
    """255 million is no number that Chinese has a word for."""
    encode = judge_speed(Speed(255e6, 300e6, cores=2), asked_pixels_per_s=8_000_000)[1]
    assert encode.words.en.endswith("million pixels a second; 8 are needed.")
    assert "亿像素，需要 800 万。" in encode.words.zh
    assert "百万" not in encode.words.zh
