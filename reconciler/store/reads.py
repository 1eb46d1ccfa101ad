"""All that only asks: what a feed needs to know of the past, what `status` shows, and the record as
facts again.

Each answer comes from a connection of its own that can't write and sees one state.  These calls
block; in the event loop they go through a Hop.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, func, select, tuple_

from reconciler.domain.facts import (
    Balance,
    Deal,
    KeyNotice,
    Movement,
    Order,
    StreamNotice,
    Transaction,
)
from reconciler.domain.spans import Stretch
from reconciler.domain.spans import gaps as gaps_between
from reconciler.domain.words import GapState, Wallet
from reconciler.store.bookkeeping import ASSUMED, ORDER_UNKNOWN
from reconciler.store.columns import encoding_of
from reconciler.store.engine import Database
from reconciler.store.history_rows import HistoryRows
from reconciler.store.keys import key_of
from reconciler.store.rows import Rows
from reconciler.store.schema import (
    accounts,
    balances,
    coverage,
    deals,
    gaps,
    is_open,
    is_unsettled,
    keys,
    movements,
    number_of,
    orders,
    refused_streams,
    sessions,
    transactions,
    waiting_deals,
)
from reconciler.store.statements import Read
from reconciler.store.status import AccountStatus, newest_deal_at, status_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBalance:
    """The latest that was reported of an asset in a wallet."""

    wallet: Wallet
    balance: Balance
    observed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time that a stream's record did not cover when it was told."""

    stream: str
    since: int
    until: int
    reason: str
    state: GapState
    closed_at: int | None


def gap_of(row: Any) -> Gap:
    """The gap in a row that has all of its columns."""
    return Gap(
        stream=row.stream,
        since=row.gap_from,
        until=row.gap_until,
        reason=row.reason,
        state=GapState(row.state),
        closed_at=row.closed_at,
    )


