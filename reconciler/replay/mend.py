"""Writes into the record what the frames tell, in one transaction.

Nothing is deleted: a row of which no frame tells stays, and stays reported.
"""

from typing import Any

from sqlalchemy import Column, Connection, Table

from reconciler.domain.moments import to_datetime
from reconciler.replay.compare import Difference
from reconciler.store.columns import Flag, Moment
from reconciler.store.statements import Values, Write

ROWS_AT_A_TIME = 500

_Target = tuple[str, bool]
"""A table's name, and whether its rows are given their ids by the database."""


class Mender:
    """Mends differences of one account; or of the markets, which belong to none."""

    def __init__(self, connection: Connection, account_id: int | None) -> None:
        self._connection = connection
        self._account_id = account_id
        self._writes: dict[_Target, Write] = {}
        self._waiting: dict[_Target, list[Values]] = {}

    def mend(self, difference: Difference) -> None:
        """Writes the row as it should be, when enough of them wait or at `flush`."""
        table, values = difference.derived.table, self._values(difference)
        is_numbered = "id" in table.c and "id" not in values
        target = table.name, is_numbered
        if target not in self._writes:
            self._writes[target] = self._write(table, is_numbered)
            self._waiting[target] = []
        self._waiting[target].append(
            tuple(
                self._spelled(column, values[column.name])
                for column in table.columns
                if column.name in values
            )
        )
        if len(self._waiting[target]) >= ROWS_AT_A_TIME:
            self.flush()

    def flush(self) -> None:
        """Writes what waits."""
        for target, rows in self._waiting.items():
            self._writes[target](self._connection, rows)
            rows.clear()

    def _values(self, difference: Difference) -> dict[str, Any]:
        assert difference.told is not None
        names = [column.name for column in difference.derived.columns]
        values = dict(zip(names, difference.told, strict=True))
        if self._account_id is not None:
            values["account_id"] = self._account_id
        if difference.known is not None and difference.known.id is not None:
            values["id"] = difference.known.id
        return values

    def _write(self, table: Table, is_numbered: bool) -> Write:
        if is_numbered:
            return Write(self._connection.dialect, table, generated=["id"])
        said = [column.name for column in table.c if not column.primary_key]
        return Write(self._connection.dialect, table, overwritten=said)

    def _spelled(self, column: Column[Any], value: Any) -> Any:
        """As this database takes it; amounts are text to both."""
        if value is None or self._connection.dialect.name == "sqlite":
            return value
        if isinstance(column.type, Moment):
            return to_datetime(value)
        return bool(value) if column.type is Flag else value
