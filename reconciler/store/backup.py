"""A copy of the record, proven before it gets its name.

Owns how a copy is made beside a running daemon (SQLite's own backup of one state; PostgreSQL's
`pg_dump` of one snapshot, in `dump`) and what must hold of it: the file is sound, the schema this
program's, and the books are what the facts make them.  Where copies lie, and how many of them, is
the shelf's business.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, select, text

from reconciler.store import schema
from reconciler.store.dump import dump, proven_equal, require_tables, snapshot, tools_for
from reconciler.store.engine import Database, DatabaseUnusable, open_database
from reconciler.store.migrate import current, head
from reconciler.store.rebuild import Rebuild, Unequal

PAGES_PER_STEP = 4096
"""16 MiB; between steps an interrupt is noticed."""


class BackupFailed(DatabaseUnusable):
    """There is no backup; the message says why, and nothing is left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was found true of a copy."""

    accounts: tuple[str, ...]
    postings: int
    """Legs of the journal, each held against the facts."""
    states: dict[str, int]
    """How many rows of `v_balance_check` are in which state."""
    unequal: dict[str, list[Unequal]]
    """By account, where the books are not what the facts make them.  The copy is true to a record
    that is not: `reconciler replay --verify` finds out more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that lies where it was wanted."""

    path: Path
    size: int
    proof: Proof


def back_up(database: Database, target: Path, environment: Mapping[str, str]) -> Backup:
    """A new file `target`, which only its owner may read; a running daemon is not kept waiting.

    If the books don't follow from the facts, the file's name ends in `.unproven`.
    Raises DatabaseUnusable; then nothing is left behind.
    """
    if target.exists():
        raise BackupFailed(f"{target} is there already; give another name")
    found = current(database)
    if found is None:
        raise BackupFailed("the database is empty; there is nothing to back up")
    if found != head():
        raise BackupFailed(
            f"the database has schema {found}, not {head()}; "
            "back it up with the version of reconciler that it belongs to"
        )
    make = _sqlite if database.dialect.name == "sqlite" else _postgresql
    try:
        with _unfinished(target) as partial:
            proof = make(database, partial, environment)
            path = target if not proof.unequal else target.with_name(f"{target.name}.unproven")
            _sync(partial)
            partial.rename(path)
            _sync(path.parent)
    except OSError as error:
        raise BackupFailed(f"{target} can't be written: {error.strerror or error}") from error
    return Backup(path=path, size=path.stat().st_size, proof=proof)


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """An empty file beside the target, for its owner only; gone if the block fails."""
    partial = target.with_name(f".{target.name}.partial")
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield partial
    except BaseException:
        for each in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                partial.with_name(partial.name + each).unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    """What is there is still there after a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sqlite(database: Database, partial: Path, _: Mapping[str, str]) -> Proof:
    """Copies one state: a reading transaction that is open throughout neither waits for the writer
    nor starts over when he commits, as a backup without one would."""
    with database.reading() as connection, closing(_to(partial)) as target:
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        try:
            source.backup(target, pages=PAGES_PER_STEP)
            # One plain file, that can be read where its folder can't be written to.
            target.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise BackupFailed(f"{partial.parent}: the copy failed: {error}; is there room?") from (
                error
            )
    address = URL.create("sqlite", database=str(partial.absolute()))
    copy = open_database(address.render_as_string())
    with copy.reading() as connection:
        _require_sound(connection)
        return _proof(connection)


def _to(partial: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(partial, isolation_level=None)
    # It is synced once, when it is whole.
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _require_sound(connection: Connection) -> None:
    for check in ("integrity_check", "foreign_key_check"):
        found = [row for row in connection.exec_driver_sql(f"PRAGMA {check}") if row[0] != "ok"]
        if found:
            raise BackupFailed(
                f"{check} found {len(found)} faults in the copy, as {found[0][0]!r}; "
                "the database itself may be damaged: keep its last good backup"
            )


def _postgresql(database: Database, partial: Path, environment: Mapping[str, str]) -> Proof:
    """Dumps the snapshot in which the books are made anew, then reads the file back and holds
    every row of every table against the same snapshot."""
    with database.reading() as connection:
        tools = tools_for(connection, environment)
        dump(tools, database, snapshot(connection), partial, environment)
        tables = proven_equal(tools, connection, partial, environment)
        require_tables(tables, {"alembic_version", *schema.metadata.tables})
        return _proof(connection)


def _proof(connection: Connection) -> Proof:
    rebuild = Rebuild(connection.dialect)
    accounts = connection.execute(
        select(schema.accounts.c.name, schema.accounts.c.account_id).order_by("name")
    ).all()
    unequal = {name: rebuild.differences(connection, id_) for name, id_ in accounts}
    [postings] = connection.execute(text("SELECT count(*) FROM postings")).scalars()
    states = connection.execute(text("SELECT state FROM v_balance_check")).scalars()
    return Proof(
        accounts=tuple(name for name, _ in accounts),
        postings=postings,
        states=dict(sorted(Counter(states).items())),
        unequal={name: found for name, found in unequal.items() if found},
    )
