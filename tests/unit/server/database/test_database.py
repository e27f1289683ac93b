"""The schema's history, and sessions that read and write side by side."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from server.database.engine import Database
from server.database.migrations import HEAD, config
from server.database.models import Base, Classroom, School, SchoolKind
from server.errors import StartPutOff, StartRefused
from tests.postgresql import DATABASES, PostgreSQL


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """SQLite's."""
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await made.migrate()
    yield made
    await made.close()


@pytest.fixture(params=DATABASES)
async def either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Each of the two."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        url = await server.empty()
    made = Database(url)
    await made.migrate()
    yield made
    await made.close()


@pytest.fixture(params=DATABASES)
async def either_at_first(
    tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """Each of the two, as the first version made it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        url = await server.empty()
    made = Database(url)
    await made.migrate()

    def downgrade(connection: Connection) -> None:
        command.downgrade(config(connection), "0001")

    async with made.write() as session:
        await (await session.connection()).run_sync(downgrade)
    yield made
    await made.close()


async def test_a_file_moved_while_it_is_open_is_noticed(database: Database, tmp_path: Path) -> None:
    """The open file goes on to take what is written, and nobody would ever find it again."""
    file, elsewhere = tmp_path / "test.db", tmp_path / "elsewhere.db"
    assert not database.moved
    file.rename(elsewhere)
    assert database.moved
    file.write_bytes(elsewhere.read_bytes())
    assert database.moved
    elsewhere.rename(file)
    assert not database.moved


async def test_what_has_no_file_of_ours_is_never_moved(either: Database) -> None:
    assert not either.moved


def school(key: str) -> School:
    return School(id=key, created_at=0.0, name=key, kind=SchoolKind.RURAL)


async def test_migrations_from_empty_make_exactly_the_models(either: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    assert await either.run_sync(differences) == []


def test_head_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]


async def test_who_sat_in_a_lesson_is_found_for_the_recordings_there_are(
    either_at_first: Database,
) -> None:
    """By the lesson's seats, or where it is gone by the school's name."""
    rows = """
    INSERT INTO schools (id, created_at, name, kind) VALUES
        ('s1', 0, '一小', 'urban'), ('s2', 0, '二小', 'rural'), ('s3', 0, '三小', 'rural');
    INSERT INTO classrooms (id, created_at, school_id, name, profile) VALUES
        ('c1', 0, 's1', '1', 'x'), ('c2', 0, 's2', '2', 'x');
    INSERT INTO lessons (id, created_at, title, subject, grade, mode, state, starts_at, end_reason,
        record, teacher_name) VALUES ('l', 0, 't', '', '', 'm', 'ended', 0, '', TRUE, 'x');
    INSERT INTO lesson_seats (lesson_id, seat_id, place, role, classroom_id, name, school, profile)
        VALUES ('l', 'lead', 0, 'lead', 'c1', '1', '一小', 'x'),
               ('l', 'room', 1, 'room', 'c2', '2', '二小的旧名', 'x');
    INSERT INTO recordings (id, created_at, lesson_id, title, subject, grade, teacher_name,
        started_at, duration_s, state, visibility, poster, failure, manifest) VALUES
        ('r1', 0, 'l', 't', '', '', 'x', 0, 0, 'ready', 'community', '', '', '{}'),
        ('r2', 0, NULL, 't', '', '', 'x', 0, 0, 'ready', 'region', '', '', '{}');
    INSERT INTO recording_schools (recording_id, place, name) VALUES
        ('r1', 0, '一小'), ('r1', 1, '二小的旧名'), ('r2', 0, '三小'), ('r2', 1, '没有了');
    """
    async with either_at_first.write() as session:
        for statement in rows.split(";"):
            if statement.strip():
                await session.execute(text(statement))
    await either_at_first.migrate()
    async with either_at_first.read() as session:
        schools = await session.execute(
            text("SELECT school_id FROM recording_schools ORDER BY recording_id, place")
        )
        seen_by = await session.execute(text("SELECT visibility FROM recordings ORDER BY id"))
        assert list(schools.scalars()) == ["s1", "s2", "s3", None]
        assert list(seen_by.scalars()) == ["lesson", "region"]


async def test_what_recordings_take_is_counted_for_those_there_are(
    either_at_first: Database,
) -> None:
    """By their checksums, their program's apart; a manifest that is none counts nothing."""
    sums = [{"file": "a.mp4", "bytes": 3_000_000_000}, {"file": "p.mp4", "bytes": 500}]
    parts = [{"file": "a.mp4", "seat_id": "lead"}, {"file": "p.mp4", "seat_id": "program"}]
    manifests: dict[str, object] = {
        "both": {"parts": parts, "checksums": sums},
        "early": {"parts": parts},
        "odd": {"parts": 7, "checksums": [{"file": 1}]},
        "none": [],
    }
    insert = text(
        """INSERT INTO recordings (id, created_at, title, subject, grade, teacher_name, started_at,
        duration_s, state, visibility, poster, failure, manifest)
        VALUES (:id, 0, 't', '', '', 'x', 0, 0, 'ready', 'region', '', '', :manifest)"""
    )
    async with either_at_first.write() as session:
        for name, manifest in manifests.items():
            await session.execute(insert, {"id": name, "manifest": json.dumps(manifest)})
    await either_at_first.migrate()
    query = "SELECT id, size_bytes, program_bytes, by_rule, spared FROM recordings ORDER BY id"
    async with either_at_first.read() as session:
        rows = [tuple(row) for row in await session.execute(text(query))]
    assert [(name, size, own) for name, size, own, *_ in rows] == [
        ("both", 3_000_000_500, 500),
        ("early", 0, 0),
        ("none", 0, 0),
        ("odd", 0, 0),
    ]
    assert not any(flag for row in rows for flag in row[3:])


async def test_what_recordings_lack_is_found_for_those_there_are(
    either_at_first: Database,
) -> None:
    """As each generation of recorders told it; a manifest that is none stops nothing."""
    missing = [{"text": ""}, "x", {"text": "Torn."}]
    manifests: dict[str, tuple[str, object, str]] = {
        "whole": ("ready", {"incomplete": "", "missing": []}, ""),
        "paused": (
            "ready",
            {"incomplete": "The disk is full.", "missing": missing},
            "The disk is full.",
        ),
        "torn": ("ready", {"incomplete": "", "missing": missing}, "Torn."),
        "first": ("ready", {"parts_failed": ["p2"]}, "A part of it could not be made: p2"),
        "odd": ("ready", {"missing": 7, "parts_failed": None, "incomplete": [1]}, ""),
        "none": ("ready", [], ""),
        "failed": ("failed", {}, "as it was"),
    }
    insert = text(
        """INSERT INTO recordings (id, created_at, title, subject, grade, teacher_name, started_at,
        duration_s, state, visibility, poster, failure, manifest)
        VALUES (:id, 0, 't', '', '', 'x', 0, 0, :state, 'region', '', :failure, :manifest)"""
    )
    async with either_at_first.write() as session:
        for name, (state, manifest, failure) in manifests.items():
            before = failure if state == "failed" else ""
            values = {"id": name, "state": state, "failure": before}
            await session.execute(insert, values | {"manifest": json.dumps(manifest)})
    await either_at_first.migrate()
    async with either_at_first.read() as session:
        rows = await session.execute(text("SELECT id, failure FROM recordings"))
        found = {row[0]: row[1] for row in rows}
    assert found == {name: failure for name, (_, _, failure) in manifests.items()}


async def test_a_recording_with_a_gap_that_was_wished_lacks_nothing(
    either_at_first: Database,
) -> None:
    """Of recorders that told of it as of any other; what else is lacking is told still."""
    off = {"code": "switched-off", "text": "The teacher had switched the recording off."}
    full = {"code": "disk-full", "text": "The disk is full."}
    manifests: dict[str, tuple[dict[str, object], str]] = {
        "wished": ({"pauses": [off, off]}, ""),
        "both": ({"pauses": [off, full]}, "The disk is full."),
        "torn": ({"pauses": [off], "missing": [{"text": "Torn."}]}, "Torn."),
        "not known": ({"pauses": 7}, ""),
    }
    insert = text(
        """INSERT INTO recordings (id, created_at, title, subject, grade, teacher_name, started_at,
        duration_s, state, visibility, poster, failure, manifest)
        VALUES (:id, 0, 't', '', '', 'x', 0, 0, 'ready', 'region', '', '', :manifest)"""
    )
    async with either_at_first.write() as session:
        for name, (manifest, _) in manifests.items():
            told = json.dumps({"incomplete": off["text"], **manifest})
            await session.execute(insert, {"id": name, "manifest": told})
    await either_at_first.migrate()
    async with either_at_first.read() as session:
        rows = await session.execute(text("SELECT id, failure FROM recordings"))
        found = {row[0]: row[1] for row in rows}
    assert found == {name: lack for name, (_, lack) in manifests.items()}


async def test_downgrade_takes_everything_away(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'down.db'}")
    await database.migrate()
    await database.run_sync(lambda connection: command.downgrade(config(connection), "base"))
    await database.close()
    left = sqlite3.connect(tmp_path / "down.db")
    names = {row[0] for row in left.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    left.close()
    assert names <= {"alembic_version"}


async def test_a_database_of_a_newer_tongke_is_refused(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}"
    database = Database(url)
    await database.migrate()
    async with database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartRefused, match="another version of Tongke"):
        await database.migrate()
    await database.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"this is no database, whatever its name says" * 50)
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'no.db'}")
    with pytest.raises(StartRefused, match="not a database"):
        await database.migrate()
    await database.close()


