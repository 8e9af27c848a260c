"""Times at which jobs were queued again, and which versions can use these tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("checks", "registrations", "takes", "deliveries"):
        op.add_column(table, sa.Column("requeued", sa.Double(), nullable=True))
    op.create_table(
        "compatibility",
        sa.Column("oldest", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("oldest"),
    )
    op.execute("INSERT INTO compatibility (oldest) VALUES ('0011')")
