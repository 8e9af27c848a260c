"""The register of licences, and the licences that checks rest on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "licence_documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("named", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("list", sa.String(), nullable=True),
        sa.Column("begins", sa.Double(), nullable=True),
        sa.Column("ends", sa.Double(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("updated", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "kind", "named"),
    )
    op.create_table(
        "reliances",
        sa.Column("check", sa.String(length=36), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["check"], ["checks.id"]),
        sa.PrimaryKeyConstraint("check", "licence"),
    )
    op.create_index("reliances_licence", "reliances", ["licence"])
