"""Environment that Alembic runs.

The connection is given by `unmask.service.store.migrations`, or made for a new revision.
"""

from __future__ import annotations

from alembic import context

from unmask.service.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
