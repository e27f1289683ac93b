"""Who sat in a recorded lesson: they keep it. More is its owner's choice, which nobody made yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# By the lesson's seats, as far as it and its rooms are still there; else by the school's name.
_SCHOOLS = """
UPDATE recording_schools SET school_id = coalesce(
    (SELECT min(classrooms.school_id)
     FROM recordings
     JOIN lesson_seats ON lesson_seats.lesson_id = recordings.lesson_id
     JOIN classrooms ON classrooms.id = lesson_seats.classroom_id
     WHERE recordings.id = recording_schools.recording_id
       AND lesson_seats.school = recording_schools.name),
    (SELECT min(schools.id)
     FROM schools
     WHERE schools.name = recording_schools.name AND schools.deleted_at IS NULL)
)
"""


def upgrade() -> None:
    with op.batch_alter_table("recording_schools", schema=None) as batch_op:
        batch_op.add_column(sa.Column("school_id", sa.String(length=32), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_recording_schools_school_id_schools"),
            "schools",
            ["school_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_index(batch_op.f("ix_recording_schools_school_id"), ["school_id"])
    op.execute(_SCHOOLS)
    op.execute("UPDATE recordings SET visibility = 'lesson' WHERE visibility = 'community'")


def downgrade() -> None:
    op.execute("UPDATE recordings SET visibility = 'community' WHERE visibility = 'lesson'")
    with op.batch_alter_table("recording_schools", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recording_schools_school_id"))
        batch_op.drop_constraint(
            batch_op.f("fk_recording_schools_school_id_schools"), type_="foreignkey"
        )
        batch_op.drop_column("school_id")
