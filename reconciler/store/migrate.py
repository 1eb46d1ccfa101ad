"""Brings a database to the schema that this program wants, and says which one it has.

The migrations lie in the checkout's `migrations/`, or in the package when it was installed.  An
upgrade is one transaction; of two that run at once the second waits and finds nothing to do.
Alembic takes half a second to import, so only an upgrade does it.
"""

import re
from pathlib import Path

from sqlalchemy import Connection, inspect, text

import reconciler
from reconciler.domain.moments import MILLISECOND, MINUTE
from reconciler.store.engine import Database, SchemaMismatch
from reconciler.store.schema import REVISION

LOCK_TIMEOUT = 1 * MINUTE
"""How long an upgrade waits for a table that someone uses, before it gives up."""

_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)

_ADVISORY_LOCK = 0x7265636F6E63  # "reconc"; any number would do, if it is always this one


def head() -> str:
    """The revision that this program wants."""
    return REVISION


def current(database: Database) -> str | None:
    """The revision that the database has; None if it has none, or isn't there yet.

    Raises DatabaseUnusable.
    """
    if database.dialect.name == "sqlite" and not Path(str(database.url.database)).exists():
        return None
    with database.reading() as connection:
        return _revision(connection)


def require_head(database: Database) -> None:
    """Raises SchemaMismatch unless the database has exactly the wanted schema."""
    found = current(database)
    if found != REVISION:
        raise SchemaMismatch(found, REVISION)


def upgrade(database: Database) -> None:
    """Runs what is missing, in one transaction.

    Raises SchemaMismatch when the database is newer than the program, DatabaseUnusable when it
    can't be used; then nothing has changed.
    """
    from alembic import command
    from alembic.config import Config

    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            limit = LOCK_TIMEOUT // MILLISECOND
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {limit:d}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK:d})")
        found = _revision(connection)
        if found is not None and found > REVISION:
            raise SchemaMismatch(found, REVISION)
        config = Config()
        config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)


def run_script(connection: Connection, script: Path) -> None:
    """The statements of one migration; each ends with a semicolon at the end of a line."""
    for statement in _STATEMENT_END.split(script.read_text(encoding="utf-8")):
        if statement.strip():
            connection.exec_driver_sql(statement)


def scripts() -> Path:
    """The folder of the migrations."""
    package = Path(reconciler.__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
