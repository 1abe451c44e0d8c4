"""Alembic environment: runs one service's migrations on the connection of `agents/state/database.py`.

Each service has its own version table, so several services can share one PostgreSQL database.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,  # SQLite supports it in an explicit transaction (agents/state/database.py)
)
with context.begin_transaction():
    context.run_migrations()
