"""A backup holds all that a server keeps, wherever it lies, and is put back whole or not at all."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from server.backup.archive import ABOUT, DIGESTS, BackupWriter
from server.backup.errors import BackupDamaged
from server.backup.making import check_backup, make_backup
from server.backup.restoring import restore_backup
from server.config import Settings
from server.database.data_folder import DataFolder
from server.database.engine import Database
from server.database.migrations import HEAD, config
from server.errors import StartRefused
from tests.unit.server.world import lay_database

NOW = 1_790_000_000.0
LESSON = (
    "INSERT INTO lessons (id, created_at, title, subject, grade, mode, state, starts_at, "
    "end_reason, record, teacher_name) VALUES (?, 0, ?, '', '', 'blended', ?, 0, '', 1, '')"
)


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server's folders: recordings, certificate and relay's secret lie elsewhere."""
    data, other = tmp_path / "data", tmp_path / "other"
    made = Settings(
        data_folder=data,
        recordings_folder=other / "archive",
        tls_cert=put(other / "tls" / "full.pem", "certificate"),
        tls_key=put(other / "tls" / "key.pem", "its key"),
        profiles_folder=put(other / "profiles" / "rooms" / "ours.toml", "ours").parents[1],
        turn_urls=("turn:relay.example.cn:3478",),
        turn_secret_file=put(data / "turn", "the relay's"),  # not elsewhere
    )
    lay_database(data)
    with sqlite3.connect(data / "tongke.db") as rows:
        rows.execute(LESSON, ("l1", "going on", "live"))
        rows.execute(LESSON, ("l2", "to come", "planned"))
        rows.execute("INSERT INTO lesson_states VALUES ('l1', '{}', 0)")
    rows.close()
    put(data / "ca.key", "the authority's")
    put(data / "lesson_logs" / "l1.jsonl", "said")
    put(data / "listening.json", "{}")
    put(data / "lock", "")
    put(other / "archive" / "r1" / "journal.jsonl", "recorded")
    put(other / "archive" / "r1" / "tracks" / "a.mp4", "media")
    put(other / "archive" / "r1" / ".filed", "")
    put(other / "archive" / ".lesson_files" / "big.mkv", "made at a wish")
    put(other / "archive" / ".brought" / "r0.mp4", "fetched for a while")
    put(other / "second_disk" / "r2" / "journal.jsonl", "recorded there")
    (other / "archive" / "r2").symlink_to(other / "second_disk" / "r2")
    return made


def below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".db"
    }


def lessons(folder: Path) -> list[Any]:
    rows = sqlite3.connect(folder / "tongke.db")
    found = rows.execute("SELECT id, state, ended_at FROM lessons ORDER BY id").fetchall()
    found += rows.execute("SELECT lesson_id FROM lesson_states").fetchall()
    rows.close()
    return found


def test_all_goes_in_and_comes_back(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    settings_file = put(tmp_path / "etc" / "tongke.toml", "port = 443")
    made = make_backup(settings, file, now=NOW, version="1", config_file=settings_file)
    assert made.contents is not None and made.contents.lessons == 2
    assert file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.glob(".*")) == [] and list(settings.data_folder.glob(".*")) == []

    new = tmp_path / "new"
    done = restore_backup(file, new, new / "recordings")
    assert below(new) == {
        "lock": "",
        "ca.key": "the authority's",
        "turn": "the relay's",
        "lesson_logs/l1.jsonl": "said",
        "recordings/r1/journal.jsonl": "recorded",
        "recordings/r1/tracks/a.mp4": "media",
        "recordings/r1/.filed": "",
        "recordings/r2/journal.jsonl": "recorded there",
        "restored/tls_cert/full.pem": "certificate",
        "restored/tls_key/key.pem": "its key",
        "restored/profiles_folder/rooms/ours.toml": "ours",
        "restored/settings/tongke.toml": "port = 443",
    }
    assert done.elsewhere[str(settings.recordings)] == new / "recordings"
    assert done.elsewhere[str(settings.tls_key)] == new / "restored" / "tls_key"
    # What was going on then is over: its rooms are not coming to this copy.
    assert done.lessons_ended == 1
    assert lessons(new) == [("l1", "ended", NOW), ("l2", "planned", None)]


