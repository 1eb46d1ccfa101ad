"""Sorts the facts of a batch into their tables.

What each table's rows become of them is said by its own file.  Books and journal are kept elsewhere
(`apply`), so that a record can also be made of kept frames alone (`replay.scratch`).
"""

from collections.abc import Sequence
from typing import assert_never

from sqlalchemy import Connection, Dialect

from reconciler.domain.events import Event
from reconciler.domain.facts import (
    BalanceReport,
    ClockNotice,
    Deal,
    Fact,
    FeedNotice,
    GapNotice,
    KeyNotice,
    Market,
    Movement,
    Order,
    PassNotice,
    SessionNotice,
    StreamNotice,
    Transaction,
    Unreadable,
)
from reconciler.inbox import Applied
from reconciler.store.balances import Balances
from reconciler.store.facts import Facts
from reconciler.store.gaps import Gaps
from reconciler.store.histories import Histories
from reconciler.store.keys import Keys
from reconciler.store.outbox import Outbox


class Intake:
    """Takes facts into one kind of database.  Remembers nothing between transactions."""

    def __init__(self, dialect: Dialect, outbox: Outbox | None = None) -> None:
        self._outbox = outbox or Outbox()
        self._facts = Facts(dialect)
        self._balances = Balances(dialect)
        self._histories = Histories(dialect)
        self._keys = Keys(dialect)
        self._gaps = Gaps(dialect)

    def account_id(self, connection: Connection, name: str) -> int:
        """The number of an account, given to it when its name is first seen."""
        return self._facts.account_id(connection, name)

    def take(
        self,
        connection: Connection,
        id_: int,
        facts: Sequence[Fact],
        source: str,
        now: int,
    ) -> Applied:
        """Writes what one batch of an account says; returns what it changed."""
        deals: list[Deal] = []
        orders: list[Order] = []
        transactions: list[Transaction] = []
        movements: list[Movement] = []
        markets: list[Market] = []
        unreadable: list[Unreadable] = []
        reports: list[BalanceReport] = []
        for fact in facts:
            match fact:
                case Deal():
                    deals.append(fact)
                case Order():
                    orders.append(fact)
                case BalanceReport():
                    reports.append(fact)
                case Transaction():
                    transactions.append(fact)
                case Movement():
                    movements.append(fact)
                case Market():
                    markets.append(fact)
                case Unreadable():
                    unreadable.append(fact)
                case SessionNotice():
                    self._facts.session(connection, id_, fact)
                    if fact.live_at is not None:
                        live = FeedNotice(event=Event.FEED_RECOVERED, since=fact.live_at)
                        self._outbox.feed(connection, id_, live, now=now)
                case GapNotice():
                    if self._gaps.note(connection, id_, fact, now=now):
                        self._outbox.gap(connection, id_, fact, now=now)
                case FeedNotice():
                    self._outbox.feed(connection, id_, fact, now=now)
                case StreamNotice():
                    self._keys.refuse(connection, id_, fact)
                case KeyNotice():
                    self._keys.use_up(connection, id_, fact)
                case ClockNotice() | PassNotice():
                    pass  # the books keep it
                case _:
                    assert_never(fact)
        new_deals = changed_orders = found_orders = changed_balances = new_unreadable = 0
        changed_transactions = changed_movements = 0
        if deals:
            new_deals, findings = self._facts.deals(connection, id_, deals, source, now)
            unreadable += findings
        if orders:
            changed_orders, found_orders, findings = self._facts.orders(
                connection, id_, orders, source, now
            )
            unreadable += findings
        if reports:
            changed_balances = self._balances.apply(connection, id_, reports, source)
        if transactions:
            changed_transactions, findings = self._histories.transactions.apply(
                connection, id_, transactions, source, now
            )
            unreadable += findings
        if movements:
            changed_movements, findings = self._histories.movements.apply(
                connection, id_, movements, source, now
            )
            unreadable += findings
        if markets:
            self._facts.markets(connection, markets)
        if unreadable:
            new_unreadable = self._facts.quarantine(connection, id_, unreadable)
        return Applied(
            deals=new_deals,
            orders=changed_orders,
            orders_found=found_orders,
            balances=changed_balances,
            transactions=changed_transactions,
            movements=changed_movements,
            unreadable=new_unreadable,
        )
