"""The database: whether it can be used, which one it is, and how safely it keeps a commit."""

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from reconciler.config import Account
from reconciler.doctor.finding import Finding, fail, note, ok, warn
from reconciler.store import migrate
from reconciler.store.engine import Database, DatabaseUnusable, SchemaMismatch, redacted
from reconciler.store.holders import holder_of
from reconciler.store.lock import is_held

SQLITE_MIN = (3, 37)
"""STRICT tables."""
POSTGRES_MIN = 14
"""Older ones get no security updates any more."""


def examine(record: Database, accounts: tuple[Account, ...]) -> Iterator[Finding]:
    """Stops where nothing more can be asked."""
    try:
        found = migrate.current(record)
    except DatabaseUnusable as error:
        yield fail("database", str(error))
        return
    is_sqlite = record.dialect.name == "sqlite"
    if found is None and is_sqlite and not _path(record).exists():
        yield ok("database", f"{redacted(record.url)}, not made yet")
        yield from _folder(_path(record).parent)
    else:
        try:
            with record.reading() as connection:
                yield from (_sqlite if is_sqlite else _postgresql)(record, connection)
        except DatabaseUnusable as error:
            yield fail("database", str(error))
            return
    try:
        migrate.require_head(record)
    except SchemaMismatch as error:
        yield fail("schema", str(error))
        return
    yield ok("schema", str(found))
    for account in accounts:
        yield from _held(record, account.name)


def _held(record: Database, account: str) -> Iterator[Finding]:
    try:
        if is_held(record, account):
            holder = holder_of(record, account)
            yield note(f"account {account}", f"held by {holder}; another daemon would wait for it")
    except DatabaseUnusable as error:
        yield fail("database", str(error))


def _path(record: Database) -> Path:
    return Path(str(record.url.database)).absolute()


def _sqlite(record: Database, connection: Connection) -> Iterator[Finding]:
    version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    said = f"{redacted(record.url)} (SQLite {version})"
    if tuple(int(part) for part in version.split(".")[:2]) < SQLITE_MIN:
        least = ".".join(map(str, SQLITE_MIN))
        yield fail("database", f"{said}: this Python needs SQLite {least} or newer")
    else:
        yield ok("database", said)
    path = _path(record)
    if not os.access(path, os.W_OK):
        yield fail("database", f"{path} is not writable by this user; {_AS_DAEMON}")
    yield from _folder(path.parent)
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode != "wal":
        # So it is after a restore.
        yield note("database", f"journal mode {mode}; the daemon turns it to wal when it starts")


_AS_DAEMON = "run this as the user that the daemon runs as, or let that user write there"


def _folder(folder: Path) -> Iterator[Finding]:
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fail("database", f"the folder {folder} is not writable by this user; {_AS_DAEMON}")


_RISKS = {
    "fsync": "a power cut can destroy the whole database",
    "full_page_writes": "a power cut can damage the database",
    "synchronous_commit": "a crash of the server can take back what was committed last",
}


def _postgresql(record: Database, connection: Connection) -> Iterator[Finding]:
    def shown(setting: str) -> str:
        return str(connection.exec_driver_sql(f"SHOW {setting}").scalar_one())

    version = shown("server_version").partition(" ")[0]
    said = f"{redacted(record.url)} (PostgreSQL {version})"
    if int(shown("server_version_num")) // 10_000 < POSTGRES_MIN:
        yield warn("database", f"{said}: no longer maintained; upgrade to {POSTGRES_MIN} or newer")
    else:
        yield ok("database", said)
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        yield fail("database", "the server is a standby, which can't be written; name the primary")
    if (encoding := shown("server_encoding")) != "UTF8":
        yield fail("database", f"its encoding is {encoding}; create one with ENCODING 'UTF8'")
    for setting, risk in _RISKS.items():
        if shown(setting) == "off":
            yield warn("database", f"{setting} is off: {risk}; set it to on")
    lacking = connection.exec_driver_sql(_LACKING).scalars().all()
    if lacking:
        yield fail(
            "database",
            f"this user may not write {', '.join(sorted(lacking))}; let it own the tables",
        )


_LACKING = """
SELECT tablename FROM pg_tables
WHERE schemaname = current_schema()
    AND NOT has_table_privilege(format('%%I.%%I', schemaname, tablename), 'INSERT, UPDATE, DELETE')
"""
