"""What leaves as a folder or ZIP comes in elsewhere byte for byte; what is not that, nowhere.

Read back by Info-ZIP, coreutils and ffprobe.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorder.checksums import checksum_of
from recorder.errors import ExchangeError
from recorder.exchange.form import ABOUT, LIBRARY, is_id, is_name
from recorder.exchange.page_files import DATA
from recorder.exchange.sinks import FolderSink, StoredZip, ZipSink
from recorder.exchange.taking import check_export, import_recording
from recorder.exchange.wrapping import is_fragmented
from recorder.recording_folder import JOURNAL, MANIFEST, lock_journal
from recorder.verification import ArchiveCondition, verify
from tests.refusals import small_disk
from tests.unit.recorder.exchange.exported import contents, exported, fragment, probed

ROOM = 0  # bytes left free on the test's disk


def taken(place: Path, recordings: Path) -> Path:
    return recordings / import_recording(place, recordings, left_free_bytes=ROOM).recording_id


def refused(place: Path, recordings: Path) -> str:
    """Why; and nothing is left of it."""
    before = contents(recordings)
    with pytest.raises(ExchangeError) as error:
        taken(place, recordings)
    assert contents(recordings) == before
    assert not list(recordings.glob(".*")), "something half done is left"
    return error.value.code


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_it_comes_in_elsewhere_with_the_same_hashes_and_journal(
    folder: Path, elsewhere: Path, tmp_path: Path, *, as_zip: bool
) -> None:
    (folder / ".filed").touch()  # this server's business
    place = tmp_path / ("out.zip" if as_zip else "out")
    about = exported(folder, place, as_zip=as_zip)
    assert check_export(place) == about
    got = taken(place, elsewhere)
    facts = json.loads((got / LIBRARY).read_text())
    assert (facts["subject"], facts["schools"]) == ("数学", ["实验小学", "云岭村小; 分校"])
    there, here = contents(got), contents(folder)
    del there[LIBRARY], here[".filed"]
    assert there == here
    assert here[JOURNAL].count(b"\n") > 5
    assert verify(got).condition is ArchiveCondition.WHOLE
    again = exported(got, tmp_path / "again")
    of_recording = [one for one in about.files if one.file.startswith("recording/")]
    assert [one for one in again.files if one.file.startswith("recording/")] == of_recording


def test_a_small_picture_leaves_and_comes_in_and_the_page_plays_the_best(
    folder: Path, elsewhere: Path, tmp_path: Path
) -> None:
    members = json.loads((folder / MANIFEST).read_text())
    part = next(one for one in members["parts"] if one["file"].endswith(".mp4"))
    (folder / "low-0001.mp4").write_bytes((folder / part["file"]).read_bytes())
    part["low"] = {"file": "low-0001.mp4", "mime": part["mime"], "duration_s": part["duration_s"]}
    members["checksums"].append(checksum_of(folder / "low-0001.mp4").model_dump())
    (folder / MANIFEST).write_text(json.dumps(members))
    fragment(folder)
    exported(folder, tmp_path / "out")
    got = taken(tmp_path / "out", elsewhere)
    assert (got / "low-0001.mp4").read_bytes() == (folder / "low-0001.mp4").read_bytes()
    shown = (tmp_path / "out" / DATA).read_text()
    assert part["file"] in shown
    assert "low-0001" not in shown


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_a_part_of_fragments_leaves_as_one_that_plays_and_comes_in_as_it_was(
    folder: Path, elsewhere: Path, tmp_path: Path, *, as_zip: bool
) -> None:
    fragment(folder)
    about = exported(folder, tmp_path / "out", as_zip=as_zip)
    wrapped = [one for one in about.files if one.holds is not None]
    assert len(wrapped) == 2
    got = taken(tmp_path / "out", elsewhere)
    (got / LIBRARY).unlink()
    assert contents(got) == contents(folder)
    if not as_zip:
        for one in wrapped:
            path = tmp_path / "out" / one.file
            assert not is_fragmented(path)
            assert probed(path)["streams"] == probed(folder / path.name)["streams"]


def test_what_a_file_holds_has_a_hash_of_its_own(
    folder: Path, elsewhere: Path, tmp_path: Path
) -> None:
    fragment(folder)
    exported(folder, tmp_path / "out")
    about = json.loads((tmp_path / "out" / ABOUT).read_text())
    one = next(one for one in about["files"] if "holds" in one)
    one["holds"]["begins"] += 1
    one["holds"]["bytes"] -= 1
    (tmp_path / "out" / ABOUT).write_text(json.dumps(about))
    assert refused(tmp_path / "out", elsewhere) == "wrong-bytes"


def test_every_hash_is_coreutils(folder: Path, tmp_path: Path) -> None:
    about = exported(folder, tmp_path / "out")
    sums = "".join(f"{one.sha256}  {one.file}\n" for one in about.files)
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"],
        cwd=tmp_path / "out", input=sums, text=True, check=True,
    )  # fmt: skip
    listed = {one.file for one in about.files} | {ABOUT}
    assert set(contents(tmp_path / "out")) == listed, "a file is there that is not listed"


def test_the_zip_is_stored_and_other_programs_read_it(folder: Path, tmp_path: Path) -> None:
    exported(folder, tmp_path / "out", as_zip=False)
    exported(folder, tmp_path / "out.zip", as_zip=True)
    said = subprocess.run(
        ["unzip", "-t", "out.zip"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "No errors detected" in said.stdout
    with zipfile.ZipFile(tmp_path / "out.zip") as read:
        assert read.testzip() is None
        assert {entry.compress_type for entry in read.infolist()} == {zipfile.ZIP_STORED}
        assert read.namelist()[-1] == ABOUT
    subprocess.run(["unzip", "-q", "out.zip", "-d", "by_unzip"], cwd=tmp_path, check=True)
    assert contents(tmp_path / "by_unzip") == contents(tmp_path / "out")


def test_a_zip_goes_through_a_pipe_that_knows_no_way_back(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as out:
        stream = StoredZip(out, at=0.0)
        stream.add("a/b.txt", 5, iter([b"12", b"345"]))
        stream.close()
    with os.fdopen(reading, "rb") as given:
        (tmp_path / "piped.zip").write_bytes(given.read())
    subprocess.run(["unzip", "-tq", "piped.zip"], cwd=tmp_path, check=True)
    with zipfile.ZipFile(tmp_path / "piped.zip") as read:
        assert read.read("a/b.txt") == b"12345"


def test_its_media_is_what_ffprobe_reads_as_media(folder: Path, tmp_path: Path) -> None:
    exported(folder, tmp_path / "out")
    frames = 0
    for path in sorted((tmp_path / "out" / "recording").glob("part-*.mp4")):
        said = probed(path)
        frames += sum(
            int(stream["nb_read_packets"])
            for stream in said["streams"]
            if stream["codec_name"] == "h264"
        )
    assert frames == 200, "two pictures of four seconds at 25 a second"


def test_what_stands_is_never_written_over(folder: Path, elsewhere: Path, tmp_path: Path) -> None:
    exported(folder, tmp_path / "out")
    with pytest.raises(FileExistsError):
        exported(folder, tmp_path / "out")
    got = taken(tmp_path / "out", elsewhere)
    assert import_recording(tmp_path / "out", elsewhere, left_free_bytes=ROOM).stood
    with (got / JOURNAL).open("ab") as journal:
        journal.write(b"another life\n")
    assert refused(tmp_path / "out", elsewhere) == "other-stands"


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_a_damaged_recording_is_not_exported(folder: Path, tmp_path: Path, *, as_zip: bool) -> None:
    part = next(folder.glob("part-*"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    with pytest.raises(ExchangeError) as error:
        exported(folder, tmp_path / "out", as_zip=as_zip)
    assert (error.value.code, error.value.where) == ("damaged", part.name)
    part.unlink()
    with pytest.raises(ExchangeError, match=part.name):
        exported(folder, tmp_path / "out", as_zip=as_zip)
    assert {path.name for path in tmp_path.iterdir()} == {"here"}, "something half done is left"


def test_one_that_is_recorded_now_is_not_exported(folder: Path, tmp_path: Path) -> None:
    with (folder / JOURNAL).open("rb+") as journal:
        lock_journal(journal.fileno(), folder)
        with pytest.raises(ExchangeError) as error:
            exported(folder, tmp_path / "out")
    assert error.value.code == "at-work"


# --- what strangers send ------------------------------------------------------------------------


def change(place: Path, **members: Any) -> None:
    about = json.loads((place / ABOUT).read_text())
    (place / ABOUT).write_text(json.dumps(about | members))


def rename_listed(name: str) -> Callable[[Path], None]:
    def hostile(place: Path) -> None:
        about = json.loads((place / ABOUT).read_text())
        listed = next(one for one in about["files"] if one["file"].endswith(".mp4"))
        listed["file"] = name
        (place / ABOUT).write_text(json.dumps(about))

    return hostile


def a_listed(place: Path) -> Path:
    return next((place / "recording").glob("part-*"))


def as_link(place: Path) -> None:
    secret = place.parent / "secret"
    shutil.move(a_listed(place), secret)  # with the right hash: it is the link that is refused
    (place / "recording" / "part-0001.mp4").unlink(missing_ok=True)
    missing = next(
        one["file"]
        for one in json.loads((place / ABOUT).read_text())["files"]
        if not (place / one["file"]).exists()
    )
    (place / missing).symlink_to(secret)


def as_linked_folder(place: Path) -> None:
    shutil.move(place / "recording", place.parent / "aside")
    (place / "recording").symlink_to(place.parent / "aside")


def as_pipe(place: Path) -> None:
    path = a_listed(place)
    path.unlink()
    os.mkfifo(path)


def one_byte(place: Path) -> None:
    path = a_listed(place)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def longer(place: Path) -> None:
    with a_listed(place).open("ab") as file:
        file.write(b"more")


def shorter(place: Path) -> None:
    path = a_listed(place)
    path.write_bytes(path.read_bytes()[:-1])


def other_manifest(poster: str) -> Callable[[Path], None]:
    """Its hash fits; it names a file that was never exported."""

    def hostile(place: Path) -> None:
        path = place / "recording" / MANIFEST
        manifest = json.loads(path.read_text())
        put(place, path, json.dumps(manifest | {"poster": poster}).encode())

    return hostile


def newer_manifest(place: Path) -> None:
    path = place / "recording" / MANIFEST
    put(place, path, path.read_bytes().replace(b'"version": 1', b'"version": 2'))


def nested(place: Path) -> None:
    (place / ABOUT).write_bytes(b"[" * 100_000)


def put(place: Path, path: Path, data: bytes) -> None:
    """Change a file, and what is said of it."""
    path.write_bytes(data)
    about = json.loads((place / ABOUT).read_text())
    listed = next(one for one in about["files"] if place / one["file"] == path)
    listed |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (place / ABOUT).write_text(json.dumps(about))


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "another version": (lambda place: change(place, version=2), "export-newer"),
    "another format": (lambda place: change(place, format="zip"), "export-unreadable"),
    "an id that climbs": (lambda place: change(place, recording_id=".."), "export-unreadable"),
    "an id with NUL": (lambda place: change(place, recording_id="a\0b"), "export-unreadable"),
    "an id with markup": (lambda place: change(place, recording_id="<b>"), "export-unreadable"),
    "an id with a mark": (
        lambda place: change(place, recording_id="a\u202eb"),
        "export-unreadable",
    ),
    "a name that climbs": (rename_listed("recording/../../evil"), "export-unreadable"),
    "an absolute name": (rename_listed("/etc/evil"), "export-unreadable"),
    "a name with NUL": (rename_listed("recording/a\0.mp4"), "export-unreadable"),
    "a name with backslashes": (rename_listed("recording\\..\\evil"), "export-unreadable"),
    "a drive": (rename_listed("C:evil"), "export-unreadable"),
    "a device": (rename_listed("recording/NUL.mp4"), "export-unreadable"),
    "a hidden name": (rename_listed("recording/.filed"), "export-unreadable"),
    "a name twice": (rename_listed("recording/MANIFEST.json"), "export-unreadable"),
    "a file that is not there": (rename_listed("recording/other.mp4"), "wrong-bytes"),
    "a link": (as_link, "unsafe"),
    "a folder that is a link": (as_linked_folder, "unsafe"),
    "a pipe": (as_pipe, "unsafe"),
    "another byte": (one_byte, "wrong-bytes"),
    "a byte more": (longer, "wrong-bytes"),
    "a byte less": (shorter, "wrong-bytes"),
    "a manifest that names what is not in it": (other_manifest("other.jpg"), "wrong-bytes"),
    "a manifest that climbs": (other_manifest("../../../etc/passwd"), "export-unreadable"),
    "a newer manifest": (newer_manifest, "export-unreadable"),
    "nothing that is JSON": (nested, "export-unreadable"),
    "no list": (lambda place: (place / ABOUT).unlink(), "no-export"),
}


@pytest.mark.parametrize(("hostile", "code"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_folder_leaves_nothing_behind(
    folder: Path, elsewhere: Path, tmp_path: Path, hostile: Callable[[Path], None], code: str
) -> None:
    exported(folder, tmp_path / "out")
    hostile(tmp_path / "out")
    assert refused(tmp_path / "out", elsewhere) == code


def entry(name: str, *, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def zipped(place: Path, archive: Path, *, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(archive, "w", compression) as out:
        for name, data in contents(place).items():
            out.writestr(name, data)


def with_entry(made: zipfile.ZipInfo, data: bytes) -> Callable[[Path, Path], None]:
    def hostile(place: Path, archive: Path) -> None:
        zipped(place, archive)
        with zipfile.ZipFile(archive, "a") as out:
            out.writestr(made, data)

    return hostile


def one_inside_another(place: Path, archive: Path) -> None:
    """All entries are one and the same place: together far longer than the file (the bomb of
    D. Fifield, "A better zip bomb", without compression)."""
    zipped(place, archive)
    data = bytearray(archive.read_bytes())
    at, largest = data.find(b"PK\x01\x02"), (0, 0)
    places = []
    while at >= 0:
        size = struct.unpack_from("<I", data, at + 24)[0]
        places.append(at)
        largest = max(largest, (size, struct.unpack_from("<I", data, at + 42)[0]))
        at = data.find(b"PK\x01\x02", at + 4)
    for at in places:
        struct.pack_into("<II", data, at + 20, largest[0], largest[0])
        struct.pack_into("<I", data, at + 42, largest[1])
    archive.write_bytes(data)


def cut_off(place: Path, archive: Path) -> None:
    zipped(place, archive)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])


def not_stored(place: Path, archive: Path) -> None:
    zipped(place, archive, compression=zipfile.ZIP_DEFLATED)


def nul() -> zipfile.ZipInfo:
    made = entry("recording/x")
    made.filename = "recording/x\0.mp4"  # as no constructor of Python's lets it stand
    return made


def without_name(place: Path, archive: Path) -> None:
    """The last entry's name is taken from the directory: of no length, and so no name at all."""
    zipped(place, archive)
    with zipfile.ZipFile(archive, "a") as out:
        out.writestr(entry("x"), b"")
    data = bytearray(archive.read_bytes())
    at, end = data.rfind(b"PK\x01\x02"), data.rfind(b"PK\x05\x06")
    struct.pack_into("<H", data, at + 28, 0)
    del data[at + 46]
    struct.pack_into("<I", data, end - 1 + 12, struct.unpack_from("<I", data, end + 11)[0] - 1)
    archive.write_bytes(data)


