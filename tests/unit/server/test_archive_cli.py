"""`tongke archive`: what it says, what it ends with, and what it makes of what was left."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recorder.errors import EXCHANGE
from recorder.recording_folder import JOURNAL, MANIFEST
from recorder.repairing import FAULTS, REPAIRS
from server.archive_cli import archive
from server.archive_report import CONDITIONS, EXCHANGE_ZH, REPAIRS_ZH, Progress
from server.database.engine import Database
from server.database.models import Recording, RecordingPhase, RecordingSchool, Visibility
from tests.unit.recorder.test_verification import a_file, cut, made  # noqa: F401 - a fixture


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:  # noqa: F811 - the fixture
    """A data folder with one recording finished and one not."""
    for name in ("finished", "unfinished"):
        shutil.copytree(made / name, tmp_path / "recordings" / name)
    (tmp_path / "recordings" / ".lesson_files").mkdir()
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(archive, [*arguments, "--data-folder", str(data)])


def conditions(result: Result) -> dict[str, str]:
    told = [json.loads(line) for line in result.stdout.splitlines()]
    return {one["recording_id"]: one["condition"] for one in told}


def test_all_are_listed_and_what_is_not_finished_is_finished(data: Path) -> None:
    listed = run(data, "list", "--json")
    assert conditions(listed) == {"finished": "whole", "unfinished": "unfinished"}
    assert listed.exit_code == 3
    done = run(data, "finish", "--json")
    assert (conditions(done), done.exit_code) == ({"unfinished": "whole"}, 0)
    proved = run(data, "verify", "--json")
    assert set(conditions(proved).values()) == {"whole"}
    assert proved.exit_code == 0
    assert run(data, "finish", "--json").stdout == "", "there is nothing left to do"


def test_damage_is_said_and_ends_with_1(data: Path) -> None:
    path = a_file(data / "recordings" / "finished")
    cut(path)
    said = run(data, "verify", "finished")
    assert said.exit_code == 1
    assert path.name in said.stdout
    assert run(data, "list").exit_code == 3, "which only looks"


def test_one_that_cannot_be_finished_says_why(data: Path) -> None:
    folder = data / "recordings" / "unfinished"
    shutil.rmtree(folder / "tracks")
    said = run(data, "finish")
    assert said.exit_code == 3
    assert "cannot be made playable; its tracks are kept" in said.stdout
    assert not (folder / MANIFEST).exists()


@pytest.mark.parametrize("language", ["zh_CN.UTF-8", "en_GB.UTF-8", "C"])
def test_programs_are_told_in_both_languages_whatever_the_machine_speaks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    path = a_file(data / "recordings" / "finished")
    cut(path)
    found = json.loads(run(data, "verify", "finished", "--json").stdout)
    assert len(found["faults"]) == len(found["faults_zh"]) == 1
    assert f"{path.name} is " in found["faults"][0] and "bytes long" in found["faults"][0]
    assert f"{path.name} 的长度是 " in found["faults_zh"][0]
    assert "message_en" not in found, "nothing was refused or done"
    for command, code in (("export", "damaged"), ("film", "stands"), ("export", "not-finished")):
        to = tmp_path / command
        to.mkdir(exist_ok=True)
        (to / "finished.mp4").touch()
        name = "unfinished" if code == "not-finished" else "finished"
        told = json.loads(run(data, command, name, "--to", str(to), "--json").stdout)
        assert told["code"] == code
        assert told["message_en"].isascii()
        assert re.search("[一-鿿]", told["message_zh"])
    whole = json.loads(run(data, "list", "--json").stdout.splitlines()[1])
    assert (whole["faults"], whole["faults_zh"]) == ([], [])


def test_what_a_repair_did_and_could_not_do_is_told_in_both_languages(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    answer = {
        "done": [{"code": "poster-again", "file": "", "saved_s": 0.0, "whole_s": 0.0}],
        "faults": [{"code": "nothing-to-save", "file": "", "saved_s": 0.0, "whole_s": 0.0}],
        "failed": "",
    }

    def repaired(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0, json.dumps(answer).encode())

    monkeypatch.setattr("server.archive_exchange.subprocess.run", repaired)
    said = run(data, "repair", "finished", "--json")
    told = json.loads(said.stdout)
    assert said.exit_code == 3
    assert told["done"] == ["poster-again"]
    assert (told["message_zh"], told["message_en"]) == (
        REPAIRS_ZH["poster-again"],
        REPAIRS["poster-again"],
    )
    assert told["faults"] == [FAULTS["nothing-to-save"]]
    assert told["faults_zh"] == [REPAIRS_ZH["nothing-to-save"]]
    shown = run(data, "repair", "finished").stdout
    assert REPAIRS_ZH["nothing-to-save"] in shown and FAULTS["nothing-to-save"] not in shown


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [("", ["verify", "nonesuch"]), ("elsewhere", ["list"])],
    ids=["no such recording", "no recordings folder"],
)
def test_what_is_not_there_is_told_with_what_to_do(
    data: Path, folder: str, arguments: list[str]
) -> None:
    said = run(data / folder, *arguments)
    assert said.exit_code == 2
    assert "tongke archive list" in said.stderr or "--data-folder" in said.stderr


def test_it_leaves_as_a_zip_and_comes_in_elsewhere(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    said = run(data, "export", "--to", str(out), "--zip", "--json")
    told = {one["recording_id"]: one for one in map(json.loads, said.stdout.splitlines())}
    assert said.exit_code == 3, "one is not finished"
    assert told["unfinished"]["code"] == "not-finished"
    assert told["finished"]["place"] == str(out / "finished.zip")
    assert [path.name for path in out.iterdir()] == ["finished.zip"]
    subprocess.run(["unzip", "-tq", "finished.zip"], cwd=out, check=True)
    came = run(there, "import", str(out / "finished.zip"), "--json")
    assert (conditions(came), came.exit_code) == ({"finished": "whole"}, 0), came.stdout
    here, got = data / "recordings" / "finished", there / "recordings" / "finished"
    for name in (JOURNAL, MANIFEST):
        assert (here / name).read_bytes() == (got / name).read_bytes()
    again = run(there, "import", str(out / "finished.zip"), "--json")
    assert json.loads(again.stdout)["stood"] is True
    twice = run(data, "export", "finished", "--to", str(out), "--zip", "--json")
    assert (json.loads(twice.stdout)["code"], twice.exit_code) == ("stands", 1)


def test_a_film_is_made_of_what_is_finished_and_none_is_written_over(
    data: Path, tmp_path: Path
) -> None:
    to = tmp_path / "films"
    to.mkdir()
    said = run(data, "film", "--to", str(to), "--json")
    told = {one["recording_id"]: one for one in map(json.loads, said.stdout.splitlines())}
    assert told["unfinished"]["code"] == "not-finished"
    film = to / "finished.mp4"
    assert told["finished"]["place"] == str(film)
    assert [one.name for one in to.iterdir()] == [film.name]
    data_of = film.read_bytes()
    assert len(data_of) == told["finished"]["film_bytes"]
    assert data_of[4:8] == b"ftyp"
    again = run(data, "film", "finished", "--to", str(to), "--json")
    assert (json.loads(again.stdout)["code"], again.exit_code) == ("stands", 1)
    assert film.read_bytes() == data_of
    nowhere = run(data, "film", "--to", str(tmp_path / "nowhere"))
    assert nowhere.exit_code == 2


def test_what_root_brings_in_is_the_servers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's user could not read it, and its library showed a broken recording."""
    there, out = tmp_path / "there", tmp_path / "out"
    (there / "recordings").mkdir(parents=True)
    out.mkdir()
    run(data, "export", "finished", "--to", str(out))
    given: dict[str, tuple[int, int]] = {}

    def chown(path: Path, user: int, group: int, *, follow_symlinks: bool) -> None:
        assert not follow_symlinks
        given[path.name] = (user, group)

    monkeypatch.setattr("os.chown", chown)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    run(there, "import", str(out / "finished"))
    assert given == {}
    shutil.rmtree(there / "recordings")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert run(there, "import", str(out / "finished")).exit_code == 0
    owner = there.stat()
    assert {JOURNAL, MANIFEST} < set(given)
    assert set(given.values()) == {(owner.st_uid, owner.st_gid)}
    given.clear()
    run(data, "finish", "unfinished")
    assert MANIFEST in given


