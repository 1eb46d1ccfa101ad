"""Applies batches in one transaction: the one place where what arrived becomes rows.

The caller begins and commits.  An account's batches are applied in the order in which they came,
each against what those before it left, so one transaction of many does what many transactions of
one would do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import Connection

from reconciler.domain.words import Source
from reconciler.inbox import Applied, Batch
from reconciler.reconcile.rules import Rules
from reconciler.store.books import Books
from reconciler.store.coverage import Coverage
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
        self._coverage = Coverage(database.dialect)
        self._journal = Journal(database.dialect)

    def apply(self, connection: Connection, batches: Sequence[Batch], *, now: int) -> list[Applied]:
        """Writes what the batches say; returns what each changed, and of what a stream pushed in a
        row with the first what all of them did.

        A transaction repeated after its commit was not confirmed may find its own work done, and
        then reports less than it changed.  Raises Fenced, having written nothing.
        """
        told_before = self._outbox.written
        names = dict.fromkeys(batch.account for batch in batches)
        accounts = {name: self._intake.account_id(connection, name) for name in names}
        self._fence.check(connection, accounts, batches)
        applied = [Applied()] * len(batches)
        for name, id_ in accounts.items():
            numbers = [n for n, batch in enumerate(batches) if batch.account == name]
            theirs = [batches[n] for n in numbers]
            for row in _rows(batches, numbers):
                facts = [fact for n in row for fact in batches[n].facts]
                source = str(batches[row[0]].source)
                applied[row[0]] = self._intake.take(connection, id_, facts, source, now)
                for n in row:
                    for span in batches[n].spans:
                        self._coverage.cover(connection, id_, span, now=now)
            new_deals = sum(applied[n].deals for n in numbers)
            doubts = self._books.keep(connection, id_, theirs, new_deals=new_deals, now=now)
            for n in numbers:
                applied[n] = replace(applied[n], doubts=doubts)
            self._journal.append(connection, id_, theirs, now=now)
        told = self._outbox.written - told_before
        return [replace(one, events=told) for one in applied] if told else applied


def _rows(batches: Sequence[Batch], numbers: Sequence[int]) -> Iterator[list[int]]:
    """The batches of one account, those in a row that its stream pushed together: nobody asks what
    one frame changed, and a busy stream is a hundred small ones in a commit."""
    for pushed, alike in groupby(numbers, key=lambda n: batches[n].source is Source.STREAM):
        row = list(alike)
        yield from [row] if pushed else ([n] for n in row)