class Reads:
    """Questions to the record.  Every method raises DatabaseUnusable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        encoding = encoding_of(database.dialect)
        self._rows, self._history_rows = Rows(encoding=encoding), HistoryRows(encoding=encoding)

        def of_account(table: Table, *conditions: ColumnElement[bool]) -> Read:
            wanted = select(table).where(
                table.c.account_id == number_of(bindparam("account")), *conditions
            )
            return Read(database.dialect, wanted.order_by(*table.primary_key))

        self._deals = of_account(deals)
        self._orders = of_account(orders)
        open_ids = select(orders.c.order_id).where(
            orders.c.account_id == number_of(bindparam("account")), is_open
        )
        self._open_orders = of_account(orders, orders.c.order_id.in_(open_ids))
        self._balances = of_account(balances)
        self._transactions = of_account(transactions)
        unsettled_key = transactions.c.kind, transactions.c.transaction_id
        unsettled_keys = select(*unsettled_key).where(
            transactions.c.account_id == number_of(bindparam("account")), is_unsettled
        )
        self._unsettled = of_account(transactions, tuple_(*unsettled_key).in_(unsettled_keys))
        self._movements = of_account(movements)
        self._keys = of_account(keys)

    def accounts(self) -> list[str]:
        """The names of all accounts on record."""
        with self._database.reading() as connection:
            return list(
                connection.execute(select(accounts.c.name).order_by(accounts.c.name)).scalars()
            )

    def newest_deal_at(self, account: str) -> int | None:
        """When the account's latest known deal was executed."""
        with self._database.reading() as connection:
            return newest_deal_at(connection, account)

    def covered_until(self, account: str, stream: str) -> int | None:
        """The end of the newest span for which the stream is proven complete: where a feed goes on.
        What lies before may have gaps; see `unproven`."""
        spans = self.spans(account, stream)
        return spans[-1][1] if spans else None

    def spans(self, account: str, stream: str) -> tuple[Stretch, ...]:
        """The time for which the stream is proven complete, oldest first."""
        return self.coverage(account).get(stream, ())

    def coverage(self, account: str) -> dict[str, tuple[Stretch, ...]]:
        """The same of each stream of which anything is."""
        c, found = coverage.c, dict[str, tuple[Stretch, ...]]()
        with self._database.reading() as connection:
            for stream, since, until in connection.execute(
                select(c.stream, c.covered_from, c.covered_until)
                .where(c.account_id == number_of(account))
                .order_by(c.stream, c.covered_from)
            ):
                found[stream] = (*found.get(stream, ()), (since, until))
        return found

    def unproven(self, account: str, stream: str, since: int, until: int) -> tuple[Stretch, ...]:
        """What is not proven complete between two moments."""
        return gaps_between(self.spans(account, stream), since, until)

    def gaps(self, account: str) -> list[Gap]:
        """Every gap that was told, by stream and time, the closed ones too."""
        wanted = [column for column in gaps.c if column.name != "account_id"]
        with self._database.reading() as connection:
            rows = connection.execute(
                select(*wanted)
                .where(gaps.c.account_id == number_of(account))
                .order_by(gaps.c.stream, gaps.c.gap_from, gaps.c.gap_until)
            )
            return [*map(gap_of, rows)]

    def newest_session_id(self, account: str) -> int | None:
        """The greatest session id that the account has used."""
        with self._database.reading() as connection:
            newest = func.max(sessions.c.session_id)
            return connection.execute(
                select(newest).where(sessions.c.account_id == number_of(account))
            ).scalar()

    def open_orders(self, account: str) -> list[Order]:
        """All that is known of each order that is not final, by id."""
        with self._database.reading() as connection:
            return [
                self._rows.order_of(row) for row in self._open_orders(connection, account=account)
            ]

    def unknown_orders(self, account: str, until: int) -> list[int]:
        """The orders that are known by nothing but their deals before `until`, newest first."""
        c = waiting_deals.c
        with self._database.reading() as connection:
            ids = connection.execute(
                select(c.order_id)
                .where(
                    c.account_id == number_of(account),
                    c.executed_at < until,
                    c.reason.in_([ORDER_UNKNOWN, ASSUMED]),
                )
                .group_by(c.order_id)
                .order_by(func.max(c.executed_at).desc())
            )
            return list(ids.scalars())

    def orders(self, account: str) -> list[Order]:
        """All that is known of each order, by id."""
        with self._database.reading() as connection:
            return [self._rows.order_of(row) for row in self._orders(connection, account=account)]

    def deals(self, account: str) -> list[Deal]:
        """Every deal, by order and deal id."""
        with self._database.reading() as connection:
            return [self._rows.deal_of(row) for row in self._deals(connection, account=account)]

    def balances(self, account: str) -> list[KnownBalance]:
        """What was last reported of each asset in each wallet, zeros too."""
        with self._database.reading() as connection:
            return [
                KnownBalance(
                    wallet=Wallet(row[1]),
                    balance=self._rows.balance_of(row),
                    observed_at=self._rows.observed_at(row),
                )
                for row in self._balances(connection, account=account)
            ]

    def transactions(self, account: str) -> list[Transaction]:
        """All that is known of each deposit and withdrawal, by kind and id."""
        with self._database.reading() as connection:
            rows = self._transactions(connection, account=account)
            return [self._history_rows.transaction_of(row) for row in rows]

    def unsettled(self, account: str) -> list[Transaction]:
        """The deposits and withdrawals that may still change."""
        with self._database.reading() as connection:
            rows = self._unsettled(connection, account=account)
            return [self._history_rows.transaction_of(row) for row in rows]

    def movements(self, account: str) -> list[Movement]:
        """All that is known of each other movement of money, by kind and id."""
        with self._database.reading() as connection:
            rows = self._movements(connection, account=account)
            return [self._history_rows.movement_of(row) for row in rows]

    def refused_streams(self, account: str) -> list[StreamNotice]:
        """The streams of which the exchange told this key nothing when last asked, by name."""
        with self._database.reading() as connection:
            refused = refused_streams.c
            rows = connection.execute(
                select(refused.stream, refused.refused_at, refused.reason)
                .where(refused.account_id == number_of(account))
                .order_by(refused.stream)
            )
            return [StreamNotice(**row._mapping) for row in rows]

    def used_up(self, account: str) -> KeyNotice | None:
        """What was last committed of the account's key."""
        with self._database.reading() as connection:
            for row in self._keys(connection, account=account):
                return key_of(row)
            return None

    def status(self) -> list[AccountStatus]:
        """Every account at a glance, by name, all of one moment."""
        with self._database.reading() as connection:
            names = connection.execute(select(accounts.c.name).order_by(accounts.c.name)).scalars()
            return [status_of(connection, name) for name in names.all()]
