"""The SQL cookbook: every query runs as it stands on both databases, through `psql`, the `sqlite3`
shell and our own connection, with the same figures; and these are what the facts say."""

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import make_url

from reconciler.domain.facts import Deal, Fact, GapNotice, Market, Unreadable
from reconciler.domain.moments import DAY, from_iso
from reconciler.domain.money import canonical
from reconciler.domain.words import Side, Source, TransactionKind
from reconciler.inbox import Span
from reconciler.store.engine import Database, open_database
from tests.cookbook import QUERIES, query
from tests.store.samples import apply, batch, deal, movement, order, report, transaction
from tests.store.samples import balance as reported

MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
SPOT = 10
EMPTY = {"The trial balance", "Open drifts"}
"""Of a record in which nothing is wrong."""

Table = list[tuple[str, ...]]


def at(text: str) -> int:
    return from_iso(f"2026-{text}")


def trade(
    number: int,
    when: str,
    side: Side,
    amount: str,
    price: str,
    fee: str,
    fee_asset: str,
    **more: int,
) -> Deal:
    return deal(
        number,
        executed_at=at(when),
        side=side,
        amount=Decimal(amount),
        price=Decimal(price),
        total=Decimal(amount) * Decimal(price),
        fee=Decimal(fee),
        fee_asset=fee_asset,
        **more,
    )


BUY, SELL = Side.BUY, Side.SELL
DEALS = [
    trade(1, "01-02T10:00:00.000001", BUY, "3", "100.1", "0.003", "BTC"),
    trade(2, "01-15T09:00:00", BUY, "1", "200.25", "-0.000000000001", "USDT"),
    trade(3, "01-15T13:00:00", SELL, "1.5", "150.0000000001", "0.1", "USDT"),
    trade(4, "01-31T23:59:59.999999", SELL, "0.5", "160", "0.01", "WBT"),
    trade(5, "02-01T00:00:00", SELL, "5", "170", "0.2", "USDT"),
    trade(6, "02-03T00:00:00", BUY, "0.25", "155", "0", "USDT"),
    trade(6, "02-03T00:00:00", SELL, "0.25", "155", "0", "USDT", order_id=SPOT + 1),
]
TRANSACTIONS = [
    transaction("d1", amount=Decimal("1000.5"), fee=Decimal("0.5"), status="success"),
    transaction(
        "w1",
        kind=TransactionKind.WITHDRAWAL,
        amount=Decimal(70),
        fee=Decimal("1.25"),
        status="success",
        created_at=at("02-04T00:00:00"),
    ),
]
CONVERSION = movement("c1", amount=Decimal("-0.25"), occurred_at=at("01-20T00:00:00"))


def fill(url: str, *, gap: bool = True) -> Database:
    database = open_database(url)
    orders = [
        order(SPOT, filled_amount=Decimal(11)),
        order(SPOT + 1, side=SELL, remaining=Decimal("0.75"), filled_amount=Decimal("0.25")),
        order(SPOT + 2, remaining=Decimal("0.125"), price=Decimal("99.000001")),
    ]
    spans = [
        Span(stream=stream, since=at("01-01"), until=at("03-01")) for stream in ("deals", "orders")
    ]
    rest: list[Fact] = [*TRANSACTIONS, CONVERSION, report(0, reported("ETH", "7"))]
    rest.append(
        Unreadable(stream="deals", reason="no price", excerpt="[1]", received_at=at("01-05"))
    )
    if gap:
        missing = GapNotice(stream="codes", since=at("01-08"), until=at("01-09"), reason="down")
        rest.append(missing)
    apply(
        database,
        batch(MARKET, *orders, *DEALS[:4]),
        batch(*DEALS[4:], source=Source.SWEEP),
        batch(*rest, spans=spans),
        now=at("03-01"),
    )
    later = report(20 * DAY, reported("ETH", "8"))
    apply(database, batch(later), now=at("03-01"))
    return database


def ask(database: Database, text: str) -> Table:
    with database.reading() as connection:
        found = connection.execution_options(no_parameters=True).exec_driver_sql(text)
        return [tuple(map(plain, row)) for row in found]


def plain(value: object) -> str:
    """One spelling of amounts, moments and nothing."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if value is None:
        return ""
    text = str(value)
    try:
        return canonical(Decimal(text))
    except ArithmeticError:
        pass
    try:
        return plain(datetime.fromisoformat(text)) if "T" not in text and ":" in text else text
    except ValueError:
        return text


def figures(database: Database, title: str) -> Table:
    """Without the account's name."""
    return [row[1:] for row in ask(database, query(title))]


def test_both_databases_say_the_same(sqlite_url: str, postgres_url: str) -> None:
    one, other = fill(sqlite_url), fill(postgres_url)
    for title, text in QUERIES.items():
        found = ask(one, text)
        assert found == ask(other, text), title
        assert bool(found) == (title not in EMPTY), title


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="there is no sqlite3 shell")
def test_the_sqlite_shell_says_the_same(sqlite_url: str) -> None:
    database = fill(sqlite_url)
    shell = ["sqlite3", "-readonly", "-csv", "-separator", ",", str(database.url.database)]
    for title, text in QUERIES.items():
        assert told(shell, text) == ask(database, text), title


