"""Source keys for encoders that come another way than by WHIP, and for cameras that are asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WAY = sa.Enum("whip", "rtmp", "srt", "rtsp", name="encoderway", native_enum=False, length=16)


def upgrade() -> None:
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("way", _WAY, nullable=False, server_default="whip"))
        batch_op.add_column(sa.Column("port", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("sealed", sa.Text(), nullable=True))


def downgrade() -> None:
    # A key of another way must not become one of WHIP.
    op.execute(sa.text("DELETE FROM credentials WHERE way <> 'whip'"))
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_column("sealed")
        batch_op.drop_column("port")
        batch_op.drop_column("way")
