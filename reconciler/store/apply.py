"""Applies batches in one transaction: the one place where what arrived becomes rows.

The caller begins and commits.  Batches are applied in the order in which they came, each against
what those before it left, so one transaction of many does what many transactions of one would do.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from sqlalchemy import Connection

from reconciler.domain.facts import (
    BalanceReport,
    ClockNotice,
    Deal,
    Fact,
    GapNotice,
    KeyNotice,
    Market,
    Movement,
    Order,
    SessionNotice,
    StreamNotice,
    Transaction,
    Unreadable,
)
from reconciler.inbox import Applied, Batch
from reconciler.store import coverage, gaps
from reconciler.store.balances import Balances
from reconciler.store.books import Books
from reconciler.store.engine import Database
from reconciler.store.facts import Facts
from reconciler.store.frames import Journal
from reconciler.store.histories import Histories
from reconciler.store.holders import Fence
from reconciler.store.keys import Keys
from reconciler.store.proofs import Rules


class Applier:
    """Applies batches to one kind of database.  Remembers nothing between transactions."""

    def __init__(self, database: Database, rules: Rules | None = None) -> None:
        self._fence = Fence(database.dialect)
        self._facts = Facts(database.dialect)
        self._balances = Balances(database.dialect)
        self._histories = Histories(database.dialect)
        self._keys = Keys(database.dialect)
        self._books = Books(database.dialect, rules or Rules())
        self._journal = Journal(database.dialect)

    def apply(self, connection: Connection, batches: Sequence[Batch], *, now: int) -> list[Applied]:
        """Writes what the batches say; returns what each changed.

        A transaction repeated after its commit was not confirmed may find its own work done, and
        then reports less than it changed.  Raises Fenced, having written nothing.
        """
        names = dict.fromkeys(batch.account for batch in batches)
        accounts = {name: self._facts.account_id(connection, name) for name in names}
        self._fence.check(connection, accounts, batches)
        applied: list[Applied] = []
        for batch in batches:
            id_ = accounts[batch.account]
            applied.append(self._facts_of(connection, id_, batch.facts, str(batch.source), now))
            for span in batch.spans:
                coverage.cover(connection, id_, span, now=now)
        for name, id_ in accounts.items():
            theirs = [batch for batch in batches if batch.account == name]
            numbers = [n for n, batch in enumerate(batches) if batch.account == name]
            new_deals = sum(applied[n].deals for n in numbers)
            doubts = self._books.keep(connection, id_, theirs, new_deals=new_deals, now=now)
            for n in numbers:
                applied[n] = replace(applied[n], doubts=doubts)
            self._journal.append(connection, id_, theirs, now=now)
        return applied

    def _facts_of(
        self,
        connection: Connection,
        id_: int,
        facts: Sequence[Fact],
        source: str,
        now: int,
    ) -> Applied:
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
                case GapNotice():
                    gaps.note(connection, id_, fact, now=now)
                case StreamNotice():
                    self._keys.refuse(connection, id_, fact)
                case KeyNotice():
                    self._keys.use_up(connection, id_, fact)
                case ClockNotice():
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
