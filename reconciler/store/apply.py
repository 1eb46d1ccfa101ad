"""Applies batches in one transaction: the one place where what arrived becomes rows.

The caller begins and commits.  Batches are applied in the order in which they came, each against
what those before it left, so one transaction of many does what many transactions of one would do.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from reconciler.inbox import Applied, Batch
from reconciler.reconcile.rules import Rules
from reconciler.store import coverage
from reconciler.store.books import Books
from reconciler.store.engine import Database
from reconciler.store.frames import Journal
from reconciler.store.holders import Fence
from reconciler.store.intake import Intake
from reconciler.store.outbox import Outbox


class Applier:
    """Applies batches to one kind of database.  Remembers nothing between transactions."""

    def __init__(self, database: Database, rules: Rules | None = None) -> None:
        self._fence = Fence(database.dialect)
        self._outbox = Outbox()
        self._intake = Intake(database.dialect, self._outbox)
        self._books = Books(database.dialect, rules or Rules(), self._outbox)
        self._journal = Journal(database.dialect)

    def apply(self, connection: Connection, batches: Sequence[Batch], *, now: int) -> list[Applied]:
        """Writes what the batches say; returns what each changed.

        A transaction repeated after its commit was not confirmed may find its own work done, and
        then reports less than it changed.  Raises Fenced, having written nothing.
        """
        told_before = self._outbox.written
        names = dict.fromkeys(batch.account for batch in batches)
        accounts = {name: self._intake.account_id(connection, name) for name in names}
        self._fence.check(connection, accounts, batches)
        applied: list[Applied] = []
        for batch in batches:
            id_ = accounts[batch.account]
            changed = self._intake.take(connection, id_, batch.facts, str(batch.source), now)
            applied.append(changed)
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
        told = self._outbox.written - told_before
        return [replace(one, events=told) for one in applied] if told else applied
