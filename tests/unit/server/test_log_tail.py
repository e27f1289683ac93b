"""The kept end of the log: bounded in lines and signs, and no secret in it."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from server.ids import new_secret
from server.log_blots import blotted
from server.log_tail import MOST_SIGNS, LogTail
from server.logs import set_up_logs


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("tongke", logging.INFO, "x.py", 1, text, None, None)


def test_the_last_lines_are_kept() -> None:
    tail = LogTail(most=3)
    for number in range(10):
        tail.emit(record(f"line {number}"))
    assert tail.lines == ["line 7", "line 8", "line 9"]


def test_of_a_long_one_the_beginning_and_the_end() -> None:
    tail = LogTail()
    tail.emit(record("begin" + "x" * 100_000 + "end"))
    (line,) = tail.lines
    assert len(line) <= MOST_SIGNS + 3
    assert line.startswith("begin")
    assert line.endswith("end")


def test_no_part_of_a_secret_is_left_where_a_long_line_is_cut() -> None:
    tail, secret = LogTail(), new_secret("tkr")
    for before in range(MOST_SIGNS // 2 - len(secret), MOST_SIGNS // 2 + 1):
        tail.emit(record(f"{'x' * before} {secret} {'y' * 5000}"))
        tail.emit(record(f"{'x' * 5000} {secret} {'y' * before}"))
    parts = {secret[at : at + 8] for at in range(4, len(secret) - 8)}
    assert not [line for line in tail.lines if any(part in line for part in parts)]


def test_what_cannot_be_written_down_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    tail = LogTail()
    tail.emit(logging.LogRecord("tongke", logging.INFO, "x.py", 1, "%d", ("no number",), None))
    assert tail.lines == []
    assert "no number" in capsys.readouterr().err


SECRETS = [
    new_secret("tkr"),
    new_secret("tks"),
    new_secret("tkk"),
    "eyJhbGciOiJIUzI1NiJ9.eyJsZXNzb24iOiJhIn0.c2lnbmF0dXJlLW9mLWl0",
]


@pytest.mark.parametrize(
    "secret", SECRETS, ids=["credential", "source key", "one-time key", "token"]
)
@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "GET /room#credential={} from 10.0.0.5",
        "headers: {{'authorization': 'Bearer {}'}}",
        "tongke_session={}; path=/",
    ],
)
def test_our_secrets_are_blotted_out(secret: str, line: str) -> None:
    assert secret[-12:] not in blotted(line.format(secret))


@pytest.mark.parametrize(
    "line",
    [
        "cannot connect to postgresql://tongke:{}@db/tongke",
        "rtsp://admin:{}@10.0.0.9/stream failed",
        "password={} user=li",
        'settings {{"turn_secret": "{}"}}',
        "Cookie: {}",
        "Authorization: Bearer {}",
    ],
)
def test_passwords_of_others_are_blotted_out_too(line: str) -> None:
    assert "hunter2hunter2" not in blotted(line.format("hunter2hunter2"))


HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIJw\nAwEHoUQDQg\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_event_has_a_secret_in_it_in_either_form(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    secret = new_secret("tkr")
    try:
        set_up_logs("debug", form)
        log = structlog.get_logger("tongke")
        log.debug("by name", password="hunter2a", user_token="hunter2b", sent={"key": "hunter2c"})
        log.info(f"in its words {secret} {HASH} {PEM} a=ice-pwd:hunter2d\r\na=mid:0", lesson="x1")
        logging.getLogger("sqlalchemy.engine").debug("hunter2e")
        logging.getLogger("websockets.server").debug("> Cookie: hunter2f")
        logging.getLogger("aiosqlite").debug("insert %s", ("hunter2g",))
        try:
            raise ValueError(f"parameters ('li', '{HASH}') {secret}")
        except ValueError:
            log.exception("failed", seats=[1, 2])
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
        structlog.reset_defaults()
    said = capsys.readouterr().err
    for part in ("hunter2", secret[4:16], HASH[10:], "MHcCAQEEIJw", "AwEHoUQDQg"):
        assert part not in said
    assert "lesson" in said and "x1" in said and "ValueError: parameters" in said
    if form == "json":
        events = [json.loads(line) for line in said.splitlines()]
        assert events[-1]["seats"] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-29 info the server was killed (SIGKILL): it is started again",
        "a lesson was opened lesson=abc seats=4 https://tongke.example.cn:7880/room",
        "keyframes=12 monkey: 7",
    ],
)
def test_everything_else_stays_as_it_was(line: str) -> None:
    assert blotted(line) == line


def test_what_is_logged_anywhere_comes_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    tail = LogTail()
    monkeypatch.setattr("server.logs.TAIL", tail)
    try:
        set_up_logs("info", "json")
        logging.getLogger("elsewhere").warning("secret=%s", "hunter2hunter2")
        logging.getLogger("elsewhere").debug("not heard")
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    (line,) = tail.lines
    assert "elsewhere" in line
    assert "hunter2" not in line


def test_nothing_that_is_said_begins_an_event_or_steers_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traceback alone has lines of its own."""
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    tail = LogTail()
    monkeypatch.setattr("server.logs.TAIL", tail)
    hostile = "a\r\n2026-11-29 info forged\x1b[2J\x9b1A\u2028b"
    try:
        set_up_logs("info", "console")
        logging.getLogger("elsewhere").warning("it says %s", hostile)
        structlog.get_logger("tongke").warning(hostile, why=hostile)
        try:
            raise ValueError("one\ntwo")
        except ValueError:
            logging.getLogger("elsewhere").exception("failed")
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
        structlog.reset_defaults()
    written = capsys.readouterr().err
    for text in ("".join(tail.lines[:2]), "".join(written.splitlines()[:2])):
        assert not {sign for sign in text if not sign.isprintable()}
        assert text.count("forged") == 3
    assert "\nValueError: one\ntwo" in tail.lines[2]
