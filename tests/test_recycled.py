"""A lent PostgreSQL database is as a new one, whatever was done to those lent before."""

import psycopg
import pytest

from tests.recycled import ROWS_MAX, Databases, Template

FILL = "INSERT INTO accounts (name) SELECT 'a' || n FROM generate_series(1, {}) AS n"
NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"


@pytest.fixture(scope="module")
def template(postgres_template: Template) -> Template:
    """One that holds a row, and a table whose rows are numbered."""
    server = postgres_template.server
    name = server.create()
    with psycopg.connect(server.url(name)) as connection:
        connection.execute("CREATE TABLE version AS SELECT 4 AS number")
        connection.execute("CREATE TABLE accounts (id serial PRIMARY KEY, name text)")
        connection.execute("CREATE TABLE deals (account int REFERENCES accounts)")
    return Template(server, name)


@pytest.mark.parametrize(
    "done",
    [
        FILL.format(3) + "; INSERT INTO deals SELECT id FROM accounts",
        FILL.format(ROWS_MAX + 1),
        "UPDATE version SET number = 5",
        "ALTER TABLE accounts RENAME TO elsewhere",
        "ALTER TABLE accounts ALTER COLUMN name SET NOT NULL",
        "CREATE VIEW v AS SELECT 1",
    ],
    ids=["rows", "many rows", "a row of the template", "a name", "a constraint", "a view"],
)
def test_nothing_of_what_was_done_is_left(template: Template, done: str) -> None:
    server = template.server
    with server.admin() as admin:
        databases = Databases(template, admin)
        with databases.lent() as name, psycopg.connect(server.url(name)) as connection:
            connection.execute(done.encode())
        with databases.lent() as again, psycopg.connect(server.url(again)) as connection:
            assert again != name
            # Each refuses what is left of one of them.
            connection.execute("INSERT INTO accounts VALUES (DEFAULT, NULL)")
            connection.execute("CREATE VIEW v AS SELECT 1")
            assert connection.execute("TABLE accounts").fetchall() == [(1, None)]
            assert connection.execute("TABLE deals").fetchall() == []
            assert connection.execute("TABLE version").fetchall() == [(4,)]


def test_only_what_can_be_put_back_is_lent_again(template: Template) -> None:
    server = template.server
    with server.admin() as admin:
        databases = Databases(template, admin)

        def number_of_that_for(what: str) -> object:
            with databases.lent() as name, psycopg.connect(server.url(name)) as connection:
                connection.execute(what.encode())
                return connection.execute(NUMBER).fetchone()

        first = number_of_that_for("SELECT 1")
        assert number_of_that_for(FILL.format(3)) == first
        assert number_of_that_for(FILL.format(ROWS_MAX + 1)) == first
        assert number_of_that_for("SELECT 1") != first


def test_who_still_holds_it_is_cut_off(template: Template) -> None:
    server = template.server
    with server.admin() as admin:
        databases = Databases(template, admin)
        with databases.lent() as name:
            left_open = psycopg.connect(server.url(name))
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url(name))
        left_open.close()
