"""One-time links with which people set their passwords, and the user agents of sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("link", sa.String(length=64), nullable=True))
    op.add_column("accounts", sa.Column("link_expires", sa.Double(), nullable=True))
    op.create_index("accounts_link", "accounts", ["link"], unique=True)
    op.add_column(
        "browser_sessions", sa.Column("agent", sa.String(), nullable=False, server_default="")
    )