@pytest.mark.skipif(shutil.which("psql") is None, reason="there is no psql")
def test_psql_says_the_same_in_any_time_zone(postgres_url: str) -> None:
    database = fill(postgres_url)
    url = make_url(postgres_url)
    shell = ["psql", "-X", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-U", str(url.username)]
    shell += ["-h", str(url.query["host"]), "-d", str(url.database)]
    for title, text in QUERIES.items():
        assert told(shell, text) == ask(database, text), title


def told(shell: Sequence[str], text: str) -> Table:
    environment = os.environ | {"PGTZ": "Asia/Tokyo"}
    done = subprocess.run(
        shell, input=text, env=environment, capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return [tuple(map(plain, row)) for row in csv.reader(done.stdout.splitlines())]


# What the facts say, added up by hand


def spot(until: str) -> tuple[str, str, str]:
    """BTC, USDT and WBT in spot after the deals before a moment."""
    held = {"BTC": Decimal(0), "USDT": Decimal(0), "WBT": Decimal(0)}
    for each in DEALS:
        if each.executed_at < at(until):
            sign = 1 if each.side is BUY else -1
            held["BTC"] += sign * each.amount
            held["USDT"] -= sign * each.total
            held[str(each.fee_asset)] -= each.fee
    btc, usdt, wbt = (canonical(held[asset]) for asset in ("BTC", "USDT", "WBT"))
    return btc, usdt, wbt


def test_balances_are_those_of_the_facts(database_url: str) -> None:
    database = fill(database_url)
    month = {row[:2]: row[2] for row in figures(database, "Balances at the end of a month")}
    moment = {row[:2]: row[2] for row in figures(database, "The balance of a moment")}
    for found, until in ((month, "02-01T00:00:00"), (moment, "01-15T12:00:00")):
        amounts = (found.get((f"assets:spot:{a}", a), "0") for a in ("BTC", "USDT", "WBT"))
        assert tuple(amounts) == spot(until)
        assert found["assets:main:USDT", "USDT"] == "1000"


def test_a_statement_opens_moves_and_closes(database_url: str) -> None:
    database = fill(database_url, gap=False)
    rows = {row[0]: row[2:] for row in figures(database, "The statement of a month")}
    assert rows["assets:main:USDT"] == ("0", "0", "1000", "0", "0", "1000", "0")
    usdt = spot("02-01T00:00:00")[1]
    assert rows["assets:spot:USDT"] == ("0", usdt, "0", "0", "0", usdt, "0")
    for opening, deals, deposits, withdrawals, others, closing, _ in rows.values():
        parts = (opening, deals, deposits, withdrawals, others)
        assert sum(map(Decimal, parts), Decimal(0)) == Decimal(closing)


def test_a_statement_does_not_close_over_missing_data(database_url: str) -> None:
    for row in figures(fill(database_url), "The statement of a month"):
        assert row[-2:] == ("", "1")


def test_fees_volume_and_movements_are_those_of_the_facts(database_url: str) -> None:
    database = fill(database_url)
    fees = [row for row in figures(database, "Fees by month and asset") if row[0] == "2026-01"]
    assert fees == [
        ("2026-01", "expenses:fees", "BTC", "0.003"),
        ("2026-01", "expenses:fees", "USDT", canonical(Decimal("0.599999999999"))),
        ("2026-01", "expenses:fees", "WBT", "0.01"),
    ]
    assert figures(database, "Traded volume by month and market") == [
        ("2026-01", "BTC_USDT", "buy", "2", "4", "500.55"),
        ("2026-01", "BTC_USDT", "sell", "2", "2", "305.00000000015"),
        ("2026-02", "BTC_USDT", "buy", "1", "0.25", "38.75"),
        ("2026-02", "BTC_USDT", "sell", "2", "5.25", "888.75"),
    ]
    assert figures(database, "Deposits and withdrawals by month") == [
        ("2026-01", "USDT", "deposit", "1000.5"),
        ("2026-02", "USDT", "withdrawal", "-68.75"),
    ]
    amounts = [row[2:] for row in figures(database, "Conversions")]
    assert amounts == [("BTC", "-0.25"), ("USDT", "10000.125")]


def test_results_are_those_of_the_facts(database_url: str) -> None:
    """2.997 BTC for 300.3, then 1 for 200.249999999999; sold 1.5, 0.5 and, of 5, the rest."""
    database = fill(database_url)
    paid = Decimal("300.3") + Decimal("200.249999999999")
    (fifo,) = figures(database, "Results by first in, first out")
    (average,) = figures(database, "Results at average cost")
    for _, _, sold, proceeds, cost, result, without in (fifo, average):
        # All that was bought is sold, so all that was paid is cost, by either method.
        assert Decimal(cost) == paid + Decimal("38.75")
        assert Decimal(result) == Decimal(proceeds) - Decimal(cost)
        assert (sold, without) == ("4.247", "3.003")


def test_orders_and_the_record_itself(database_url: str) -> None:
    database = fill(database_url)
    assert figures(database, "Locked by open orders") == [
        ("BTC_USDT", "buy", "2", canonical(Decimal("20000.25") + Decimal("12.375000125"))),
        ("BTC_USDT", "sell", "1", "0.75"),
    ]
    assert figures(database, "Trades with oneself") == [("BTC_USDT", "6", "10", "11")]
    assert figures(database, "Orders whose fills differ from their deals") == [
        ("10", "BTC_USDT", "11", "-0.25")
    ]
    assert figures(database, "What was learned late") == [("2026-02", "sweep", "3")]
    assert [row[0] for row in figures(database, "What is missing")] == ["codes"]
    assert [row[1:3] for row in figures(database, "What could not be understood")] == [
        ("deals", "no price")
    ]
    history = [row[1:3] for row in figures(database, "The history of one order")]
    assert history == [("open", "2026-01-02T12:00:00.123456Z")]
