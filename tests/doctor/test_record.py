"""The database is named with its version, what makes it unsafe is told of, and who holds it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from reconciler.config import Account
from reconciler.doctor.record import examine
from reconciler.store.engine import Database, open_database
from reconciler.store.holders import take
from reconciler.store.lock import open_locks
from tests.store.samples import ACCOUNT, NOON


def told(database: Database) -> list[str]:
    found = examine(database, (Account(name=ACCOUNT),))
    return [f"{each.mark} {each.what}: {each.said}" for each in found]


def test_kind_version_and_schema_are_said(database: Database, database_url: str) -> None:
    said = told(database)
    kind = "SQLite" if database_url.startswith("sqlite") else "PostgreSQL"
    assert said[0].startswith("ok database: ")
    assert f"({kind} " in said[0]
    assert said[-1].startswith("ok schema: 0")


def test_a_database_that_is_not_there_yet_is_no_failure_of_its_own(tmp_path: Path) -> None:
    database, schema = told(open_database(f"sqlite:///{tmp_path}/none.db"))
    assert database.endswith("none.db, not made yet")
    assert schema.startswith("FAIL schema: ")
    assert "run: reconciler db upgrade" in schema
    assert not (tmp_path / "none.db").exists()


def test_a_server_that_is_not_there_is_the_only_finding() -> None:
    [said] = told(open_database("postgresql://nobody@127.0.0.1:1/none"))
    assert said.startswith("FAIL database: ")


def test_who_holds_an_account_is_noted(database: Database) -> None:
    locks = open_locks(database)
    assert locks.acquire(ACCOUNT)
    take(database, ACCOUNT, name="a test", now=NOON)
    *_, held = told(database)
    locks.close()
    assert held.startswith(f"note account {ACCOUNT}: held by a test since 2026-01-02T12:00:00")
    assert "another daemon would wait for it" in held
    assert not any(each.startswith("note") for each in told(database))


# SQLite

AS_NOBODY = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
LOOK = """
import sys
from tests.doctor.test_record import told
from reconciler.store.engine import open_database
print("\\n".join(told(open_database(sys.argv[1]))))
"""


def looked_at_without_privileges(url: str) -> str:
    """Modes of files mean nothing to root; in a user namespace of its own it is nobody special."""
    command = [*AS_NOBODY, sys.executable, "-c", LOOK, url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in ended.stderr:
        pytest.skip(ended.stderr)
    assert not ended.stderr
    return ended.stdout


def test_a_file_that_can_not_be_written_is_found_and_so_is_its_folder(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as plain:
        # As a backup is: else nothing could be read either where nothing can be written.
        plain.execute("PRAGMA journal_mode = DELETE")
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        said = looked_at_without_privileges(sqlite_url)
    finally:
        path.parent.chmod(0o700)
    assert f"FAIL database: {path} is not writable by this user" in said
    assert f"FAIL database: the folder {path.parent} is not writable by this user" in said
    assert "note database: journal mode delete; the daemon turns it to wal" in said


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database" * 1000)
    [said] = told(open_database(f"sqlite:///{tmp_path}/x.db"))
    assert said.endswith("file is not a database; restore a backup")


# PostgreSQL


def test_settings_that_a_power_cut_punishes_are_told_of(postgres_url: str) -> None:
    """Tests run with them."""
    said = told(open_database(postgres_url))
    assert "warn database: fsync is off: a power cut can destroy the whole database" in str(said)
    assert not any("synchronous_commit" in each for each in said)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE careless LOGIN IN ROLE pg_read_all_data")
        try:
            admin.execute("ALTER ROLE careless SET synchronous_commit = off")
            careless = told(open_database(postgres_url.replace("test@", "careless@")))
        finally:
            admin.execute("DROP ROLE careless")
    assert "warn database: synchronous_commit is off: a crash of the server" in str(careless)
    # Nor may it do anything else.
    assert any("this user may not write accounts, " in each for each in careless)
