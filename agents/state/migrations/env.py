"""Alembic's entry: runs the versions of one service on the connection that `agents/state/database.py` hands over.

Each service has its own version table, so that several can live in one PostgreSQL database.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,  # SQLite can do it too, once the transaction is begun by hand (agents/state/database.py)
)
with context.begin_transaction():
    context.run_migrations()
