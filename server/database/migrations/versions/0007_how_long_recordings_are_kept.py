"""How long a community keeps its recordings, what they take, and what was done by which rule."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_RETENTION = sa.Enum("keep", "program", "delete", name="retention", native_enum=False, length=16)
_PROGRAM_SEAT = "program"

_recordings = sa.table(
    "recordings",
    sa.column("id", sa.String),
    sa.column("state", sa.String),
    sa.column("manifest", sa.JSON),
    sa.column("size_bytes", sa.BigInteger),
    sa.column("program_bytes", sa.BigInteger),
)


def upgrade() -> None:
    # Defaults are plain texts: for any other the table would be made anew in SQLite, and what hangs
    # on its rows would go with the old one.
    with op.batch_alter_table("communities", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("retention", _RETENTION, nullable=False, server_default="keep")
        )
        batch_op.add_column(sa.Column("retention_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("quota_gb", sa.Double(), nullable=True))
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        for name in ("size_bytes", "program_bytes"):
            batch_op.add_column(
                sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            )
        for name in ("put_aside_at", "dropped_at"):
            batch_op.add_column(sa.Column(name, sa.Double(), nullable=True))
        for name in ("by_rule", "spared"):
            batch_op.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default="0"))
    op.create_table(
        "archive_acts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("recording_id", sa.String(32), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("community", sa.String(120), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_acts")),
    )
    with op.batch_alter_table("archive_acts", schema=None) as batch_op:
        batch_op.create_index("ix_archive_acts_at", ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_archive_acts_recording_id"), ["recording_id"], unique=False
        )
    _count()


def downgrade() -> None:
    op.drop_table("archive_acts")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        for name in (
            "spared",
            "by_rule",
            "dropped_at",
            "put_aside_at",
            "program_bytes",
            "size_bytes",
        ):
            batch_op.drop_column(name)
    with op.batch_alter_table("communities", schema=None) as batch_op:
        for name in ("quota_gb", "retention_days", "retention"):
            batch_op.drop_column(name)


def _count() -> None:
    """What the files of each recording take, as its checksums say."""
    connection = op.get_bind()
    ready = _recordings.c.state == "ready"
    ids = connection.scalars(sa.select(_recordings.c.id).where(ready)).all()
    for recording_id in ids:  # one at a time: they may be megabytes
        this = _recordings.c.id == recording_id
        text = connection.scalar(sa.select(sa.cast(_recordings.c.manifest, sa.Text)).where(this))
        whole, program = _sizes(text)
        sizes = {"size_bytes": whole, "program_bytes": program}
        connection.execute(sa.update(_recordings).where(this).values(**sizes))


def _sizes(text: str | None) -> tuple[int, int]:
    try:
        manifest: Any = json.loads(text or "")
        sizes = {str(one["file"]): int(one["bytes"]) for one in manifest.get("checksums", ())}
        programs = [one for one in manifest["parts"] if one["seat_id"] == _PROGRAM_SEAT]
        own = sum(sizes.get(str(one["file"]), 0) for one in programs)
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return 0, 0
    return sum(sizes.values()), own