def test_a_move_takes_the_live_lesson_along(settings: Settings, tmp_path: Path) -> None:
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    new = tmp_path / "new"
    assert restore_backup(tmp_path / "b", new, new / "recordings", keep_live=True).elsewhere
    assert lessons(new) == [("l1", "live", None), ("l2", "planned", None), ("l1",)]


def test_what_is_written_while_it_is_copied_is_in_it_or_not(
    settings: Settings, tmp_path: Path
) -> None:
    """A writer in the middle of a transaction keeps nobody waiting; its half is not copied."""
    writer = sqlite3.connect(settings.data_folder / "tongke.db")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute(LESSON, ("l3", "half", "planned"))
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    writer.commit()
    writer.close()
    new = tmp_path / "new"
    restore_backup(tmp_path / "b", new, new / "recordings")
    assert [row[0] for row in lessons(new)] == ["l1", "l2"]


async def test_an_older_versions_data_is_backed_up_and_brought_up_to_date(tmp_path: Path) -> None:
    """By a program that is newer than the tables: an upgrade's backup, and its way back."""
    old = Settings(data_folder=tmp_path / "old")
    old.data_folder.mkdir()
    database = Database(old.database)
    async with database.write() as session:
        made_by_the_first = await session.connection()
        await made_by_the_first.run_sync(lambda one: command.upgrade(config(one), "0001"))
    await database.close()
    with sqlite3.connect(old.data_folder / "tongke.db") as rows:
        rows.execute(LESSON, ("l1", "going on", "live"))
    rows.close()
    made = make_backup(old, tmp_path / "b", now=NOW, version="0.0.1")
    assert made.about.schema_version == "0001"
    new = Settings(data_folder=tmp_path / "new")
    assert restore_backup(tmp_path / "b", new.data_folder, new.recordings).lessons_ended == 1
    database = Database(new.database)
    await database.migrate()
    await database.close()
    assert lessons(new.data_folder) == [("l1", "ended", NOW)]
    # The way down in place is refused in words.
    with sqlite3.connect(new.data_folder / "tongke.db") as rows:
        assert rows.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
        rows.execute("UPDATE alembic_version SET version_num = '9999'")
    rows.close()
    database = Database(new.database)
    with pytest.raises(StartRefused, match="written by another version of Tongke"):
        await database.migrate()
    await database.close()


def test_without_recordings_and_without_a_database(settings: Settings, tmp_path: Path) -> None:
    made = make_backup(
        settings, tmp_path / "b", now=NOW, version="1", recordings=False, database=False
    )
    assert made.contents is None
    new = tmp_path / "new"
    restore_backup(tmp_path / "b", new, new / "recordings")
    assert not (new / "recordings").exists() and not (new / "tongke.db").exists()
    assert (new / "ca.key").exists()


def test_postgresql_is_told_to_use_its_own(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"database_url": "postgresql+asyncpg://a@b/c"})
    with pytest.raises(StartRefused, match="pg_dump"):
        make_backup(elsewhere, tmp_path / "b", now=NOW, version="1")
    assert not (tmp_path / "b").exists()
    make_backup(elsewhere, tmp_path / "b", now=NOW, version="1", database=False)


def test_nothing_is_restored_over_something(settings: Settings, tmp_path: Path) -> None:
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    full = tmp_path / "full"
    put(full / "mine", "mine")
    for data, recordings in ((full, full / "recordings"), (tmp_path / "new", full)):
        with pytest.raises(StartRefused, match="not empty"):
            restore_backup(tmp_path / "b", data, recordings)
    assert below(full) == {"mine": "mine"}

    lock = DataFolder(tmp_path / "used")
    with pytest.raises(StartRefused, match="already running"):
        restore_backup(tmp_path / "b", tmp_path / "used", tmp_path / "used" / "recordings")
    lock.close()


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def flipped(content: bytes) -> bytes:
    at = content.index(b"recorded")
    return content[:at] + b"RECORDED" + content[at + 8 :]


def torn_database(content: bytes) -> bytes:
    at = content.index(b"SQLite format 3")
    return content[: at + 5000] + b"\xff" * 2000 + content[at + 7000 :]


