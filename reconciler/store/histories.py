"""Deposits, withdrawals and other movements of money become rows: new ones are inserted, known ones
merged, contradictions kept as findings.

As `facts` does it for deals and orders: in the caller's transaction, and applying a batch again
changes nothing.  What two sights of one thing make is said by `domain.merge`.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, Dialect, Table

from reconciler.domain.facts import Movement, Transaction, Unreadable
from reconciler.domain.merge import Restated, merge_movements, merge_transactions
from reconciler.store import schema
from reconciler.store.columns import encoding_of
from reconciler.store.facts import ID_BEYOND, finding
from reconciler.store.history_rows import HistoryRows, storable_movement, storable_transaction
from reconciler.store.statements import LookUp, Values, Write

T = TypeVar("T", bound=Transaction | Movement)


class History(Generic[T]):
    """The writing half of one table.  Remembers nothing between calls."""

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        *,
        key: tuple[str, str],
        row: Callable[[int, T, str], Values],
        fact_of: Callable[[Values], T],
        storable: Callable[[T], T | None],
        merge: Callable[[T, T], T],
    ) -> None:
        self._name = table.name
        self._key = key
        self._row = row
        self._fact_of = fact_of
        self._storable = storable
        self._merge = merge
        changing = [c.name for c in table.c if not c.primary_key and c.name != "source"]
        self._put = Write(dialect, table, overwritten=changing)
        self._known = LookUp(dialect, table, by=key)

    def apply(
        self, connection: Connection, account_id: int, facts: Sequence[T], source: str, now: int
    ) -> tuple[int, list[Unreadable]]:
        """Merges the sights into what is known.  Returns of how many rows something new was
        learned, and what could not be stored: ids beyond the database's, and contradictions to
        what is known (the known stays)."""
        findings: list[Unreadable] = []
        sights: list[T] = []
        for fact in facts:
            seen = self._storable(fact)
            if seen is None:
                findings.append(finding(self._name, ID_BEYOND, fact, now))
            else:
                sights.append(seen)
        keys = list({self._key_of(seen): None for seen in sights})
        known = {
            self._key_of(fact): fact
            for fact in map(self._fact_of, self._known(connection, account_id, keys))
        }
        learned: dict[Values, T] = {}
        news: set[Values] = set()
        for seen in sights:
            key = self._key_of(seen)
            before = known.get(key)
            try:
                after = seen if before is None else self._merge(before, seen)
            except Restated as restated:
                findings.append(finding(self._name, str(restated), _undated(seen), now))
                continue
            if after is not before:
                known[key] = learned[key] = after
                if before is None or _undated(before) != _undated(after):
                    news.add(key)
        self._put(connection, [self._row(account_id, fact, source) for fact in learned.values()])
        return len(news), findings

    def _key_of(self, fact: T) -> Values:
        return tuple(str(getattr(fact, name)) for name in self._key)


class Histories:
    """The histories of an account besides its deals and orders, in one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        rows = HistoryRows(encoding=encoding_of(dialect))
        self.transactions = History(
            dialect,
            schema.transactions,
            key=("kind", "transaction_id"),
            row=rows.transaction,
            fact_of=rows.transaction_of,
            storable=storable_transaction,
            merge=merge_transactions,
        )
        self.movements = History(
            dialect,
            schema.movements,
            key=("kind", "movement_id"),
            row=rows.movement,
            fact_of=rows.movement_of,
            storable=storable_movement,
            merge=merge_movements,
        )


def _undated(seen: Transaction | Movement) -> Transaction | Movement:
    """Without when we were told, which differs at each reading: the same contradiction read again
    is the same finding."""
    return replace(seen, updated_at=seen.created_at) if isinstance(seen, Transaction) else seen