def before_the_beginning(place: Path, archive: Path) -> None:
    """The directory says where it begins: far off, and all entries lie before the file."""
    zipped(place, archive)
    data = bytearray(archive.read_bytes())
    at = data.rfind(b"PK\x05\x06") + 16
    struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + (1 << 24))
    archive.write_bytes(data)


LINK = entry("recording/link", mode=stat.S_IFLNK | 0o777)
HOSTILE_ZIPS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "compressed": (not_stored, "packed"),
    "a name that climbs": (with_entry(entry("../evil"), b"x"), "unsafe"),
    "an absolute name": (with_entry(entry("/etc/evil"), b"x"), "unsafe"),
    "a name with NUL": (with_entry(nul(), b"x"), "unsafe"),
    "markup": (with_entry(entry("recording/<b>"), b"x"), "unsafe"),
    "a link": (with_entry(LINK, b"/etc/passwd"), "unsafe"),
    "a device": (with_entry(entry("recording/x", mode=stat.S_IFCHR | 0o644), b""), "unsafe"),
    "one inside another": (one_inside_another, "unsafe"),
    "cut off": (cut_off, "no-export"),
    "no name": (without_name, "unsafe"),
    "before its beginning": (before_the_beginning, "wrong-bytes"),
}


@pytest.mark.parametrize(("hostile", "code"), HOSTILE_ZIPS.values(), ids=list(HOSTILE_ZIPS))
def test_a_hostile_zip_leaves_nothing_behind(
    folder: Path, elsewhere: Path, tmp_path: Path, hostile: Callable[[Path, Path], None], code: str
) -> None:
    exported(folder, tmp_path / "out")
    hostile(tmp_path / "out", tmp_path / "out.zip")
    assert refused(tmp_path / "out.zip", elsewhere) == code


