"""Statements that carry many rows, compiled once per database.

SQLAlchemy writes the SQL; the driver then gets finished text and plain tuples in the order of the
table's columns, which costs a tenth of what executing statement objects would.  What the rows mean
is not known here.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

Values = tuple[Any, ...]

CHUNKS = (1, 8, 64, 512)
"""Keys asked for at once.  A rest is filled up by repeating its last key, so that four texts serve
any number of keys, and the drivers keep them prepared."""


class Write:
    """INSERT of whole rows that, where the key is known already, does nothing or overwrites.

    `overwritten` columns take what is new, `filled` ones only where something new is said;
    `generated` ones are the database's own.
    """

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        *,
        overwritten: Iterable[str] = (),
        filled: Iterable[str] = (),
        generated: Iterable[str] = (),
    ) -> None:
        columns = [column.name for column in table.columns if column.name not in set(generated)]
        insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
        new = insert.excluded
        changes = {name: new[name] for name in overwritten} | {
            name: func.coalesce(new[name], table.c[name]) for name in filled
        }
        statement: ClauseElement = (
            insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)
            if changes
            else insert.on_conflict_do_nothing()
        )
        self._text = _compiled(statement, dialect, columns)

    def __call__(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Writes the rows, none of which may name the same key.  Returns how many were inserted
        or overwritten."""
        if not rows:
            return 0
        return connection.exec_driver_sql(self._text, list(rows)).rowcount


class LookUp:
    """Rows of one account by key: whole rows as the database spells them.

    `by` names the key's columns after `within`, which are the same for all.
    """

    def __init__(self, dialect: Dialect, table: Table, *, within: Sequence[str], by: Sequence[str]):
        scope = [table.c[name] == bindparam(name) for name in within]
        key = [table.c[name] for name in by]
        names = list(within)
        self._texts: dict[int, str] = {}
        for size in CHUNKS:
            marks = [[bindparam(f"{c.name}_{n}", type_=c.type) for c in key] for n in range(size)]
            wanted = (
                tuple_(*key).in_([tuple_(*mark) for mark in marks])
                if len(key) > 1
                else key[0].in_([mark for (mark,) in marks])
            )
            names = [*within, *(mark.key for row in marks for mark in row)]
            self._texts[size] = _compiled(select(table).where(*scope, wanted), dialect, names)

    def __call__(
        self, connection: Connection, within: Values, keys: Sequence[Values]
    ) -> Iterator[Values]:
        """The rows that exist, in no particular order."""
        start = 0
        while start < len(keys):
            left = len(keys) - start
            size = next((size for size in CHUNKS if size >= left), CHUNKS[-1])
            chunk = keys[start : start + size]
            start += size
            values = [value for key in chunk for value in key]
            values.extend(chunk[-1] * (size - len(chunk)))
            yield from connection.exec_driver_sql(self._texts[size], (*within, *values)).tuples()


class Read:
    """Whole rows of a table as the database spells them; `names` are its parameters in order."""

    def __init__(self, dialect: Dialect, query: ClauseElement, names: Sequence[str]) -> None:
        self._text = _compiled(query, dialect, names)

    def __call__(self, connection: Connection, *values: Any) -> Iterator[Values]:
        return iter(connection.exec_driver_sql(self._text, values).tuples())


def _compiled(statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> str:
    """The text that takes `names` in this order."""
    made = statement.compile(
        dialect=dialect, column_keys=list(names), compile_kwargs={"render_postcompile": True}
    )
    assert isinstance(made, SQLCompiler)
    assert made.positiontup == list(names), f"{made.positiontup} instead of {names}"
    return str(made)
