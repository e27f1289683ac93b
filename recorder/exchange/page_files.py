"""The player that an export carries: its files, and the recording's data as a script.

A page from `file:` may fetch nothing and load no modules, so what it shows stands in a classic
script that sets one variable. The data is JSON with every sign that HTML or a script could take for
its own written as an escape; the page puts texts in as text alone.

Small pictures (`low`) are in the export and not on the page: the library's player takes them while
its line is too thin for the best ones. A disk or a stick reads many times what a lesson's pictures
need, and a page from `file:` sees no rate by which to choose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

from recorder.exchange.form import RECORDING, LibraryFacts
from recorder.exchange.timeline import chapters_of
from recorder.manifest import Manifest
from recorder.plain_text import plain

_PLACES = {
    "index.html": "index.html",
    "player.css": "player/player.css",
    "player.js": "player/player.js",
    "words.js": "player/words.js",
}
DATA = "player/recording.js"


def page_files() -> Iterator[tuple[str, bytes]]:
    """The page's own files, the same in every export: place and content."""
    page = files("recorder.exchange") / "page"
    for name, place in _PLACES.items():
        yield place, (page / name).read_bytes()


def page_data(manifest: Manifest, library: LibraryFacts) -> bytes:
    """What the page shows of this recording."""
    members = {
        "title": plain(library.title or manifest.title),
        "subject": plain(library.subject),
        "grade": plain(library.grade),
        "teacher": plain(library.teacher),
        "schools": [plain(school) for school in library.schools],
        "began_at": manifest.started_at,
        "duration_s": manifest.duration_s,
        "poster": f"{RECORDING}{manifest.poster}" if manifest.poster else "",
        "incomplete": bool(manifest.lack),
        "parts": [
            {
                "file": f"{RECORDING}{part.file}",
                "seat": part.seat_id,
                "name": plain(part.name),
                "school": plain(part.school),
                "source": part.source,
                "start_s": part.start_s,
                "duration_s": part.duration_s,
                "has_video": part.has_video,
                "has_audio": part.has_audio,
            }
            for part in manifest.parts
        ],
        "pauses": [
            {"start_s": one.start_s, "duration_s": one.duration_s} for one in manifest.pauses
        ],
        "chapters": [
            {"kind": one.kind, "at_s": one.at_s, "name": one.name} for one in chapters_of(manifest)
        ],
        "chat": [
            {
                "at_s": event.start_s,
                "name": plain(str((event.model_extra or {}).get("name", ""))),
                "text": plain(str((event.model_extra or {}).get("text", ""))),
            }
            for event in manifest.events
            if event.type == "chat"
        ],
    }
    data = json.dumps(members, allow_nan=False)  # ASCII alone
    for sign in "<>&'":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    return f"window.TONGKE_RECORDING = {data};\n".encode("ascii")
