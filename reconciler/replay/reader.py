"""Reads derived rows in the order of their keys, a few at a time, alike from either database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Dialect, Text, bindparam, collate, select

from reconciler.domain.moments import from_datetime
from reconciler.domain.money import canonical
from reconciler.replay.tables import Derived
from reconciler.store.statements import Read, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A row that is there: what it says, and the id that the database gave it, if it gives any."""

    says: Values
    id: int | None


Group = tuple[Values, list[Found]]
"""A key, and the rows that have it: one; but of the balance history two may be of one moment."""


class Reader:
    """Reads one table of one kind of database."""

    def __init__(self, derived: Derived, dialect: Dialect) -> None:
        table, names = derived.table, [column.name for column in derived.columns]
        self._is_sqlite = dialect.name == "sqlite"
        self._has_id = "id" in table.c
        self._is_of_account = "account_id" in table.c
        self._places = [names.index(name) for name in derived.key]
        rows = select(*derived.columns, *([table.c.id] if self._has_id else []))
        if self._is_of_account:
            rows = rows.where(table.c.account_id == bindparam("account"))
        order = [self._in_order(table.c[name]) for name in derived.key]
        self._read = Read(dialect, rows.order_by(*order))

    def groups(self, connection: Connection, account_id: int | None) -> Iterator[Group]:
        """All rows, by their keys."""
        parameters = {"account": account_id} if self._is_of_account else {}
        rows = map(self._found, self._read.streamed(connection, **parameters))
        for key, group in groupby(rows, key=self._key):
            yield key, list(group)

    def _found(self, row: Values) -> Found:
        if not self._is_sqlite:
            row = tuple(map(_as_in_sqlite, row))
        return Found(says=row[:-1], id=row[-1]) if self._has_id else Found(says=row, id=None)

    def _key(self, row: Found) -> Values:
        return tuple([row.says[place] for place in self._places])

    def _in_order(self, column: Column[Any]) -> ColumnElement[Any]:
        """By code points, as Python and SQLite do it, whatever language the server speaks."""
        is_foreign_text = not self._is_sqlite and isinstance(column.type, Text)
        return collate(column, "C") if is_foreign_text else column


def _as_in_sqlite(value: Any) -> Any:
    if isinstance(value, Decimal):
        return canonical(value) if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return from_datetime(value)
    return value
