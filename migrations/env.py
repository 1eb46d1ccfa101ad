"""Runs migrations on the connection that `reconciler.store.migrate` hands over.

The caller's transaction holds everything: either the database is at the new revision or it is as
it was.  There is no `alembic.ini` and no offline mode; the command is `reconciler db upgrade`.
"""

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]

# SQLite's DDL is transactional once a BEGIN was said, which the engine does; alembic assumes not.
context.configure(connection=connection, target_metadata=None, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
