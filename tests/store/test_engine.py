import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import exc

from reconciler.store.engine import (
    Database,
    DatabaseAway,
    DatabaseDamaged,
    DatabaseUnusable,
    open_database,
    redacted,
)
from tests.store.samples import apply, batch, deal, rows


@pytest.mark.parametrize(
    "url", ["", "reconciler.db", "mysql://host/db", "sqlite://", "://", "postgresql+other://x/y"]
)
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnusable, match=r"database\.url"):
        open_database(url)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=f"the folder {tmp_path}/no does not exist"):
        open_database(f"sqlite:///{tmp_path}/no/record.db")


def test_odd_characters_in_a_path_are_only_characters(tmp_path: Path) -> None:
    path = tmp_path / "50% #1?mode=ro.db"
    database = open_database("sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F"))
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    assert path.exists()


def test_no_message_and_no_repr_shows_a_password(tmp_path: Path) -> None:
    url = f"postgresql://me:s3cret@/db?host={tmp_path}&passfile=/s3cret"
    database = open_database(url)
    assert "s3cret" not in redacted(database.url)
    assert "s3cret" not in repr(database)
    with pytest.raises(DatabaseAway) as away:
        database.connect()
    assert "s3cret" not in str(away.value)
    assert "\n" not in str(away.value)


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    path.write_text("this is a text, and a long one, " * 100)
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseDamaged, match="restore a backup"), database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM sqlite_master")
    with pytest.raises(DatabaseDamaged, match="restore a backup"):
        database.connect()


def test_a_file_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    with pytest.raises(DatabaseAway, match="can't be opened"):
        rows(open_database(f"sqlite:///{path}"), "SELECT 1")
    assert not path.exists()


def test_a_lock_held_by_another_process_is_an_outage(sqlite_url: str) -> None:
    with (
        open_database(sqlite_url).writing(),
        pytest.raises(DatabaseAway, match="locked"),
        open_database(sqlite_url, busy_timeout=1000).writing(),
    ):
        pass


def test_a_full_disk_is_an_outage_and_takes_nothing_away(sqlite_url: str) -> None:
    database = open_database(sqlite_url)

    def fill() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
            connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(10000000)")

    with pytest.raises(DatabaseAway, match="full"):
        fill()
    apply(database, batch(deal(1)))


def test_a_closed_connection_lets_go_of_its_file_whatever_knows_its_cursors(
    sqlite_url: str,
) -> None:
    """Who finds a file that may not be written, and keeps the reason, finds out when it may."""
    path = sqlite_url.removeprefix("sqlite:///")
    connection = open_database(sqlite_url).connect()
    cursor = connection.connection.cursor()
    cursor.execute("SELECT * FROM sqlite_master")
    assert cursor.fetchone()
    connection.close()
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert [link for link in links if link.startswith(path)] == []


def test_a_violated_constraint_or_a_wrong_statement_is_a_bug(database: Database) -> None:
    for statement in (
        "INSERT INTO orders (account_id, order_id) VALUES (1, 1)",
        "SELECT no_such_column FROM deals",
        "SELEC",
    ):
        with pytest.raises(exc.SQLAlchemyError), database.writing() as connection:
            connection.exec_driver_sql(statement)


def test_a_reader_cannot_write_and_is_told_so(database: Database) -> None:
    refused = pytest.raises(exc.DBAPIError, match=r"read-?only")
    with refused, database.reading() as connection:
        connection.exec_driver_sql("INSERT INTO accounts (name) VALUES ('x')")


def test_a_reader_on_sqlite_cannot_switch_writing_on(sqlite_url: str, tmp_path: Path) -> None:
    with open_database(sqlite_url).reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        with pytest.raises(exc.OperationalError, match="readonly"):
            connection.exec_driver_sql("INSERT INTO accounts (name) VALUES ('x')")


def test_a_reader_sees_one_state_while_the_writer_goes_on(database: Database) -> None:
    with database.reading() as connection:
        count = "SELECT count(*) FROM v_deals"
        assert connection.exec_driver_sql(count).scalar() == 0
        apply(database, batch(deal(1)))
        assert connection.exec_driver_sql(count).scalar() == 0
    assert rows(database, count) == [(1,)]


def test_a_foreign_key_holds_and_a_failure_takes_the_whole_transaction_back(
    database: Database,
) -> None:
    def violate() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("INSERT INTO accounts (name) VALUES ('here')")
            connection.exec_driver_sql(
                "INSERT INTO sessions (account_id, session_id) VALUES (99, 1)"
            )

    with pytest.raises(exc.IntegrityError):
        violate()
    assert rows(database, "SELECT * FROM accounts") == []


def test_sqlite_is_durable_and_keeps_readers_free(sqlite_url: str) -> None:
    with open_database(sqlite_url).writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_long_query_on_postgresql_meets_its_limit(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with (
        pytest.raises(DatabaseAway, match="timeout"),
        database.reading(statement_timeout=50_000) as connection,
    ):
        connection.exec_driver_sql("SELECT pg_sleep(10)")


def test_a_session_ended_by_the_server_is_an_outage(postgres_url: str) -> None:
    database = open_database(postgres_url)

    def be_cut() -> None:
        with database.writing() as connection:
            with database.writing() as other:
                other.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseAway):
        be_cut()


def test_the_shell_can_read_the_record(sqlite_url: str) -> None:
    apply(open_database(sqlite_url), batch(deal(1)))
    plain = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    assert plain.execute("SELECT total, executed_at FROM v_deals").fetchall() == [
        ("10000.125", "2026-01-02T12:00:00.123456Z")
    ]
    plain.close()
