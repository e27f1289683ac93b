"""The lesson's event log: which entries there are, and what each tells.

Every entry is `{"at": seconds since 1970, "type": …}` with the fields below. The recorder, the
chapters of the player and the statistics read it; entries are only ever added. A type's fields
never change their meaning.
"""

from __future__ import annotations

ENTRIES: dict[str, tuple[str, ...]] = {
    "lesson_running": (),  # the lead is here
    "lesson_waiting": (),  # the lead is not here
    "lesson_restored": (),  # the server was restarted in mid-lesson
    "lesson_ended": ("reason",),
    "seat_joined": ("seat_id", "role", "name", "school"),  # its first device
    "seat_lost": ("seat_id",),  # its last connection was lost
    "seat_returned": ("seat_id",),
    "seat_left": ("seat_id", "reason"),
    "device_joined": ("seat_id", "device_id", "device"),
    "device_left": ("seat_id", "device_id", "reason"),
    "sound_moved": ("seat_id", "device_id"),  # another device carries the room's sound
    "source_added": ("seat_id", "source", "producer_id"),
    "source_removed": ("seat_id", "source", "producer_id"),
    "source_muted": ("seat_id", "source", "muted"),  # by the seat itself
    "seat_muted": ("seat_id", "muted", "by"),  # by the lead
    "hand_raised": ("seat_id",),
    "hand_lowered": ("seat_id", "by"),
    "floor_given": ("seat_id", "by"),
    "floor_taken": ("seat_id", "by"),
    "spotlight": ("seat_id", "source", "by"),
    "layout": ("layout", "by"),
    "lock": ("locked",),
    "recording": ("recording",),
    "chat": ("seat_id", "name", "text"),
    "link": ("seat_id", "link"),  # a seat's line turned good, weak or lost
}


def entry(kind: str, at: float, **fields: object) -> dict[str, object]:
    """One entry; asserts that the table above knows it."""
    assert set(fields) == set(ENTRIES[kind]), (kind, fields)  # noqa: S101 - a broken invariant
    return {"at": at, "type": kind, **fields}
