"""A recording that its teacher switched off for a while lacks nothing: rows said that it did."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_recordings = sa.table(
    "recordings",
    sa.column("id", sa.String),
    sa.column("state", sa.String),
    sa.column("failure", sa.Text),
    sa.column("manifest", sa.JSON),
)
_CODE = "switched-off"
_TEXT = "The teacher had switched the recording off."


def upgrade() -> None:
    connection = op.get_bind()
    said = (_recordings.c.state == "ready") & (_recordings.c.failure == _TEXT)
    ids = connection.scalars(sa.select(_recordings.c.id).where(said)).all()
    for recording_id in ids:  # one at a time: they may be megabytes
        this = _recordings.c.id == recording_id
        query = sa.select(sa.cast(_recordings.c.manifest, sa.Text)).where(this)
        lack = _lack(connection.scalar(query))
        connection.execute(sa.update(_recordings).where(this).values(failure=lack))


def downgrade() -> None:
    """What a row says now is true before, too."""


def _lack(text: str | None) -> str:
    """What is lacking but for those gaps; the text as it was of a manifest that cannot be read."""
    try:
        manifest: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return _TEXT
    if not isinstance(manifest, dict):
        return _TEXT
    told = [one.get("text") for one in _dicts(manifest, "pauses") if one.get("code") != _CODE]
    told += [one.get("text") for one in _dicts(manifest, "missing")]
    failed = manifest.get("parts_failed")
    names = failed if isinstance(failed, list) else []
    told += [f"A part of it could not be made: {name}" for name in names]
    return next((words for words in told if words and isinstance(words, str)), "")


def _dicts(manifest: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = manifest.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
