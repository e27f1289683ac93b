"""The lesson's event log: which entries there are, and what each tells.

Every entry is `{"at": seconds since 1970, "type": …}` with the fields below. The recorder, the
chapters of the player and the statistics read it; entries are only ever added. A type's fields
never change their meaning.
"""

from __future__ import annotations

# type → (its fields, when it is written)
ENTRIES: dict[str, tuple[tuple[str, ...], str]] = {
    "lesson_running": ((), "the lead is here"),
    "lesson_waiting": ((), "the lead is not here any more"),
    "lesson_restored": ((), "the server was restarted in mid-lesson"),
    "lesson_ended": (("reason",), "it is over: `by-lead`, `by-server` or `timed-out`"),
    "seat_joined": (("seat_id", "role", "name", "school"), "the seat's first device came"),
    "seat_lost": (("seat_id",), "its last connection was lost; its place is kept"),
    "seat_returned": (("seat_id",), "it is back in time"),
    "seat_left": (("seat_id", "reason"), "its last device has gone: `left` or `grace-over`"),
    "device_joined": (("seat_id", "device_id", "device"), "one more device of a seat"),
    "device_left": (
        ("seat_id", "device_id", "reason"),
        "a device has gone: `left`, `grace-over` or `replaced` by itself, restarted",
    ),
    "sound_moved": (("seat_id", "device_id"), "another device carries the room's sound"),
    "source_added": (("seat_id", "source", "producer_id"), "a stream came"),
    "source_removed": (("seat_id", "source", "producer_id"), "a stream has gone"),
    "source_muted": (("seat_id", "source", "muted"), "closed or opened by the seat itself"),
    "seat_muted": (("seat_id", "muted", "by"), "its sound was closed, or let be, by the lead"),
    "hand_raised": (("seat_id",), "a hand is up"),
    "hand_lowered": (("seat_id", "by"), "a hand was taken down (not by being called on)"),
    "floor_given": (("seat_id", "by"), "a seat was called on"),
    "floor_taken": (("seat_id", "by"), "the floor came back from this seat"),
    "spotlight": (("seat_id", "source", "by"), "this picture is large; null: nobody's"),
    "layout": (("layout", "by"), "how the others stand on every screen"),
    "lock": (("locked",), "whether somebody new may come in"),
    "recording": (("recording",), "the recorder runs or not"),
    "chat": (("seat_id", "name", "text"), "a line to all"),
    "link": (("seat_id", "link"), "a seat's line turned `good`, `weak` or `lost`"),
}


def entry(kind: str, at: float, **fields: object) -> dict[str, object]:
    """One entry; asserts that the table above knows it."""
    assert set(fields) == set(ENTRIES[kind][0]), (kind, fields)  # noqa: S101 - a broken invariant
    return {"at": at, "type": kind, **fields}
