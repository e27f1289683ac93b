"""What a recording does not hold stands in its row: lists read no manifests."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_recordings = sa.table(
    "recordings",
    sa.column("id", sa.String),
    sa.column("state", sa.String),
    sa.column("failure", sa.Text),
    sa.column("manifest", sa.JSON),
)
_ready = _recordings.c.state == "ready"


def upgrade() -> None:
    connection = op.get_bind()
    ids = connection.scalars(sa.select(_recordings.c.id).where(_ready)).all()
    for recording_id in ids:  # one at a time: they may be megabytes
        this = _recordings.c.id == recording_id
        query = sa.select(sa.cast(_recordings.c.manifest, sa.Text)).where(this)
        lack = _lack(connection.scalar(query))
        if lack:
            connection.execute(sa.update(_recordings).where(this).values(failure=lack))


def downgrade() -> None:
    op.execute(sa.update(_recordings).where(_ready).values(failure=""))


def _lack(text: str | None) -> str:
    """As the library told it up to now; nothing of a manifest that cannot be read."""
    try:
        manifest: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(manifest, dict):
        return ""
    told = [manifest.get("incomplete")]
    told += [one.get("text") for one in _list(manifest, "missing") if isinstance(one, dict)]
    failed = _list(manifest, "parts_failed")
    told += [f"A part of it could not be made: {name}" for name in failed]
    return next((words for words in told if words and isinstance(words, str)), "")


def _list(manifest: dict[str, Any], name: str) -> list[Any]:
    found = manifest.get(name)
    return found if isinstance(found, list) else []
