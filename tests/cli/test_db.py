"""`reconciler db`: the schema comes, stays, and a newer one is left alone."""

import pytest

from reconciler.store.schema import REVISION
from tests.cli.calling import Call, is_one_line


def test_a_fresh_database_is_upgraded_once(call_fresh: Call) -> None:
    assert "at empty" in call_fresh("db", "current").out
    first, again = call_fresh("db", "upgrade"), call_fresh("db", "upgrade")
    assert (first.code, again.code) == (0, 0)
    assert f"upgraded from empty to {REVISION}" in first.out
    assert f"already at {REVISION}" in again.out
    assert "up to date" in call_fresh("db", "current").out


def test_a_migrated_database_is_up_to_date(call: Call) -> None:
    current = call("db", "current")
    assert (current.code, current.err) == (0, "")
    assert f"at {REVISION}, wanted {REVISION}: up to date" in current.out


@pytest.fixture
def newer(database_url: str) -> None:
    from sqlalchemy import text

    from reconciler.store.engine import open_database

    with open_database(database_url).writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("command", ["db upgrade", "run", "status", "sql"])
def test_a_newer_schema_is_refused(call: Call, command: str) -> None:
    ended = call(*command.split(), piped="SELECT 1")
    assert ended.code == 4
    assert is_one_line(ended), ended
    assert "install the newer reconciler" in ended.err


@pytest.mark.usefixtures("newer")
def test_a_newer_schema_is_said_without_bad_advice(call: Call) -> None:
    said = call("db", "current").out
    assert "install the newer reconciler" in said
    assert "db upgrade" not in said