@pytest.mark.parametrize("damage", [cut, flipped, torn_database, lambda _: b"", lambda _: b"x" * 9])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    settings: Settings, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "b"
    make_backup(settings, file, now=NOW, version="1")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BackupDamaged):
        check_backup(file)
    new = tmp_path / "new"
    with pytest.raises(BackupDamaged):
        restore_backup(file, new, new / "recordings")
    assert below(new) == {"lock": ""}


def made_up(file: Path, names: dict[str, bytes], **about: Any) -> None:
    told = {
        "format": 1,
        "version": "9",
        "schema_version": "0001",
        "made_at": 0,
        "with_recordings": True,
        "with_database": True,
        **about,
    }
    with file.open("wb") as stream:
        writer = BackupWriter(stream)
        writer.add_bytes(ABOUT, json.dumps(told).encode(), at=0)
        for name, content in names.items():
            writer.add_bytes(name, content, at=0)
        writer.finish()


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", "data/../../out", "etc/passwd", "data", "digests.json"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    made_up(tmp_path / "b", {name: b"x"})
    with pytest.raises((BackupDamaged, OSError)):
        restore_backup(tmp_path / "b", tmp_path / "new", tmp_path / "new" / "recordings")
    assert not (tmp_path / "out").exists()
    assert below(tmp_path / "new") == {"lock": ""}


def test_links_are_refused(tmp_path: Path) -> None:
    made_up(tmp_path / "b", {})
    link = tarfile.TarInfo("data/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    head = io.BytesIO()
    with tarfile.open(fileobj=head, mode="w") as tar:
        tar.addfile(link)
    content = (tmp_path / "b").read_bytes()
    at = content.index(DIGESTS.encode())
    (tmp_path / "b").write_bytes(content[:at] + head.getvalue()[:512] + content[at:])
    with pytest.raises(BackupDamaged):
        check_backup(tmp_path / "b")


@pytest.mark.parametrize("about", [{"format": 2}, {"schema_version": "9999"}])
def test_a_newer_versions_backup_is_refused_in_a_sentence(
    tmp_path: Path, about: dict[str, Any]
) -> None:
    made_up(tmp_path / "b", {"data/x": b"x"}, **about)
    with pytest.raises(StartRefused, match="newer Tongke"):
        restore_backup(tmp_path / "b", tmp_path / "new", tmp_path / "new" / "recordings")


def test_a_file_that_shrinks_or_goes_while_it_is_read(tmp_path: Path) -> None:
    short = put(tmp_path / "short", "four")
    with (tmp_path / "t").open("wb") as stream:
        writer = BackupWriter(stream)
        assert not writer.add_file("data/gone", tmp_path / "gone")
        assert writer.add_file("data/short", short)
        writer.finish()
    with tarfile.open(tmp_path / "t") as tar:
        assert tar.getnames() == ["data/short", DIGESTS]


def test_a_restored_servers_backup_is_restored(settings: Settings, tmp_path: Path) -> None:
    """What lay aside after the first restore is data in the second; both have their place."""
    make_backup(settings, tmp_path / "b1", now=NOW, version="1")
    first = settings.model_copy(update={"data_folder": tmp_path / "first"})
    restore_backup(tmp_path / "b1", first.data_folder, tmp_path / "archive1")
    first = first.model_copy(update={"recordings_folder": tmp_path / "archive1"})
    make_backup(first, tmp_path / "b2", now=NOW, version="1")
    second = tmp_path / "second"
    done = restore_backup(tmp_path / "b2", second, tmp_path / "archive2")
    assert done.elsewhere[str(settings.tls_key)] == second / "restored-2" / "tls_key"
    assert (second / "restored-2" / "tls_key" / "key.pem").read_text() == "its key"
    assert (second / "restored" / "tls_key" / "key.pem").read_text() == "its key"


def test_what_fails_in_the_midst_of_putting_back_leaves_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recordings' disk is full, when the keys are in their place already."""
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    new, archive = tmp_path / "new", tmp_path / "archive"

    def full(_source: Path, target: Path) -> None:
        put(target / "half", "of it")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "move", full)
        with pytest.raises(OSError, match="No space"):
            restore_backup(tmp_path / "b", new, archive)
    assert below(new) == {"lock": ""} and below(archive) == {}
    assert restore_backup(tmp_path / "b", new, archive).contents is not None