@pytest.mark.parametrize(
    ("state", "raised"),
    [("57P03", StartPutOff), ("53300", StartPutOff), ("28P01", StartRefused)],
    ids=["it starts", "too many connections", "wrong password"],
)
async def test_what_postgresql_says_at_the_door_is_tried_again_where_it_may_pass(
    state: str, raised: type[StartRefused]
) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # SSLRequest (PostgreSQL, "Message Formats")
        writer.write(b"N")
        size = int.from_bytes(await reader.readexactly(4), "big")
        await reader.readexactly(size - 4)
        fields = f"SFATAL\0VFATAL\0C{state}\0Mcome again\0\0".encode()
        writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        database = Database(f"postgresql+asyncpg://u:p@127.0.0.1:{port}/tongke")
        with pytest.raises(StartRefused, match="come again") as refused:
            await database.migrate()
        await database.close()
    assert type(refused.value) is raised


async def test_a_database_that_is_away_is_tried_again(tmp_path: Path) -> None:
    nobody = f"postgresql+asyncpg://u@/tongke?host={tmp_path}"
    database = Database(nobody)
    with pytest.raises(StartPutOff, match="cannot be reached"):
        await database.migrate()
    await database.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x", "sqlite+aiosqlite"])
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(StartRefused, match="database_url"):
        Database(url)


