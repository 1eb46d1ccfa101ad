"""Facts to durable rows: the store against the driver's own `executemany` into the same tables.

The driver gets rows made beforehand and asks nothing; ours begins with facts, looks up what is
known and merges.  Every batch is a transaction, durable on SQLite (`synchronous=FULL`); the
PostgreSQL is the tests' own and does not flush (`fsync=off`), on either side.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench import mix, ours
from bench.rounds import Case, Figures, Outcome, measured
from reconciler.domain.facts import BalanceReport, Deal, Fact, Order
from reconciler.domain.words import Source
from reconciler.inbox import BATCH_FACTS_MAX, Batch
from reconciler.store import schema
from reconciler.store.apply import Applier
from reconciler.store.columns import encoding_of
from reconciler.store.engine import Database, open_database
from reconciler.store.rows import Rows
from reconciler.wire import frames
from reconciler.wire.updates import Update
from tests.postgres import NoPostgres, Postgres, postgres

Row = tuple[Any, ...]
Statements = Sequence[tuple[str, Sequence[Row]]]
"""What one transaction executes: texts and the rows that each is executed with."""

COMMITS = {1: 2_000, 10: 1_000, 100: 300, 1_000: 40, 5_000: 10}
"""By the rows in a batch."""

MIX = 1_000


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """Deals in batches of several sizes, then the live mix; SQLite first, then PostgreSQL."""
    outcomes = []
    with ExitStack() as stack:
        places: list[tuple[str, _Place]] = [("SQLite FULL", _Sqlite())]
        try:
            places.append(("PostgreSQL", _Postgres(stack.enter_context(postgres()))))
        except NoPostgres as reason:
            print(f"(no PostgreSQL: {reason})\n")
        for name, place in places:
            for size, commits in COMMITS.items():
                many = max(3, commits // 10) if quick else commits
                mixed = _facts(size * many * 5 // 2 + 5)
                deals = [fact for fact in mixed if isinstance(fact, Deal)][: size * many]
                title = f"store: {name}, deals, {size:,} a commit"
                outcomes.append(_compared(title, place, deals, size, rounds))
            title = f"store: {name}, live mix, {MIX:,} a commit"
            mixed = _facts(5 * MIX if quick else 30 * MIX)
            outcomes.append(_compared(title, place, mixed, MIX, rounds))
    return outcomes


def _facts(count: int) -> list[Fact]:
    found: list[Fact] = []
    for n, text in enumerate(mix.frames(count)):
        update = frames.read(text, mix.BEGAN + n)
        assert isinstance(update, Update)
        found.extend(update.facts)
    return found


def _compared(
    title: str, place: "_Place", facts: Sequence[Fact], size: int, rounds: int
) -> Outcome:
    chunks = [facts[start : start + size] for start in range(0, len(facts), size)]
    raw = "raw executemany"
    return measured(
        title,
        [
            Case(name=raw, run=partial(_raw, place, chunks)),
            Case(name="ours", run=partial(_ours, place, chunks), against=raw),
        ],
        rounds,
    )


def _ours(place: "_Place", chunks: Sequence[Sequence[Fact]]) -> Figures:
    transactions = [
        [
            Batch(
                account=ours.ACCOUNT,
                source=Source.STREAM,
                facts=tuple(chunk[start : start + BATCH_FACTS_MAX]),
            )
            for start in range(0, len(chunk), BATCH_FACTS_MAX)
        ]
        for chunk in chunks
    ]
    with ExitStack() as stack:
        database = place.database(stack)
        applier = Applier(database)
        with database.connect() as connection:

            def commit(batches: Sequence[Batch]) -> None:
                with database.told(), connection.begin():
                    applier.apply(connection, batches, now=mix.BEGAN)

            return _timed(commit, transactions, sum(map(len, chunks)))


def _raw(place: "_Place", chunks: Sequence[Sequence[Fact]]) -> Figures:
    with ExitStack() as stack:
        database = place.database(stack)
        transactions = [_statements(database, chunk) for chunk in chunks]
        commit = place.raw(stack, database)
        return _timed(commit, transactions, sum(map(len, chunks)))


def _timed(commit: Callable[[Any], None], transactions: Sequence[Any], facts: int) -> Figures:
    wall, cpu = time.perf_counter(), time.process_time()
    for transaction in transactions:
        commit(transaction)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"facts/s": facts / wall, "our CPU µs/fact": cpu / facts * 1e6}


def _statements(database: Database, facts: Sequence[Fact]) -> Statements:
    """The same rows, with the keys and conflicts that the tables have."""
    rows = Rows(encoding=encoding_of(database.dialect))
    deals = [rows.deal(1, fact, "stream") for fact in facts if isinstance(fact, Deal)]
    orders = [rows.order(1, fact, "stream") for fact in facts if isinstance(fact, Order)]
    balances = [
        rows.balance(1, str(report.wallet), balance, report.observed_at, "stream")
        for report in facts
        if isinstance(report, BalanceReport)
        for balance in report.balances
    ]
    mark = "?" if database.dialect.name == "sqlite" else "%s"
    kinds = (schema.deals, deals), (schema.orders, orders), (schema.balances, balances)
    return [(_upsert(table, mark), found) for table, found in kinds if found]


def _upsert(table: Any, mark: str) -> str:
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    if table is schema.deals:
        action = "NOTHING"
    else:
        action = "UPDATE SET " + ", ".join(f"{n} = excluded.{n}" for n in names if n not in keys)
    values = ", ".join([mark] * len(names))
    return f"INSERT INTO {table.name} VALUES ({values}) ON CONFLICT ({', '.join(keys)}) DO {action}"


class _Sqlite:
    """Fresh files."""

    def database(self, stack: ExitStack) -> Database:
        return ours.sqlite(stack.enter_context(TemporaryDirectory()))

    def raw(self, stack: ExitStack, database: Database) -> Callable[[Statements], None]:
        connection = sqlite3.connect(str(database.url.database), isolation_level=None)
        stack.callback(connection.close)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("INSERT INTO accounts (name) VALUES ('treasury')")

        def commit(statements: Statements) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for text, rows in statements:
                connection.executemany(text, rows)
            connection.execute("COMMIT")

        return commit


class _Postgres:
    """Fresh databases of one server."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._template = server.create()
        ours.prepare(open_database(server.url(self._template)))

    def database(self, stack: ExitStack) -> Database:
        name = self._server.create(self._template)
        stack.callback(self._server.drop, name)
        return open_database(self._server.url(name))

    def raw(self, stack: ExitStack, database: Database) -> Callable[[Statements], None]:
        connection = stack.enter_context(psycopg.connect(str(database.url)))
        connection.execute("INSERT INTO accounts (name) VALUES ('treasury')")
        connection.commit()

        def commit(statements: Statements) -> None:
            with connection.cursor() as cursor:
                for text, rows in statements:
                    cursor.executemany(text.encode(), rows)
            connection.commit()

        return commit


_Place = _Sqlite | _Postgres
