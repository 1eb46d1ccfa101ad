"""All that only asks: what a feed needs to know of the past, what `status` shows, and the record as
facts again.

Each answer comes from a connection of its own that can't write and sees one state.  These calls
block; in the event loop they go through a Hop.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    ScalarSelect,
    Table,
    bindparam,
    func,
    select,
    tuple_,
)

from reconciler.domain.facts import (
    Balance,
    Deal,
    KeyNotice,
    Movement,
    Order,
    SessionNotice,
    StreamNotice,
    Transaction,
)
from reconciler.domain.money import ZERO
from reconciler.domain.spans import Stretch
from reconciler.domain.spans import gaps as gaps_between
from reconciler.domain.words import GapState, Wallet
from reconciler.store.columns import Moment, encoding_of
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
    orders,
    quarantine,
    refused_streams,
    sessions,
    transactions,
)
from reconciler.store.statements import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """One account at a glance."""

    account: str
    session: SessionNotice | None
    """The newest one, whole; not live any more if it has `disconnected_at`."""
    deals: int
    orders: int
    open_orders: int
    balances: int
    """Assets of which something is left, over all wallets."""
    transactions: int
    movements: int
    open_gaps: int
    unreachable_gaps: int
    refused_streams: tuple[str, ...]
    quarantined: int
    newest_deal_at: int | None
    covered_until: dict[str, int]
    """By stream."""


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


class Reads:
    """Questions to the record.  Every method raises DatabaseUnusable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        encoding = encoding_of(database.dialect)
        self._rows, self._history_rows = Rows(encoding=encoding), HistoryRows(encoding=encoding)

        def of_account(table: Table, *conditions: ColumnElement[bool]) -> Read:
            wanted = select(table).where(
                table.c.account_id == _numbered(bindparam("account")), *conditions
            )
            return Read(database.dialect, wanted.order_by(*table.primary_key))

        self._deals = of_account(deals)
        self._orders = of_account(orders)
        open_ids = select(orders.c.order_id).where(
            orders.c.account_id == _numbered(bindparam("account")), is_open
        )
        self._open_orders = of_account(orders, orders.c.order_id.in_(open_ids))
        self._balances = of_account(balances)
        self._transactions = of_account(transactions)
        unsettled_key = transactions.c.kind, transactions.c.transaction_id
        unsettled_keys = select(*unsettled_key).where(
            transactions.c.account_id == _numbered(bindparam("account")), is_unsettled
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
            return _newest_deal_at(connection, account)

    def covered_until(self, account: str, stream: str) -> int | None:
        """The end of the newest span for which the stream is proven complete: where a feed goes on.
        What lies before may have gaps; see `unproven`."""
        spans = self.spans(account, stream)
        return spans[-1][1] if spans else None

    def spans(self, account: str, stream: str) -> tuple[Stretch, ...]:
        """The time for which the stream is proven complete, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(coverage.c.covered_from, coverage.c.covered_until)
                .where(coverage.c.account_id == _numbered(account), coverage.c.stream == stream)
                .order_by(coverage.c.covered_from)
            )
            return tuple((since, until) for since, until in rows)

    def unproven(self, account: str, stream: str, since: int, until: int) -> tuple[Stretch, ...]:
        """What is not proven complete between two moments."""
        return gaps_between(self.spans(account, stream), since, until)

    def gaps(self, account: str) -> list[Gap]:
        """Every gap that was told, by stream and time, the closed ones too."""
        wanted = [column for column in gaps.c if column.name != "account_id"]
        with self._database.reading() as connection:
            rows = connection.execute(
                select(*wanted)
                .where(gaps.c.account_id == _numbered(account))
                .order_by(gaps.c.stream, gaps.c.gap_from, gaps.c.gap_until)
            )
            return [
                Gap(
                    stream=row.stream,
                    since=row.gap_from,
                    until=row.gap_until,
                    reason=row.reason,
                    state=GapState(row.state),
                    closed_at=row.closed_at,
                )
                for row in rows
            ]

    def newest_session_id(self, account: str) -> int | None:
        """The greatest session id that the account has used."""
        with self._database.reading() as connection:
            newest = func.max(sessions.c.session_id)
            return connection.execute(
                select(newest).where(sessions.c.account_id == _numbered(account))
            ).scalar()

    def open_orders(self, account: str) -> list[Order]:
        """All that is known of each order that is not final, by id."""
        with self._database.reading() as connection:
            return [
                self._rows.order_of(row) for row in self._open_orders(connection, account=account)
            ]

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
            return _refused_streams(connection, account)

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
            return [self._status(connection, name) for name in names.all()]

    def _status(self, connection: Connection, account: str) -> AccountStatus:
        def count(table: Table, *conditions: ColumnElement[bool]) -> int:
            rows = select(func.count()).where(table.c.account_id == _numbered(account), *conditions)
            return connection.execute(rows).scalar_one()

        covered = (
            select(coverage.c.stream, func.max(coverage.c.covered_until, type_=Moment))
            .where(coverage.c.account_id == _numbered(account))
            .group_by(coverage.c.stream)
        )
        return AccountStatus(
            account=account,
            session=_newest_session(connection, account),
            deals=count(deals),
            orders=count(orders),
            open_orders=count(orders, is_open),
            balances=count(balances, balances.c.total != ZERO),
            transactions=count(transactions),
            movements=count(movements),
            open_gaps=count(gaps, gaps.c.state == str(GapState.OPEN)),
            unreachable_gaps=count(gaps, gaps.c.state == str(GapState.UNREACHABLE)),
            refused_streams=tuple(
                notice.stream for notice in _refused_streams(connection, account)
            ),
            quarantined=count(quarantine),
            newest_deal_at=_newest_deal_at(connection, account),
            covered_until=dict(connection.execute(covered).all()),
        )


def _numbered(account: str | BindParameter[str]) -> ScalarSelect[int]:
    """The number of the account of this name."""
    return select(accounts.c.account_id).where(accounts.c.name == account).scalar_subquery()


def _newest_deal_at(connection: Connection, account: str) -> int | None:
    newest = func.max(deals.c.executed_at, type_=Moment)
    return connection.execute(
        select(newest).where(deals.c.account_id == _numbered(account))
    ).scalar()


def _refused_streams(connection: Connection, account: str) -> list[StreamNotice]:
    refused = refused_streams.c
    rows = connection.execute(
        select(refused.stream, refused.refused_at, refused.reason)
        .where(refused.account_id == _numbered(account))
        .order_by(refused.stream)
    )
    return [StreamNotice(**row._mapping) for row in rows]


def _newest_session(connection: Connection, account: str) -> SessionNotice | None:
    wanted = [column for column in sessions.c if column.name != "account_id"]
    row = connection.execute(
        select(*wanted)
        .where(sessions.c.account_id == _numbered(account))
        .order_by(sessions.c.session_id.desc())
        .limit(1)
    ).first()
    return None if row is None else SessionNotice(**row._mapping)
