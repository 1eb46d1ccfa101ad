"""PostgreSQL databases lent to one test after the other, as making one costs more than most tests.

One that comes back is emptied and gets a new name, so that nobody who knew it finds it again.  What
can't be put back as it was (another schema, many rows) is dropped, and the next one made anew.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tests.postgres import Postgres

ROWS_MAX = 2000
"""Deleted rows stay in the file, and whoever reads the table next reads them too."""

SCHEMA = """
SELECT (SELECT string_agg((relname, relkind, relacl)::text, ',' ORDER BY oid) FROM pg_class),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_attribute),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_constraint),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_namespace),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_proc),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_rewrite),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_trigger),
       (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_type),
       (SELECT count(*)::text FROM pg_db_role_setting)
"""
"""What changes with the schema, but not when rows come and go or are counted."""

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Template:
    """A server and its migrated database, to be copied."""

    server: Postgres
    name: str


class Databases:
    """Copies of a template, each lent to one test at a time."""

    def __init__(self, template: Template, admin: Connection) -> None:
        self._server = template.server
        self._template = template.name
        self._admin = admin
        self._free: list[str] = []
        with psycopg.connect(self._server.url(template.name)) as connection:
            tables = [
                str(name)
                for (name,) in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                )
            ]
            self._filled = {name: held for name in tables if (held := _rows(connection, name))}
            self._empty = [name for name in tables if name not in self._filled]
            self._schema = connection.execute(SCHEMA).fetchone()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The name of one that is as the template, for as long as the block lasts."""
        name = self._free.pop() if self._free else self._server.create(self._template)
        try:
            yield name
        finally:
            self._take_back(name)

    def _take_back(self, name: str) -> None:
        self._alone_with(name)
        with psycopg.connect(self._server.url(name)) as connection:
            clean = self._cleaned(connection)
        if clean:
            self._free.append(self._renamed(name))
        else:
            self._server.drop(name)

    def _cleaned(self, connection: Connection) -> bool:
        if connection.execute(SCHEMA).fetchone() != self._schema:
            return False
        if any(_rows(connection, name) != held for name, held in self._filled.items()):
            return False
        # No trigger fires, and foreign keys are not looked at.
        connection.execute("SET session_replication_role = replica")
        deleted = sum(
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name))).rowcount
            for name in self._empty
        )
        connection.execute(
            "SELECT setval(format('%I', sequencename)::regclass, start_value, false) "
            "FROM pg_sequences WHERE schemaname = 'public'"
        )
        return deleted <= ROWS_MAX

    def _renamed(self, name: str) -> str:
        new = self._server.unused_name()
        self._alone_with(name)
        self._admin.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(new)
            )
        )
        return new

    def _alone_with(self, name: str) -> None:
        """Cut everybody else's sessions.  A session that was closed takes a moment to end."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        while self._admin.execute(cut, [name]).fetchall():
            time.sleep(0.002)


def _rows(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(sql.SQL("TABLE {}").format(sql.Identifier(table))).fetchall()
