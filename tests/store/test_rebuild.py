"""The law of the books: whatever arrives, in whatever order and batches, the journal that grew with
it is the one that the facts and conclusions make."""

import random
from collections.abc import Sequence
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import (
    Balance,
    BalanceReport,
    Deal,
    Fact,
    Market,
    Movement,
)
from reconciler.domain.moments import SECOND
from reconciler.domain.words import MovementKind, Side, TransactionKind, Wallet
from reconciler.inbox import Span
from reconciler.store.engine import Database, open_database
from reconciler.store.facts import Facts
from reconciler.store.rebuild import Rebuild
from tests.store.samples import (
    ACCOUNT,
    NOON,
    applier,
    apply,
    batch,
    deal,
    movement,
    order,
    rows,
    transaction,
)

small = st.integers(0, 3)
assets = st.sampled_from(["BTC", "USDT"])


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    id_ = draw(small)
    side = draw(st.sampled_from([None, Side.BUY, Side.SELL]))
    fee_asset = draw(st.sampled_from([None, "BTC", "USDT", "WBT"]))
    # What a deal says never changes; what a spelling leaves out may come later.
    market = ["BTC_USDT", "ETH_USDT", "BTC_PERP", "BTC_USDT"][id_]
    return deal(
        id_,
        order_id=id_ % 3,
        market=market,
        side=side and Side.BUY,
        fee=Decimal("0.001"),
        fee_asset=fee_asset and "USDT",
        executed_at=NOON + id_ * SECOND,
    )


orders = st.builds(
    lambda id_, type_, final: order(
        id_, market=["BTC_USDT", "ETH_USDT", "BTC_PERP"][id_], type=type_, final=final
    ),
    st.integers(0, 2),
    st.sampled_from(["limit", "limit", "stop_limit"]),
    st.booleans(),
)
margin_orders = st.builds(lambda id_: order(id_, type="margin_limit"), st.integers(4, 6))
margin_deals = st.builds(lambda id_: deal(id_, order_id=id_), st.integers(4, 6))
transactions = st.builds(
    lambda id_, kind, status, asset: transaction(
        id_,
        kind=kind,
        status=status,
        asset=asset,
        fee=Decimal("0.5"),
        processed_amount=Decimal(10) if status == "partial" else None,
        processed_fee=Decimal("0.1") if status == "partial" else None,
    ),
    st.sampled_from(["a", "b"]),
    st.sampled_from(TransactionKind),
    st.sampled_from(["pending", "confirming", "frozen", "success", "partial", "canceled"]),
    st.just("USDT"),
)


@st.composite
def movements(draw: st.DrawFn) -> Movement:
    kind = draw(st.sampled_from(MovementKind))
    settled = draw(st.booleans())
    of_market = kind in (MovementKind.POSITION, MovementKind.FUNDING, MovementKind.DELISTING)
    return movement(
        draw(st.sampled_from(["x", "y"])),
        kind=kind,
        settled=settled,
        status="done" if settled else "pending",
        wallet=None if kind is MovementKind.CONVERSION else Wallet.MAIN,
        asset=None if of_market else "BTC",
        market="BTC_USDT" if of_market else None,
        fee=Decimal("0.01") if kind is MovementKind.DELISTING else None,
        amount=Decimal("-0.25"),
    )


markets = st.sampled_from(
    [
        Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot"),
        Market(name="ETH_USDT", base_asset="ETH", quote_asset="USDT", kind="spot"),
        Market(name="BTC_PERP", base_asset="BTC", quote_asset="USDT", kind="futures"),
    ]
)
reports = st.builds(
    lambda wallet, asset, total, complete: BalanceReport(
        wallet=wallet,
        balances=(Balance(asset=asset, available=total, frozen=None, borrowed=None, total=total),),
        complete=complete,
        observed_at=0,
    ),
    st.sampled_from([Wallet.SPOT, Wallet.MAIN]),
    assets,
    st.sampled_from(["0", "1", "250"]).map(Decimal),
    st.booleans(),
)
spans = st.integers(0, 60).map(lambda n: NOON + n * SECOND)
arrivals = st.lists(
    deals() | orders | margin_orders | margin_deals | transactions | movements() | markets
    | reports | spans,
    min_size=1,
    max_size=25,
)  # fmt: skip
law = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


