"""Which rows are made of what arrived, and what each of them owes to it.

Derived are deals, orders, balances and their history, transactions, movements, markets and the
quarantine, `source` and all.  Not derived, as they say what we did ourselves: sessions, coverage,
gaps, refused streams, keys, holders.  A row is a tuple of what it says, in SQLite's spelling
whichever database it is from; the ids of accounts, and those that a database gives, are no part
of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, Table
from sqlalchemy.dialects import sqlite

from reconciler.domain.facts import Fact
from reconciler.domain.merge import merge_deals, merge_movements, merge_orders, merge_transactions
from reconciler.domain.words import Wallet
from reconciler.store import schema
from reconciler.store.balances import differs, filled_up
from reconciler.store.columns import encoding_of
from reconciler.store.history_rows import HistoryRows
from reconciler.store.rows import Rows
from reconciler.store.statements import Values

T = TypeVar("T")

RESTATED = " restated: "
"""Of what `domain.merge.Restated` says, what comes after the thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A table that is made of frames."""

    table: Table
    key: tuple[str, ...]
    """What tells its rows apart, in the order in which they are compared."""
    join: Callable[[Values, Values], Values]
    """What a row should say that says the first and is told to say the second, where frames that
    came earlier are gone.  Raises Restated, as `domain.merge` does."""
    fact_of: Callable[[Values], Fact] | None = None
    """The fact in a row, if it moves money and so is posted in the books."""
    is_exhaustive: bool = True
    """Whether each row is told by a frame of this account; markets are told to all, and a finding
    stays in the quarantine even if a later version understands what was found."""
    is_news: Callable[[Values, Values], bool] = lambda before, told: True
    """Whether what is told would be a row of its own after the row before.  What changed a balance
    by the frames that are kept, may have been known from one that is gone."""

    contradiction: Callable[[Values], str | None] = lambda says: None
    """The thing that a row says was told in contradictory ways.  Which of them counts, frames that
    are gone decided."""

    @property
    def columns(self) -> list[Column[Any]]:
        """What a row says."""
        return [column for column in self.table.c if column.name not in ("id", "account_id")]


def _joined(
    fact_of: Callable[[Values], T], merge: Callable[[T, T], T], row: Callable[[int, T, str], Values]
) -> Callable[[Values, Values], Values]:
    """By the join of the facts; how it was first learned, only frames that are gone could say."""

    def join(known: Values, told: Values) -> Values:
        merged = merge(fact_of(known), fact_of(told))
        return row(0, merged, known[-1])[1:]

    return join


def _in(read: Callable[[Values], T]) -> Callable[[Values], T]:
    """The account that a row begins with is no part of what it says."""
    return lambda says: read((0, *says))


def overlaid(known: Values, told: Values) -> Values:
    """What is told, and where that says nothing what is known; `source`, which is last, stays."""
    parts = zip(known[:-1], told[:-1], strict=True)
    return *(was if now is None else now for was, now in parts), known[-1]


def _is_change(before: Values, told: Values) -> bool:
    """Of rows of the balance history: as it was decided when the later one was new."""
    if before[:2] != told[:2]:
        return True  # Another wallet or asset.
    try:
        known = _ROWS.balance_of((0, *before))
        seen = filled_up(known, _ROWS.balance_of((0, *told)))
        return differs(known, seen, Wallet(told[0]))
    except (ArithmeticError, ValueError):
        return True  # The row before isn't even a balance.


def _contradiction(finding: Values) -> str | None:
    _, _, reason, *_ = finding
    what, restated, _ = reason.partition(RESTATED)
    return what if restated else None


_SPELLING = encoding_of(sqlite.dialect())
_ROWS, _HISTORY_ROWS = Rows(encoding=_SPELLING), HistoryRows(encoding=_SPELLING)
_deal_of, _order_of = _in(_ROWS.deal_of), _in(_ROWS.order_of)
_transaction_of = _in(_HISTORY_ROWS.transaction_of)
_movement_of = _in(_HISTORY_ROWS.movement_of)

MARKETS = Derived(
    table=schema.markets,
    key=("name",),
    join=lambda known, told: told,
    is_exhaustive=False,
)
"""Of all accounts together."""

OF_ACCOUNT = (
    Derived(
        table=schema.deals,
        key=("order_id", "deal_id"),
        join=_joined(_deal_of, merge_deals, _ROWS.deal),
        fact_of=_deal_of,
    ),
    Derived(
        table=schema.orders,
        key=("order_id",),
        join=_joined(_order_of, merge_orders, _ROWS.order),
        fact_of=_order_of,
    ),
    Derived(table=schema.balances, key=("wallet", "asset"), join=overlaid),
    Derived(
        table=schema.balance_history,
        key=("wallet", "asset", "observed_at"),
        join=overlaid,
        is_news=_is_change,
    ),
    Derived(
        table=schema.transactions,
        key=("kind", "transaction_id"),
        join=_joined(_transaction_of, merge_transactions, _HISTORY_ROWS.transaction),
        fact_of=_transaction_of,
    ),
    Derived(
        table=schema.movements,
        key=("kind", "movement_id"),
        join=_joined(_movement_of, merge_movements, _HISTORY_ROWS.movement),
        fact_of=_movement_of,
    ),
    Derived(
        table=schema.quarantine,
        key=("fingerprint",),
        join=lambda known, told: known,
        is_exhaustive=False,
        contradiction=_contradiction,
    ),
)
