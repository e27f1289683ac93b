"""What the archive says is wrong is known again, and told in Chinese as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recorder.errors import ManifestError, StorageError
from recorder.manifest import read_manifest
from recorder.recording_folder import MANIFEST
from recorder.verification import look
from server.archive_faults import fault_text


def manifest_error(folder: Path, text: str) -> str:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(ManifestError) as caught:
        read_manifest(folder)
    return str(caught.value)


def test_every_sentence_of_the_archive_is_known(tmp_path: Path) -> None:
    """The sentences as they are said, not as they are written down here."""
    (unfinished,) = look(tmp_path).faults
    said = {
        unfinished: "无法读取：没有这个文件或文件夹",
        manifest_error(tmp_path, "{"): "已损坏",
        manifest_error(tmp_path, '{"version": 999}'): "更新版本",
        str(StorageError.from_os(OSError(28, "full"), "/r")): "磁盘已满（/r）",
        str(StorageError.from_os(OSError(13, "denied"), "/r")): "无法写入（/r",
        str(StorageError.from_os(OSError(5, "broken"), "/r")): "磁盘出错（/r",
    }
    for english, chinese in said.items():
        told = fault_text(english)
        assert told.en == english and chinese in told.zh, english


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("part-0001.mp4 is not there", "part-0001.mp4 不存在"),
        ("a.mp4 is 12 bytes long, not 13", "a.mp4 的长度是 12 字节，应为 13 字节"),
        (
            "seat-1 teacher, t1.mp4: 40 of 50 frames are in its part",
            "seat-1 teacher, t1.mp4：50 帧中只有 40 帧可播放",
        ),
        (
            "What was recorded cannot be made playable; its tracks are kept. "
            "journal.jsonl: 3 of its lines cannot be read",
            "录下的内容无法变成可播放的；音视频轨仍保留。journal.jsonl：有 3 行无法读取",
        ),
        ("{0} {x} is not there", "{0} {x} 不存在"),
        ("something else", "something else"),
    ],
)
def test_what_it_names_stays(english: str, chinese: str) -> None:
    assert fault_text(english).zh == chinese


def test_every_sentence_is_still_said_by_the_recorder() -> None:
    """A sentence that was changed there would be English again, and nobody would see it."""
    root = Path(__file__).parents[3] / "recorder"
    source = "".join(file.read_text("utf-8") for file in root.rglob("*.py"))
    source = re.sub(r'"\s*f?"', "", source)  # sentences over several lines
    for words in (
        " is not there",
        "What this recording holds cannot be read: ",
        "A newer version of Tongke made this recording playable (",
        " cannot be read back: ",
        " bytes long, not ",
        " is not what was finished: its SHA-256 is ",
        " does not say what was recorded",
        "A part of it could not be made: ",
        ": the journal does not say what it is",
        " of its lines cannot be read",
        " s are in no line of the journal",
        " s of packets gave no frame",
        " frames are in its part",
        "it cannot be read (",
        "it is empty",
        " bytes hold no whole frame",
        "it is damaged: ",
        " bytes at its end cannot be read",
        " frames are left",
        ": whose it is and where it belongs in the lesson is not known any more",
        "What was recorded cannot be made playable; its tracks are kept. ",
        "No picture and no sound arrived while the lesson was recorded.",
        "There is no recording in ",
        "The recording's journal does not say which lesson it is.",
        "None of this lesson's files can be read.",
        "The teacher had switched the recording off.",
        "The server or its recorder was not running.",
        "Making the recording playable took far longer than its size explains",
        "Making the recording playable failed (exit status ",
    ):
        assert words in source, words