def test_a_restore_that_was_killed_is_no_data_folder(tmp_path: Path) -> None:
    """A server would make a new database beside half of another one's keys."""
    put(tmp_path / "data" / ".restore-1234" / "tongke.db", "")
    put(tmp_path / "data" / "ca.key", "")
    with pytest.raises(StartRefused, match="cut short"):
        DataFolder(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_all_of_it_belongs_to_the_folders_owner(settings: Settings, tmp_path: Path) -> None:
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    new = tmp_path / "new"
    new.mkdir()
    os.chown(new, 4321, 4321)
    restore_backup(tmp_path / "b", new, new / "recordings")
    assert {path.stat().st_uid for path in (new, *new.rglob("*"))} == {4321}


def test_a_backup_does_not_hold_itself(settings: Settings, tmp_path: Path) -> None:
    for place, word in (
        (settings.data_folder / "b.tar", "data_folder"),
        (settings.data_folder / "lesson_logs" / "b.tar", "data_folder"),
        (settings.recordings / "b.tar", "recordings_folder"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(StartRefused, match=word):
            make_backup(settings, place, now=NOW, version="1")


def test_names_that_are_no_text_go_in_and_come_back(settings: Settings, tmp_path: Path) -> None:
    """As an archive has them that was copied from an old system (GBK)."""
    name = os.fsdecode("录像".encode("gbk"))
    put(settings.recordings / "r1" / name, "kept")
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    restore_backup(tmp_path / "b", tmp_path / "new", tmp_path / "archive")
    assert (tmp_path / "archive" / "r1" / name).read_text() == "kept"


def test_links_are_told(settings: Settings, tmp_path: Path) -> None:
    """But not the recordings', which lead where they are copied from."""
    link = settings.data_folder / "hardware_profiles"
    link.symlink_to(tmp_path)
    archive = settings.recordings
    (settings.data_folder / "recordings").symlink_to(archive)
    made = make_backup(
        settings.model_copy(update={"recordings_folder": None}),
        tmp_path / "b",
        now=NOW,
        version="1",
    )
    assert made.links == (link,)
    restore_backup(tmp_path / "b", tmp_path / "new", tmp_path / "archive")
    assert (tmp_path / "archive" / "r1" / "tracks" / "a.mp4").read_text() == "media"


def test_copies_that_a_killed_backup_left_go_with_the_next_one(
    settings: Settings, tmp_path: Path
) -> None:
    old, young = (settings.data_folder / name for name in (".backup-old", ".backup-young"))
    for folder, age_s in ((old, 90_000), (young, 60)):
        put(folder / "tongke.db", "")
        os.utime(folder, (NOW - age_s, NOW - age_s))
    make_backup(settings, tmp_path / "b", now=NOW, version="1")
    assert not old.exists() and young.exists()  # perhaps another backup's that runs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_finds_nothing_half(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C ended the process at once and left a copy of the database and half a file."""
    program = f"""
import os, signal, sys
import server.backup.making as making
making.check_backup = lambda path: os.kill(os.getpid(), {int(number)})
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
from server.command import main
sys.argv = ["tongke", "backup", {str(tmp_path / "b.tar")!r}, "--data-folder",
            {str(settings.data_folder)!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LC_ALL": "en_US.UTF-8"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "Stopped. Nothing is left behind.\n"), done
    assert not list(tmp_path.glob("*b.tar*")) + list(tmp_path.glob(".b.tar*"))


def test_a_full_disk_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    """Not a traceback of the archive's own besides."""
    program = f"""
import errno, sys
import server.backup.making as making
def full(*_given):
    raise OSError(errno.ENOSPC, "No space left on device", "b.tar")
making._fill = full
from server.command import main
sys.argv = ["tongke", "backup", {str(tmp_path / "b.tar")!r}, "--data-folder",
            {str(settings.data_folder)!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LC_ALL": "en_US.UTF-8"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