async def test_sqlite_is_set_up_for_many_readers(database: Database) -> None:
    async with database.read() as session:
        pragmas = [
            await session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "synchronous")
        ]
    assert pragmas == ["wal", 1, 1]


async def test_writers_take_turns_and_readers_do_not_wait(either: Database) -> None:
    async def write(key: str) -> None:
        async with either.write() as session:
            await session.scalar(select(School.id))  # read first, write later: the dangerous order
            await asyncio.sleep(0)
            session.add(school(key))

    async with either.read() as reader:
        assert list(await reader.scalars(select(School.id))) == []
        await asyncio.gather(*(write(f"s{n}") for n in range(20)))
        assert list(await reader.scalars(select(School.id))) == []  # its snapshot stays
    async with either.read() as reader:
        assert len(list(await reader.scalars(select(School.id)))) == 20


async def test_a_failed_write_leaves_nothing(either: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with either.write() as session:
            session.add(school("one"))
            await session.flush()
            raise ZeroDivisionError
    async with either.read() as session:
        assert await session.scalar(select(School.id)) is None


async def test_foreign_keys_are_kept(either: Database) -> None:
    with pytest.raises(IntegrityError):
        async with either.write() as session:
            session.add(
                Classroom(id="c", created_at=0.0, school_id="none", name="x", profile="standard")
            )


async def test_a_connection_closed_in_the_middle_of_a_query_locks_nobody_out(
    database: Database,
) -> None:
    """What a cancelled request leaves: a write begun, a query whose rows nobody took, a close."""
    async with database.write() as session:
        session.add_all([school("a"), school("b")])
    raw = await database._engine.raw_connection()
    driver = raw.driver_connection
    assert driver is not None
    await driver.execute("BEGIN IMMEDIATE")
    await driver.execute("UPDATE schools SET name = 'changed' WHERE id = 'a'")
    unread = await driver.execute("SELECT * FROM schools")
    raw.invalidate()
    async with database.write() as session:  # before the cursor is gone
        names = (await session.scalars(select(School.name))).all()
        session.add(school("c"))
    assert list(names) == ["a", "b"]
    del unread


async def test_writers_cancelled_at_any_moment_leave_the_database_open(database: Database) -> None:
    async def write(key: str) -> None:
        async with database.write() as session:
            await session.get(School, "none")
            await session.merge(school(key))

    for turns in range(60):
        task = asyncio.create_task(write(f"s{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await write("after")


async def test_what_a_writer_has_looked_at_no_other_changes_meanwhile(either: Database) -> None:
    """Two who each take a name only if nobody has it: one of them gets it."""
    entered: list[str] = []
    looked, others_turn = asyncio.Event(), asyncio.Event()

    async def take(who: str) -> bool:
        async with either.write() as session:
            entered.append(who)
            free = await session.scalar(select(School).where(School.name == "一小")) is None
            looked.set()
            await others_turn.wait()
            if free:
                session.add(School(id=who, created_at=0.0, name="一小", kind=SchoolKind.RURAL))
            return free

    first = asyncio.create_task(take("a"))
    await looked.wait()
    second = asyncio.create_task(take("b"))
    await asyncio.sleep(0)  # the second has begun
    # Another reads meanwhile, and is not kept waiting.
    async with either.read() as session:
        assert await session.scalar(select(School)) is None
    if either.name == "postgresql":
        while len(entered) < 2 and not await _somebody_waits(either):
            pass
    assert entered == ["a"]
    others_turn.set()
    assert await asyncio.gather(first, second) == [True, False]


async def _somebody_waits(database: Database) -> bool:
    """Whether a connection of PostgreSQL's waits for a lock."""
    async with database.read() as session:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(await session.scalar(waiting))
