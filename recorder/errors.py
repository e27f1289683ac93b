"""What can go wrong in the archive, as one tree.

RecorderError
├── FormatError    a stream that no file takes: its track has a gap, the others go on
├── StorageError   the disk refuses: the recording stops, the lesson goes on
├── FinishError    a folder that cannot become a recording, and why
├── ManifestError  what stands as a recording's manifest cannot be read: it stays as it is
└── ExchangeError  a recording that cannot be exported or imported: nothing is left half done
"""

from __future__ import annotations

import errno


class RecorderError(Exception):
    """Root of the archive's errors."""


class FormatError(RecorderError):
    """Frames that look right and that the file format refuses: not the disk's fault."""


class StorageError(RecorderError):
    """The recordings' disk refuses to take more. `code` is stable, the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    @classmethod
    def from_os(cls, error: OSError, path: object) -> StorageError:
        """The same in words for people: what is wrong with the disk and what helps."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return cls(
                "disk-full",
                f"The disk that holds the recordings is full ({path}). Free some space; what was "
                "recorded up to now is kept.",
            )
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return cls(
                "folder-unwritable",
                f"The recordings folder cannot be written ({path}: {error.strerror}). Give the "
                "user that runs Tongke the right to write there.",
            )
        return cls(
            "disk-error",
            f"The disk that holds the recordings failed ({path}: {error.strerror or error}). "
            "Check the disk; what was recorded up to now is kept.",
        )


class FinishError(RecorderError):
    """A recording that cannot be finished. `code` is stable, the text says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class ManifestError(RecorderError):
    """A manifest that is torn, foreign or newer. `code` is stable, the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class ExchangeError(RecorderError):
    """An export that cannot be made or taken in. `code` is stable (`EXCHANGE`), `where` names the
    file or recording, `why` says more, for IT.
    """

    def __init__(self, code: str, where: str, why: str = "") -> None:
        told = EXCHANGE[code].format(where=where)
        super().__init__(f"{told} ({why})" if why else told)
        self.code, self.where, self.why = code, where, why


EXCHANGE = {
    "at-work": "A recorder, or finishing, is at work on {where}. Try again when it is done.",
    "damaged": "{where} is not there, or not what was finished. tongke archive repair says what "
    "can be saved.",
    "elsewhere": "{where} lies in the object store, which does not give it. Try again when it "
    "does; the settings store_bucket and store_keys_file say where it is.",
    "export-newer": "A newer version of Tongke made this export. Import it with that version.",
    "export-unreadable": "{where} does not say what a Tongke export says; it is damaged, or none.",
    "no-export": "{where} is no export: neither a folder with export.json nor a ZIP with one.",
    "no-room": "There is not enough free space in {where}.",
    "not-finished": "{where} is not finished; tongke archive finish makes it playable.",
    "other-stands": "Another recording stands in {where}. Nothing was changed.",
    "packed": "{where} is compressed. Unpack the ZIP, and import the folder.",
    "stands": "{where} stands already. Nothing was written; name another place.",
    "unsafe": "{where} is a link, or has a name or place that no file of an export has.",
    "wrong-bytes": "{where} is not what was exported: its bytes are others, or missing.",
}