def test_a_zip_with_an_entry_twice_is_refused(
    folder: Path, elsewhere: Path, tmp_path: Path
) -> None:
    exported(folder, tmp_path / "out")
    zipped(tmp_path / "out", tmp_path / "out.zip")
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(tmp_path / "out.zip", "a") as out,
    ):
        out.writestr(ABOUT, b"{}")
    assert refused(tmp_path / "out.zip", elsewhere) == "unsafe"


def test_what_stands_for_no_export_is_told_so(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no zip")
    assert refused(tmp_path / "empty", elsewhere) == "no-export"
    assert refused(tmp_path / "text", elsewhere) == "no-export"


def test_no_more_is_written_than_there_is_room_for(
    folder: Path, elsewhere: Path, tmp_path: Path
) -> None:
    exported(folder, tmp_path / "out")
    with pytest.raises(ExchangeError) as error:
        import_recording(tmp_path / "out", elsewhere, left_free_bytes=1 << 60)
    assert error.value.code == "no-room"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("recording/part-0001.mp4", True),
        ("a/b/c/d", True),
        ("a/b/c/d/e", False),
        ("a//b", False),
        ("a/./b", False),
        ("a/", False),
        ("", False),
        ("con", False),
        ("recording/com1.txt", False),
        ("controls.js", True),
        ("name.", False),
        ("na me", False),
        ("名", False),
        ("ｐart", False),
        ("a\n", False),
    ],
)
def test_which_names_a_file_may_have(name: str, *, safe: bool) -> None:
    assert is_name(name) is safe
    assert not is_id(f"{name}/x")


