"""Writes into the record what the frames tell, and what that changes in the books, in one
transaction.

Nothing is deleted: a row of which no frame tells stays, and stays reported.  Balances that were
mended are not judged here; what is reported next is.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, select

from reconciler.domain.facts import Deal, Fact, Order
from reconciler.domain.moments import to_datetime
from reconciler.domain.words import Source
from reconciler.inbox import Batch
from reconciler.reconcile.rules import Rules
from reconciler.replay.compare import Difference
from reconciler.store.books import Books
from reconciler.store.columns import Flag, Moment, encoding_of
from reconciler.store.counts import Counts
from reconciler.store.results import Results
from reconciler.store.rows import Rows
from reconciler.store.schema import deals
from reconciler.store.statements import Read, Values, Write

ROWS_AT_A_TIME = 500

_Target = tuple[str, bool]
"""A table's name, and whether its rows are given their ids by the database."""


class Mender:
    """Mends differences of one account; or of the markets, which belong to none."""

    def __init__(self, connection: Connection, account_id: int | None, now: int) -> None:
        self._connection = connection
        self._account_id = account_id
        self._now = now
        self._books = Books(connection.dialect, Rules())
        self._results = Results(connection.dialect)
        self._counts = Counts(connection.dialect)
        self._rows = Rows(encoding=encoding_of(connection.dialect))
        of_order = select(deals).where(
            deals.c.account_id == bindparam("account"), deals.c.order_id == bindparam("order")
        )
        self._deals_of_order = Read(connection.dialect, of_order)
        self._facts: list[Fact] = []
        self._writes: dict[_Target, Write] = {}
        self._waiting: dict[_Target, list[Values]] = {}

    def mend(self, difference: Difference) -> None:
        """Writes the row as it should be, when enough of them wait or at `flush`."""
        assert difference.told is not None
        table, values = difference.derived.table, self._values(difference, difference.told)
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
        if difference.derived.fact_of is not None:
            self._facts.append(difference.derived.fact_of(difference.told))
        if len(self._waiting[target]) >= ROWS_AT_A_TIME:
            self.flush()

    def flush(self) -> None:
        """Writes what waits."""
        for target, rows in self._waiting.items():
            self._writes[target](self._connection, rows)
            rows.clear()
        if self._account_id is not None and self._facts:
            self._post(self._account_id, self._facts)
            self._facts = []

    def _post(self, account_id: int, facts: Sequence[Fact]) -> None:
        """Posts what is different now; an order may say that its deals were another wallet's."""
        with_deals = [
            *facts,
            *(
                self._rows.deal_of(row)
                for fact in facts
                if isinstance(fact, Order)
                for row in self._deals_of_order(
                    self._connection, account=account_id, order=fact.order_id
                )
            ),
        ]
        mended = Batch(account="", source=Source.QUERY, facts=tuple(with_deals))
        self._books.post(self._connection, account_id, [mended], new_deals=0, now=self._now)
        of_deals = [fact for fact in with_deals if isinstance(fact, Deal)]
        self._results.note_late(self._connection, account_id, of_deals)
        self._counts.count_again(self._connection, account_id)

    def _values(self, difference: Difference, told: Values) -> dict[str, Any]:
        names = [column.name for column in difference.derived.columns]
        values = dict(zip(names, told, strict=True))
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
