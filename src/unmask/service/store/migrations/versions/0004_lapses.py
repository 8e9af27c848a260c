"""Number of times a job's worker fell silent, apart from how often the job was taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("checks", "registrations", "deliveries"):
        op.add_column(
            table, sa.Column("lapses", sa.BigInteger(), nullable=False, server_default="0")
        )