ACCOUNTS = count()


def check_the_law(url: str, arrived: Sequence[Fact | int], seed: int) -> None:
    """For an account of its own, as all examples share a database."""
    database, account = open_database(url), f"account {next(ACCOUNTS)}"
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM markets")
    chance, left, now = random.Random(seed), list(arrived), NOON
    while left:
        size = chance.randint(1, 6)
        some, left = left[:size], left[size:]
        now += chance.randint(1, 20) * SECOND
        facts = [
            replace(one, observed_at=now) if isinstance(one, BalanceReport) else one
            for one in some
            if not isinstance(one, int)
        ]
        covered = [
            Span(stream=stream, since=NOON - SECOND, until=until)
            for until in some
            if isinstance(until, int)
            for stream in ("deals", "orders")
        ]
        with database.writing() as connection:
            arrives = batch(*facts, spans=covered, account=account)
            applier(database).apply(connection, [arrives], now=now)
    assert differences(database, account) == []


def differences(database: Database, account: str = ACCOUNT) -> list[str]:
    with database.writing() as connection:
        id_ = Facts(database.dialect).account_id(connection, account)
    with database.reading() as connection:
        return [str(one) for one in Rebuild(database.dialect).differences(connection, id_)]


@law
@given(arrived=arrivals, seed=st.integers(0, 2**32))
def test_on_sqlite_the_facts_make_the_journal(
    sqlite_url: str, arrived: list[Fact | int], seed: int
) -> None:
    check_the_law(sqlite_url, arrived, seed)


@law
@given(arrived=arrivals, seed=st.integers(0, 2**32))
def test_on_postgresql_the_facts_make_the_journal(
    postgres_url: str, arrived: list[Fact | int], seed: int
) -> None:
    check_the_law(postgres_url, arrived, seed)


MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")


def test_what_was_changed_by_hand_is_named(database: Database) -> None:
    apply(database, batch(MARKET, order(10), deal(1), deal(2, executed_at=NOON + SECOND)))
    assert differences(database) == []
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE books SET balance = '7' WHERE book = 'expenses:fees'")
        connection.exec_driver_sql(
            "UPDATE postings SET balance_after = '9' WHERE asset = 'BTC' AND entry_id = 1"
        )
    assert differences(database) == [
        "book expenses:fees USDT: 7 in the journal, 0.000000000002 by the facts",
        "line assets:spot:BTC BTC at 2026-01-02T12:00:00.123456Z: "
        "9 in the journal, 0.25 by the facts",
    ]


def test_a_fact_that_was_never_posted_is_found(database: Database) -> None:
    apply(database, batch(MARKET, order(10), deal(1)))
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE deals SET amount = '0.5' WHERE deal_id = 1")
    found = differences(database)
    assert "book assets:spot:BTC BTC: 0.25 in the journal, 0.5 by the facts" in found
    assert "line assets:spot:BTC BTC: 0.25 in the journal, 0.5 by the facts" in found
    assert "turnover trading:BTC_USDT BTC: -0.25 in the journal, -0.5 by the facts" in found
    assert rows(database, "SELECT count(*) FROM v_deals") == [(1,)]


def test_a_deal_posted_as_spot_stays_it_when_it_is_told_again(database: Database) -> None:
    covered = [Span(stream=stream, since=NOON, until=NOON + SECOND) for stream in ("orders",)]
    apply(database, batch(MARKET, deal(1)))
    apply(database, batch(spans=covered))
    apply(database, batch(deal(1)))
    assert differences(database) == []
    assert rows(database, "SELECT count(*) FROM v_ledger WHERE kind = 'deal'") != [(0,)]


def test_a_movement_waits_for_its_market(database: Database) -> None:
    profit = movement("p", kind=MovementKind.POSITION, asset=None, market="BTC_USDT")
    apply(database, batch(replace(profit, wallet=Wallet.COLLATERAL)))
    assert rows(database, "SELECT count(*) FROM v_ledger") == [(0,)]
    apply(database, batch(MARKET))
    assert rows(database, "SELECT count(*) FROM v_ledger") != [(0,)]
    assert differences(database) == []
