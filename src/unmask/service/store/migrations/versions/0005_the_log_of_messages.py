"""The messages to one webhook, the newest first."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("deliveries_log", "deliveries", ["webhook", "id"])
