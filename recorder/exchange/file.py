"""Makes the ZIP of a recording that somebody downloads, as `tongke archive export` does.

Run as a process of its own (`server.children.once`): an `ExportOrder` comes on standard input, what
came of it goes to standard output as a `FileMade`. What is half made has another name; the whole is
read again as if a stranger had made it before it counts.
"""

from __future__ import annotations

from recorder.errors import ExchangeError, RecorderError, StorageError
from recorder.exchange.file_order import ExportOrder
from recorder.exchange.making import export_recording
from recorder.exchange.sinks import ZipSink
from recorder.exchange.taking import check_export
from recorder.lesson_file_order import FileMade, temporary_of


def make_export_file(order: ExportOrder) -> FileMade:
    """Make it. Raises `ExchangeError`, `ManifestError`, `StorageError` when the disk refuses."""
    try:
        sink = ZipSink(order.path, at=order.made_at, aside=temporary_of(order.path))
        export_recording(
            order.folder,
            sink,
            order.library,
            made_at=order.made_at,
            made_by=order.made_by,
            places=order.places,
        )
        try:
            check_export(order.path)
        except BaseException:
            order.path.unlink(missing_ok=True)
            raise
        return FileMade(bytes=order.path.stat().st_size)
    except OSError as error:
        raise StorageError.from_os(error, order.path.parent) from error


def answer_to(data: bytes) -> FileMade:
    """What came of an order."""
    try:
        return make_export_file(ExportOrder.model_validate_json(data))
    except (ExchangeError, StorageError) as error:
        return FileMade(code=error.code, text=str(error))
    except RecorderError as error:
        return FileMade(code="export-failed", text=str(error))


def main() -> None:
    """An order on standard input, what came of it on standard output."""
    with open(0, "rb", closefd=False) as question:
        made = answer_to(question.read())
    with open(1, "wb", closefd=False) as told:
        told.write(made.model_dump_json().encode())
