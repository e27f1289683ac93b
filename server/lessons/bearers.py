"""To whom join tokens are given: people and room devices, as signaling knows them."""

from __future__ import annotations

from server.database.models import User
from signaling.ports import Bearer

PERSON, DEVICE = "person:", "device:"  # what the ids of bearers begin with


def person(user: User) -> Bearer:
    """A person."""
    return Bearer(f"{PERSON}{user.id}", user.display_name)


def room_device(credential_id: str, label: str) -> Bearer:
    """A device that stands in a classroom."""
    return Bearer(f"{DEVICE}{credential_id}", label, room_device=True)
