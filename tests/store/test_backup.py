"""A backup is a proven copy of one moment, or there is none; and a record restored from it goes on
until it equals the exchange again."""

import os
import sqlite3
import stat
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import trio

from reconciler.domain.facts import Market
from reconciler.domain.moments import SECOND
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.store.backup import BackupFailed, back_up
from reconciler.store.dump import table_of, tables_of
from reconciler.store.engine import Database, DatabaseUnusable, open_database
from tests.desk import open_desk, open_exchange, until
from tests.drifting import make_drift
from tests.postgres import Postgres
from tests.proving import proven, some_of_everything
from tests.running import run
from tests.store.samples import apply, batch, deal, order, rows, transaction


@pytest.fixture
def environment(request: pytest.FixtureRequest, database_url: str) -> Mapping[str, str]:
    """In which the tools of the server's version are found first."""
    if database_url.startswith("sqlite"):
        return {}
    return {**os.environ, "PATH": f"{server_of(request).tools}:{os.environ['PATH']}"}


@pytest.fixture
def postgres_environment(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The same without any others."""
    return {**os.environ, "PATH": str(server_of(request).tools)}


def server_of(request: pytest.FixtureRequest) -> Postgres:
    server = request.getfixturevalue("postgres_template").server
    assert isinstance(server, Postgres)
    return server


MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")


def fill(database: Database) -> None:
    apply(database, batch(MARKET))
    apply(database, batch(order(10), order(11), deal(1, order_id=10), deal(2, order_id=11)))
    apply(database, batch(transaction("1"), transaction("2")))


def in_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of its own, so that what is left behind is seen."""
    made = tmp_path / "backups"
    made.mkdir()
    return made


def test_a_backup_is_one_file_that_only_its_owner_may_read(
    database: Database, folder: Path, environment: Mapping[str, str]
) -> None:
    fill(database)
    made = back_up(database, folder / "copy", environment)
    assert in_folder(folder) == ["copy"]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert made.size == made.path.stat().st_size > 0
    assert made.proof.accounts == ("treasury",)
    assert made.proof.postings == rows(database, "SELECT count(*) FROM postings")[0][0]
    assert made.proof.postings
    assert made.proof.unequal == {}


def test_no_file_is_overwritten(
    database: Database, folder: Path, environment: Mapping[str, str]
) -> None:
    (folder / "copy").write_text("precious")
    with pytest.raises(BackupFailed, match="is there already"):
        back_up(database, folder / "copy", environment)
    assert (folder / "copy").read_text() == "precious"


def test_where_it_can_not_be_written_it_says_so(
    database: Database, folder: Path, environment: Mapping[str, str]
) -> None:
    with pytest.raises(BackupFailed, match="can't be written: No such file"):
        back_up(database, folder / "none" / "copy", environment)


def test_another_schema_is_not_backed_up_by_this_version(
    database: Database, folder: Path, environment: Mapping[str, str]
) -> None:
    change(database, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(BackupFailed, match="with the version of reconciler that it belongs to"):
        back_up(database, folder / "copy", environment)
    assert in_folder(folder) == []


def test_of_nothing_there_is_no_backup(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="there is nothing to back up"):
        back_up(open_database(f"sqlite:///{tmp_path}/none.db"), folder / "copy", {})
    assert in_folder(folder) == []


def test_books_that_do_not_follow_from_the_facts_make_an_unproven_copy(
    database: Database, folder: Path, environment: Mapping[str, str]
) -> None:
    fill(database)
    change(database, "UPDATE books SET balance = '999' WHERE asset = 'USDT'")
    made = back_up(database, folder / "copy", environment)
    assert in_folder(folder) == ["copy.unproven"]
    assert "999 in the journal" in str(made.proof.unequal["treasury"][0])


def test_what_the_exchange_reported_and_nothing_explains_is_told_and_is_no_fault_of_the_copy(
    database_url: str, folder: Path, environment: Mapping[str, str]
) -> None:
    make_drift(database_url)
    made = back_up(open_database(database_url), folder / "copy", environment)
    assert made.proof.unequal == {}
    assert made.proof.states["drift"] == 1
    assert made.proof.states["verified"] > 0


def change(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(statement)


# One state, whatever is written meanwhile


def test_a_daemon_writes_on_while_it_is_backed_up_and_the_copy_is_restored_elsewhere(
    database_url: str,
    folder: Path,
    environment: Mapping[str, str],
    request: pytest.FixtureRequest,
) -> None:
    """The drill of docs/backup.md: back up under load, restore, and run the daemon on the copy."""
    exchange = open_exchange()

    async def before() -> None:
        async with open_desk(database_url, exchange=exchange, sweep=2 * SECOND) as desk:
            await desk.feed.until_live()
            async with trio.open_nursery() as traders:
                traders.start_soon(trade, exchange)
                await until(lambda: desk.running.writer.deals > 0)
                copy, commits = folder / "copy", desk.running.writer.commits
                # Until one is committed while it is copied; no checkpoint follows the copy.
                while commits == desk.running.writer.commits:
                    copy.unlink(missing_ok=True)
                    commits = desk.running.writer.commits
                    await trio.to_thread.run_sync(back_up, desk.database, copy, environment)
                traders.cancel_scope.cancel()

    async def after(url: str) -> None:
        some_of_everything(exchange)
        async with open_desk(url, exchange=exchange, sweep=2 * SECOND) as desk:
            known = rows(desk.database, "SELECT count(*) FROM deals")[0][0]
            assert 0 < int(str(known)) < desk.deals()
            await desk.feed.until_live()
            await proven(desk)
            assert rows(desk.database, "SELECT count(*) FROM v_drifts") == [(0,)]

    run(before)
    run(after, restored(database_url, folder / "copy", request))


async def trade(exchange: Simulated) -> None:
    while True:
        some_of_everything(exchange)
        await trio.sleep(0.02)


def restored(url: str, copy: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database made of a backup, as the document says."""
    if url.startswith("sqlite"):
        elsewhere = copy.with_name("restored.db")
        elsewhere.write_bytes(copy.read_bytes())
        return f"sqlite:///{elsewhere}"
    server = server_of(request)
    name = server.create()
    request.addfinalizer(lambda: server.drop(name))
    dsn = server.url(name)
    command = [str(server.tools / "pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={dsn}"]
    subprocess.run([*command, str(copy)], check=True)
    return dsn


# SQLite


def test_a_copy_lies_in_one_file_and_can_be_read_where_nothing_can_be_written(
    sqlite_url: str, folder: Path
) -> None:
    database = open_database(sqlite_url)
    fill(database)
    made = back_up(database, folder / "copy.db", {})
    with closing(sqlite3.connect(f"{made.path.as_uri()}?immutable=1", uri=True)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
        assert plain.execute("SELECT count(*) FROM deals").fetchall() == [(2,)]


def test_a_damaged_database_makes_no_backup(sqlite_url: str, folder: Path) -> None:
    database = open_database(sqlite_url)
    fill(database)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'deals'"
        [(page,)] = plain.execute(query).fetchall()
        [(size,)] = plain.execute("PRAGMA page_size").fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + 100)
        file.write(b"\xff" * (size - 200))
    with pytest.raises(DatabaseUnusable, match="backup"):
        back_up(database, folder / "copy.db", {})
    assert in_folder(folder) == []


# PostgreSQL


def test_tools_older_than_the_server_are_named(
    postgres_url: str, folder: Path, tmp_path: Path
) -> None:
    for name in ("pg_dump", "pg_restore"):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 9.6.1'\n")
        tool.chmod(0o755)
    with pytest.raises(DatabaseUnusable, match=r"install the client tools of PostgreSQL \d+"):
        back_up(open_database(postgres_url), folder / "copy", {"PATH": str(tmp_path)})
    assert in_folder(folder) == []


def shim(folder: Path, real: Mapping[str, str], *, dumping: str = "", restoring: str = "") -> None:
    """The real tools with something behind their arguments, but when asked for their version."""
    for name, more in (("pg_dump", dumping), ("pg_restore", restoring)):
        tool, real_tool = folder / name, Path(real["PATH"]) / name
        version = f'case "$1" in --version) exec {real_tool} --version;; esac'
        tool.write_text(f'#!/bin/sh\n{version}\n{real_tool} "$@" {more}\n')
        tool.chmod(0o755)


def test_no_password_stands_among_the_arguments(
    postgres_url: str, postgres_environment: Mapping[str, str], folder: Path, tmp_path: Path
) -> None:
    """Where everybody on the machine could read it; and nothing of ours goes along in the
    environment."""
    for name in ("pg_dump", "pg_restore"):
        tool = tmp_path / name
        real = Path(postgres_environment["PATH"]) / name
        tool.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> {tmp_path}/seen\nexec {real} "$@"\n')
        tool.chmod(0o755)
    url = postgres_url.replace("test@", "test:s3cret-pass@")
    ours = {"RECONCILER_ACCOUNTS__0__API_SECRET": "s3cret-key", "CREDENTIALS_DIRECTORY": "s3cret"}
    back_up(open_database(url), folder / "copy", {"PATH": f"{tmp_path}:/usr/bin:/bin", **ours})
    seen = (tmp_path / "seen").read_text()
    assert "--format=custom" in seen
    assert "s3cret" not in seen


def test_a_dump_that_lost_a_row_is_no_backup(
    postgres_url: str, postgres_environment: Mapping[str, str], folder: Path, tmp_path: Path
) -> None:
    """What `pg_restore` takes out of the file is held against the snapshot."""
    shim(tmp_path, postgres_environment, restoring="| sed '/^COPY public.deals /{n;d}'")
    database = open_database(postgres_url)
    fill(database)
    with pytest.raises(DatabaseUnusable, match=r"holds other rows of public\.deals "):
        back_up(database, folder / "copy", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert in_folder(folder) == []


def test_a_dump_that_fails_leaves_nothing_behind_and_says_why(
    postgres_url: str, postgres_environment: Mapping[str, str], folder: Path, tmp_path: Path
) -> None:
    shim(tmp_path, postgres_environment, dumping="--role=nobody")
    with pytest.raises(
        DatabaseUnusable, match=r"^pg_dump failed: .*role \"nobody\" does not exist"
    ):
        back_up(open_database(postgres_url), folder / "copy", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert in_folder(folder) == []


def test_the_rows_of_each_table_are_read_out_of_a_script() -> None:
    script = [b"SET x;\n", b"COPY public.a (b, c) FROM stdin;\n", b"1\t2\n", b"\\.\n", b"\n"]
    script += [b'COPY "o d"."t t" (x) FROM stdin;\n', b"\\.\n", b"SELECT 1;\n"]
    found = dict(tables_of(script))
    assert {what: rows_.size for what, rows_ in found.items()} == {
        "public.a (b, c)": 4,
        '"o d"."t t" (x)': 0,
    }
    assert [table_of(what) for what in found] == ["a", "t t"]