def test_an_empty_archive_is_said(tmp_path: Path) -> None:
    """An empty answer could have been a wrong folder."""
    (tmp_path / "recordings").mkdir()
    said = run(tmp_path, "list")
    assert (said.exit_code, said.stdout) == (0, "")
    assert str(tmp_path / "recordings") in said.stderr


def test_a_bad_export_is_refused_and_the_next_one_comes_in(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run(data, "export", "finished", "--to", str(out))
    (out / "none").mkdir()
    shutil.rmtree(data / "recordings" / "finished")
    said = run(data, "import", str(out / "none"), str(out / "finished"), str(out / "gone"))
    assert said.exit_code == 1
    assert "export.json" in said.stdout
    assert (data / "recordings" / "finished" / MANIFEST).is_file()
    assert said.stdout.count("\n    ") == 3, "each says what came of it"


def test_an_export_tells_what_the_library_says(data: Path, tmp_path: Path) -> None:
    async def fill() -> None:
        database = Database(f"sqlite+aiosqlite:///{data / 'tongke.db'}")
        await database.migrate()
        async with database.write() as session:
            session.add(
                Recording(
                    id="finished", title="分数", subject="数学", grade="三年级",
                    teacher_name="李老师", started_at=0.0, created_at=0.0,
                    state=RecordingPhase.READY, visibility=Visibility.LESSON,
                    schools=[RecordingSchool(place=0, name="实验小学")],
                )
            )  # fmt: skip
        await database.close()

    asyncio.run(fill())
    out = tmp_path / "out"
    out.mkdir()
    assert run(data, "export", "finished", "--to", str(out)).exit_code == 0
    facts = json.loads((out / "finished" / "library.json").read_text())
    assert facts == {
        "title": "分数", "subject": "数学", "grade": "三年级", "teacher": "李老师",
        "community": "", "schools": ["实验小学"],
    }  # fmt: skip


@pytest.mark.thorough
def test_a_damaged_part_is_saved_as_far_as_it_can_be_read(data: Path) -> None:
    path = a_file(data / "recordings" / "finished")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    said = run(data, "repair", "--json")
    told = {one["recording_id"]: one for one in map(json.loads, said.stdout.splitlines())}
    assert told["finished"]["condition"] == "incomplete", said.stdout
    assert "part-saved" in told["finished"]["done"]
    kept = list((data / "recordings" / "finished" / "before_repair").rglob(path.name))
    assert [one.read_bytes() for one in kept] == [whole[: len(whole) * 2 // 3]]
    assert run(data, "verify", "finished").exit_code == 3
    in_words = run(data, "repair", "finished")
    assert in_words.exit_code == 3, "nothing more to do, and still something is missing"


def test_progress_is_for_who_looks(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown, piped = Terminal(), io.StringIO()
    for stream in (shown, piped):
        progress = Progress(200, stream)
        for _ in range(4):
            progress.tell(50)
        progress.clear()
    assert shown.getvalue() == "\r 25 %\r 50 %\r 75 %\r100 %\r      \r"
    assert piped.getvalue() == ""


def test_every_refusal_and_repair_has_its_words() -> None:
    assert set(EXCHANGE_ZH) == set(EXCHANGE)
    assert set(REPAIRS_ZH) == {*REPAIRS, *FAULTS}


def test_every_standing_has_its_words() -> None:
    assert all(text.zh != text.en for text in CONDITIONS.values())


def edit(folder: Path, **members: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


@pytest.mark.parametrize("at", [1e300, -1e300, 1e12], ids=["no number", "before", "year 33658"])
def test_a_moment_that_no_calendar_has_keeps_no_other_from_being_told(
    data: Path, at: float
) -> None:
    shutil.copytree(data / "recordings" / "finished", data / "recordings" / "a")
    edit(data / "recordings" / "a", started_at=at, duration_s=1e300)
    said = run(data, "list")
    assert said.exception is None or isinstance(said.exception, SystemExit)
    first, second, _ = said.stdout.splitlines()
    assert first.startswith("a  -  -  ")
    assert second.startswith("finished  2026-")


def test_names_of_folders_and_exports_steer_no_terminal(data: Path, tmp_path: Path) -> None:
    for name in (b"a\x1b[31m\nb", b"c\xff\xfe"):
        shutil.copytree(data / "recordings" / "finished", tmp_path / "copy")
        (tmp_path / "copy").rename(data / "recordings" / os.fsdecode(name))
    said = run(data, "list")
    assert [line.split("  ")[0] for line in said.stdout.splitlines()] == [
        "a[31m b", "c", "finished", "unfinished",
    ]  # fmt: skip
    none = tmp_path / "x\x1b]0;y\x07.zip"
    none.write_bytes(b"PK")
    assert "\x1b" not in run(data, "import", str(none)).stdout


@pytest.mark.parametrize("name", ["a" * 256, "../b", "/etc/passwd", "a\0b", ".."])
def test_a_manifest_that_leads_elsewhere_is_damaged_and_the_others_are_told(
    data: Path, name: str
) -> None:
    folder = shutil.copytree(data / "recordings" / "finished", data / "recordings" / "a")
    parts = json.loads((folder / MANIFEST).read_text())["parts"]
    edit(folder, parts=[parts[0] | {"file": name}])
    for command in ("list", "verify"):
        said = run(data, command, "--json")
        assert conditions(said)["a"] == "unreadable"
        assert conditions(said)["finished"] == "whole"
        assert said.exit_code == 1


def test_half_characters_of_a_title_keep_nothing_here(data: Path, tmp_path: Path) -> None:
    edit(data / "recordings" / "finished", title="\ud800 分数")
    (tmp_path / "out").mkdir()
    said = run(data, "export", "finished", "--to", str(tmp_path / "out"))
    assert said.exit_code == 0, said.output
    facts = json.loads((tmp_path / "out" / "finished" / "library.json").read_text())
    assert facts["title"] == "? 分数"