WRITES_ASIDE = """
import sys
from pathlib import Path
from recorder.exchange.sinks import FolderSink, ZipSink
from recorder.exchange.taking import import_recording

def stand_still(_bytes=0):
    print("at work", flush=True)
    sys.stdin.read()

def pieces():
    yield b"x"
    stand_still()

kind, *places = sys.argv[1:]
place, *to = map(Path, places)
if kind == "import":
    import_recording(place, to[0], stand_still, left_free_bytes=0)
else:
    sink = FolderSink(place) if kind == "folder" else ZipSink(place, at=0.0)
    sink.add("a", 2, pieces())
"""


@pytest.mark.parametrize("kind", ["folder", "zip", "import"])
def test_what_a_killed_one_left_goes_and_what_one_writes_stays(
    folder: Path, elsewhere: Path, tmp_path: Path, kind: str
) -> None:
    exported(folder, tmp_path / "out")
    out = elsewhere / "rec1.zip" if kind == "zip" else elsewhere / "rec1"
    places = [tmp_path / "out", elsewhere] if kind == "import" else [out]
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_ASIDE, kind, *places],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == b"at work\n"
        (aside,) = elsewhere.iterdir()

        def again() -> None:
            if kind == "import":
                import_recording(tmp_path / "out", elsewhere, left_free_bytes=0)
            else:
                sink: ZipSink | FolderSink = FolderSink(out)
                if kind == "zip":
                    sink.abandon()
                    sink = ZipSink(out, at=0.0)
                sink.finish()

        again()
        assert aside.exists()
        shutil.rmtree(out) if out.is_dir() else out.unlink()
        writing.kill()
    again()
    assert list(elsewhere.iterdir()) == [out]


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_full_disk_is_left_as_it_was(folder: Path, tmp_path: Path, *, as_zip: bool) -> None:
    with small_disk(tmp_path / "small", 1) as disk:
        disk.fill()
        before = list(disk.folder.iterdir())
        with pytest.raises(OSError, match="No space left"):
            exported(folder, disk.folder / "out", as_zip=as_zip)
        assert list(disk.folder.iterdir()) == before
