"""What a question to a record of a million deals costs: the balance of a moment, the statement of a
month and the status, asked as users do.

The tables are filled by SQL, since how they are filled is not measured here: one account, a deal
every half minute for a year, each of an order of its own, one bought and the next one sold.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory

from bench import ours
from bench.rounds import Case, Figures, Outcome, measured
from reconciler.store.engine import Database, open_database
from reconciler.store.migrate import upgrade
from reconciler.store.reads import Reads
from tests.cookbook import query
from tests.postgres import NoPostgres, Postgres, postgres

DEALS = 1_000_000
QUESTIONS = (
    "The balance of a moment",
    "The lines of a statement",
    "The statement of a month",
    "Balances at the end of a month",
)


def measure(rounds: int, quick: bool) -> list[Outcome]:
    """On SQLite, then on PostgreSQL."""
    outcomes = []
    deals = DEALS // 20 if quick else DEALS
    with ExitStack() as stack:
        databases = [("SQLite", ours.sqlite(stack.enter_context(TemporaryDirectory())))]
        try:
            databases.append(("PostgreSQL", _postgres(stack.enter_context(postgres()))))
        except NoPostgres as reason:
            print(f"(no PostgreSQL: {reason})\n")
        for name, database in databases:
            fill(database, deals)
            cases = [
                Case(name=title, run=partial(_timed, partial(_ask, database, query(title))))
                for title in QUESTIONS
            ]
            status = partial(_timed, Reads(database).status)
            cases.append(Case(name="reconciler status", run=status))
            outcomes.append(measured(f"books: {name}, {deals:,} deals", cases, rounds))
    return outcomes


def _postgres(server: Postgres) -> Database:
    database = open_database(server.url(server.create()))
    upgrade(database)
    return database


def _ask(database: Database, text: str) -> None:
    with database.reading() as connection:
        connection.execution_options(no_parameters=True).exec_driver_sql(text).all()


def _timed(ask: Callable[[], object]) -> Figures:
    """With a connection of its own, as a command has."""
    began = time.perf_counter()
    ask()
    return {"ms": (time.perf_counter() - began) * 1000}


def fill(database: Database, deals: int) -> None:
    """Deals, orders, postings, turnovers and counts."""
    is_sqlite = database.dialect.name == "sqlite"
    with database.writing() as connection:
        for statement in (_SQLITE if is_sqlite else _POSTGRESQL).split(";\n"):
            connection.exec_driver_sql(statement.replace(":deals", str(deals)))
    if not is_sqlite:
        with database.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                "VACUUM ANALYZE"
            )


_SQLITE = """
CREATE TEMP TABLE n (n INTEGER PRIMARY KEY, at INTEGER, stamp TEXT, bought INTEGER);
INSERT INTO accounts (name) VALUES ('treasury');
INSERT INTO markets VALUES ('BTC_USDT', 'BTC', 'USDT', 'spot');
WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :deals)
INSERT INTO n SELECT n, 1767225600000000 + n * (31536000000000 / :deals) AS at,
    strftime('%Y-%m-%dT%H:%M:%S', (1767225600000000 + n * (31536000000000 / :deals)) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (1767225600000000 + n * (31536000000000 / :deals)) % 1000000), n % 2
    FROM s;
INSERT INTO deals SELECT 1, 5000000 + n, 9000000 + n, 'BTC_USDT', iif(bought, 'buy', 'sell'),
    'maker', '40000.5', '0.25', '10000.125', '0.000000000001', 'USDT', NULL, at, 'stream' FROM n;
INSERT INTO orders SELECT 1, 5000000 + n, 'BTC_USDT', iif(bought, 'buy', 'sell'), 'limit',
    iif(n < 100, 'open', 'filled'), n >= 100, '40000.5', '0.25', '0.25', '10000.125',
    '0.000000000001', '0', 'USDT', NULL, at, at, at, 'stream' FROM n;
INSERT INTO postings SELECT 1, 'spot', 'BTC', stamp, n, 0, NULL, 'deal', n || ':' || n,
    iif(bought, '0.25', '-0.25'), '0', iif(bought, '-0.25', '0.25'), 'trading:BTC_USDT',
    'expenses:fees', iif(bought, '0.25', '0') FROM n;
INSERT INTO postings SELECT 1, 'spot', 'USDT', stamp, n, 1, NULL, 'deal', n || ':' || n,
    iif(bought, '-10000.125', '10000.125'), '0.000000000001',
    iif(bought, '10000.125', '-10000.125'), 'trading:BTC_USDT', 'expenses:fees',
    iif(bought, '-10000.125', '0') FROM n;
INSERT INTO turnovers SELECT 1, substr(stamp, 1, 10), 'assets:spot:BTC', 'BTC', 'deal',
    decimal_sum(iif(bought, '0.25', '-0.25')) FROM n GROUP BY 2;
INSERT INTO turnovers SELECT 1, substr(stamp, 1, 10), 'assets:spot:USDT', 'USDT', 'deal',
    decimal_sum(iif(bought, '-10000.125', '10000.125')) FROM n GROUP BY 2;
INSERT INTO counts SELECT 1, count(*), count(*) FROM n
"""

_POSTGRESQL = """
CREATE TEMP TABLE n AS SELECT n, mod(n, 2) = 1 AS bought,
    to_timestamp(1767225600) + n * (interval '365 days' / :deals) AS at
    FROM generate_series(1, :deals) AS s (n);
INSERT INTO accounts (name) VALUES ('treasury');
INSERT INTO markets VALUES ('BTC_USDT', 'BTC', 'USDT', 'spot');
INSERT INTO deals SELECT 1, 5000000 + n, 9000000 + n, 'BTC_USDT',
    CASE WHEN bought THEN 'buy' ELSE 'sell' END,
    'maker', 40000.5, 0.25, 10000.125, 0.000000000001, 'USDT', NULL, at, 'stream' FROM n;
INSERT INTO orders SELECT 1, 5000000 + n, 'BTC_USDT', CASE WHEN bought THEN 'buy' ELSE 'sell' END,
    'limit', CASE WHEN n < 100 THEN 'open' ELSE 'filled' END, n >= 100, 40000.5, 0.25, 0.25,
    10000.125, 0.000000000001, 0, 'USDT', NULL, at, at, at, 'stream' FROM n;
INSERT INTO postings SELECT 1, 'spot', 'BTC', at, n, 0, NULL, 'deal', n || ':' || n,
    CASE WHEN bought THEN 0.25 ELSE -0.25 END, 0, CASE WHEN bought THEN -0.25 ELSE 0.25 END,
    'trading:BTC_USDT', 'expenses:fees', CASE WHEN bought THEN 0.25 ELSE 0 END FROM n;
INSERT INTO postings SELECT 1, 'spot', 'USDT', at, n, 1, NULL, 'deal', n || ':' || n,
    CASE WHEN bought THEN -10000.125 ELSE 10000.125 END, 0.000000000001,
    CASE WHEN bought THEN 10000.125 ELSE -10000.125 END, 'trading:BTC_USDT', 'expenses:fees',
    CASE WHEN bought THEN -10000.125 ELSE 0 END FROM n;
INSERT INTO turnovers SELECT 1, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'assets:spot:BTC',
    'BTC', 'deal', sum(CASE WHEN bought THEN 0.25 ELSE -0.25 END) FROM n GROUP BY 2;
INSERT INTO turnovers SELECT 1, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'assets:spot:USDT',
    'USDT', 'deal', sum(CASE WHEN bought THEN -10000.125 ELSE 10000.125 END) FROM n GROUP BY 2;
INSERT INTO counts SELECT 1, count(*), count(*) FROM n
"""
