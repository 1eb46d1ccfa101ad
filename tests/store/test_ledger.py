"""The rows of the books: whatever the order of arrival, the balances after each line are right."""

from decimal import Decimal
from itertools import count, groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from reconciler.domain.moments import SECOND, from_iso
from reconciler.domain.words import Wallet
from reconciler.ledger.entry import Entry, Leg
from reconciler.store.engine import Database
from reconciler.store.ledger import Ledger
from tests.store.samples import rows

START = from_iso("2026-01-02T23:59:50Z")
AMOUNTS = st.integers(-(10**6), 10**6).map(lambda n: Decimal(n).scaleb(-4))


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    return Leg(
        wallet=draw(st.sampled_from([Wallet.SPOT, Wallet.MAIN, None])),
        asset=draw(st.sampled_from(["BTC", "USDT"])),
        amount=draw(AMOUNTS),
        fee=draw(AMOUNTS),
        contra=draw(st.sampled_from(["trading:BTC_USDT", "external:deposits"])),
    )


@st.composite
def entries(draw: st.DrawFn, reference: str = "") -> Entry:
    return Entry(
        kind="deal",
        reference=reference,
        occurred_at=START + draw(st.integers(0, 30)) * SECOND,
        legs=tuple(draw(st.lists(legs(), min_size=1, max_size=3))),
    )


def referenced(lists: list[list[Entry]]) -> list[list[Entry]]:
    numbers = count()
    return [
        [
            Entry(
                kind=entry.kind,
                reference=str(next(numbers)),
                occurred_at=entry.occurred_at,
                legs=entry.legs,
            )
            for entry in batch
        ]
        for batch in lists
    ]


NUMBERS = count(1_000)


def account(connection: Connection) -> int:
    """A new one each time, as hypothesis shares the database between examples."""
    number = next(NUMBERS)
    connection.exec_driver_sql(
        f"INSERT INTO accounts (account_id, name) VALUES ({number}, 'a{number}')"
    )
    return number


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(entries(), max_size=6), max_size=5).map(referenced))
def test_each_line_has_the_balance_after_it_whatever_the_order_of_arrival(
    database: Database, batches: list[list[Entry]]
) -> None:
    ledger = Ledger(database.dialect)
    with database.writing() as connection:
        number = account(connection)
        for batch in batches:
            ledger.post(connection, number, batch)
    lines = rows(
        database,
        "SELECT coalesce(wallet, ''), asset, amount, balance_after FROM v_ledger"
        f" WHERE account = 'a{number}' AND balance_after IS NOT NULL"
        " ORDER BY coalesce(wallet, ''), asset, occurred_at, entry_id, amount",
    )
    posted = [leg for batch in batches for entry in batch for leg in entry.legs]
    assert len(lines) == len(posted)
    # Of one entry several legs may name one place; their order among themselves is the entry's.
    stored = rows(
        database,
        "SELECT p.wallet, p.asset, p.amount, p.balance_after FROM postings AS p"
        f" WHERE p.account_id = {number}"
        " ORDER BY p.wallet, p.asset, p.occurred_at, p.entry_id, p.leg",
    )
    for _, of_place in groupby(stored, key=lambda row: row[:2]):
        total = Decimal(0)
        for _, _, amount, balance in of_place:
            total += Decimal(amount)
            assert Decimal(balance) == total


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(entries(), max_size=6), max_size=4).map(referenced))
def test_every_asset_sums_to_zero_and_every_book_to_its_postings(
    database: Database, batches: list[list[Entry]]
) -> None:
    ledger = Ledger(database.dialect)
    with database.writing() as connection:
        number = account(connection)
        for batch in batches:
            ledger.post(connection, number, batch)
    where = f"WHERE account = 'a{number}'"
    sums: dict[tuple[str, str], Decimal] = {}
    for book, asset, amount in rows(database, f"SELECT book, asset, amount FROM v_ledger {where}"):
        sums[book, asset] = sums.get((book, asset), Decimal(0)) + Decimal(amount)
    balances = rows(database, f"SELECT book, asset, balance FROM v_trial_balance {where}")
    turned = rows(database, f"SELECT book, asset, amount FROM v_turnovers {where}")
    by_day: dict[tuple[str, str], Decimal] = {}
    for book, asset, amount in turned:
        by_day[book, asset] = by_day.get((book, asset), Decimal(0)) + Decimal(amount)
    assert {(b, a): Decimal(n) for b, a, n in balances if Decimal(n)} == nonzero(sums)
    assert nonzero(by_day) == nonzero(sums)
    for asset in {asset for _, asset in sums}:
        assert sum(n for (_, a), n in sums.items() if a == asset) == 0


def nonzero(sums: dict[tuple[str, str], Decimal]) -> dict[tuple[str, str], Decimal]:
    return {key: value for key, value in sums.items() if value}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(entries("7"), min_size=1, max_size=4))
def test_a_fact_that_changes_is_amended_to_what_it_says_last(
    database: Database, versions: list[Entry]
) -> None:
    ledger = Ledger(database.dialect)
    with database.writing() as connection:
        number = account(connection)
        for entry in versions:
            ledger.amend(connection, number, [entry])
            ledger.amend(connection, number, [entry])
    said: dict[tuple[str, str], Decimal] = {}
    for posting in versions[-1].postings():
        key = posting.book, posting.asset
        said[key] = said.get(key, Decimal(0)) + posting.amount
    found = rows(
        database, f"SELECT book, asset, balance FROM v_trial_balance WHERE account = 'a{number}'"
    )
    assert nonzero({(b, a): Decimal(n) for b, a, n in found}) == nonzero(said)


def test_the_ledger_around_a_moment(database: Database) -> None:
    """What was before, what lies within, and what may have happened within although it began
    before."""

    def entry(reference: str, at: int, amount: str, latest: int | None = None) -> Entry:
        leg = Leg(wallet=Wallet.MAIN, asset="BTC", amount=Decimal(amount), contra="x")
        return Entry(
            kind="deposit",
            reference=reference,
            occurred_at=START + at,
            latest_at=None if latest is None else START + latest,
            legs=(leg,),
        )

    ledger = Ledger(database.dialect)
    with database.writing() as connection:
        number = account(connection)
        ledger.post(
            connection,
            number,
            [
                entry("b", 20, "2", 60),
                entry("a", 10, "1"),
                entry("c", 50, "4"),
                entry("d", 90, "8"),
            ],
        )
        stretch = ledger.around(connection, number, ("main", "BTC"), START + 40, START + 70)
        assert ledger.first_at(connection, number, ("main", "BTC")) == START + 10
        assert ledger.balance(connection, number, ("main", "BTC")) == Decimal(15)
    assert stretch.before == Decimal(3)
    assert [line.amount for line in stretch.lines] == [Decimal(4)]
    assert [(line.amount, line.latest_at) for line in stretch.floating] == [
        (Decimal(2), START + 60)
    ]


@pytest.mark.parametrize("asset", ["BTC", "<b>&'\"", "é"])
def test_odd_names_are_only_names(database: Database, asset: str) -> None:
    ledger = Ledger(database.dialect)
    leg = Leg(wallet=Wallet.SPOT, asset=asset, amount=Decimal("0.5"), contra="equity:opening")
    with database.writing() as connection:
        number = account(connection)
        ledger.post(
            connection,
            number,
            [Entry(kind="opening", reference=asset, occurred_at=START, legs=(leg,))],
        )
    assert rows(database, f"SELECT asset FROM v_ledger WHERE account = 'a{number}'") == [
        (asset,),
        (asset,),
    ]
