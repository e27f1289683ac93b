"""The event log: what is read back is what was written; what is unknown is passed over."""

from __future__ import annotations

import json

from signaling.log import entries as log
from signaling.protocol.terms import Source


def test_what_was_written_is_read_back_with_its_types() -> None:
    entry = log.Spotlight(at=3.5, seat_id="room-1", source=Source.STUDENTS, by="lead")
    members = json.loads(json.dumps(log.as_members(entry)))
    assert members == {
        "at": 3.5,
        "type": "spotlight",
        "seat_id": "room-1",
        "source": "students",
        "by": "lead",
    }
    assert log.parse_entries([members]) == ([entry], 0)


def test_what_a_newer_server_wrote_is_passed_over() -> None:
    newer = {"at": 1.0, "type": "slide_turned", "page": 3}
    known = {"at": 2.0, "type": "hand_raised", "seat_id": "room-1", "with": "tablet"}
    broken: dict[str, object] = {"at": "soon", "type": "hand_raised"}
    assert log.parse_entries([newer, known, broken, {}]) == (
        [log.HandRaised(at=2.0, seat_id="room-1")],
        3,
    )


def test_every_entry_says_when_it_is_written() -> None:
    for kind, model in log.ENTRIES.items():
        assert model.__doc__, kind
        assert model.model_fields["at"].is_required(), kind
