"""Credentials that are source keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=16), nullable=True))


def downgrade() -> None:
    # A source key must not become a device's credential.
    op.execute(sa.text("DELETE FROM credentials WHERE source IS NOT NULL"))
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_column("source")
