from reconciler.domain.facts import GapNotice, SessionNotice
from reconciler.domain.words import GapState, Wallet
from reconciler.inbox import Span
from reconciler.store.engine import Database, open_database
from reconciler.store.reads import Gap, KnownBalance, Reads
from tests.store.samples import (
    ACCOUNT,
    NOON,
    apply,
    balance,
    batch,
    deal,
    order,
    report,
    transaction,
)


def test_of_an_unknown_account_nothing_is_known(database: Database) -> None:
    reads = Reads(database)
    assert reads.newest_deal_at("nobody") is None
    assert reads.covered_until("nobody", "deals") is None
    assert reads.newest_session_id("nobody") is None
    assert reads.unproven("nobody", "deals", 1, 3) == ((1, 3),)
    assert reads.open_orders("nobody") == []
    assert reads.transactions("nobody") == reads.unsettled("nobody") == []
    assert reads.movements("nobody") == []
    assert reads.gaps("nobody") == []
    assert reads.refused_streams("nobody") == []
    assert reads.used_up("nobody") is None
    assert reads.status() == []


def test_the_newest_deal_is_the_one_executed_last(database: Database) -> None:
    apply(database, batch(deal(1, executed_at=NOON + 5), deal(2, executed_at=NOON)))
    assert Reads(database).newest_deal_at(ACCOUNT) == NOON + 5


def test_open_orders_come_whole_and_by_id(database: Database) -> None:
    apply(database, batch(order(3), order(1), order(2, final=True, status="filled")))
    assert Reads(database).open_orders(ACCOUNT) == [order(1), order(3)]


def test_balances_come_by_wallet_and_asset(database: Database) -> None:
    apply(database, batch(report(0, balance("USDT", "0"), balance("BTC", "1.5", "0.5"))))
    assert Reads(database).balances(ACCOUNT) == [
        KnownBalance(wallet=Wallet.SPOT, balance=balance("BTC", "1.5", "0.5"), observed_at=NOON),
        KnownBalance(wallet=Wallet.SPOT, balance=balance("USDT", "0"), observed_at=NOON),
    ]


def test_unsettled_are_those_that_may_still_change(database: Database) -> None:
    waiting = [transaction(str(n), status=status) for n, status in enumerate(["frozen", "99"])]
    settled = [transaction(status, status=status) for status in ("success", "canceled")]
    apply(database, batch(*settled, *waiting))
    assert Reads(database).unsettled(ACCOUNT) == waiting
    apply(database, batch(transaction("1", status="success")))
    assert Reads(database).unsettled(ACCOUNT) == waiting[:1]


def test_sqlite_finds_the_unsettled_without_reading_the_rest(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    query = Reads(database)._unsettled._prepared[0]
    with database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (ACCOUNT, ACCOUNT)).all()
    assert any("COVERING INDEX ix_transactions_unsettled" in row[3] for row in plan)


def test_gaps_come_by_stream_and_time_with_all_that_is_known(database: Database) -> None:
    apply(
        database,
        batch(
            GapNotice(stream="orders", since=NOON, until=NOON + 9, reason="first start"),
            GapNotice(
                stream="deals",
                since=NOON,
                until=NOON + 5,
                reason="older than six months",
                state=GapState.UNREACHABLE,
            ),
            spans=[Span(stream="orders", since=NOON, until=NOON + 9)],
        ),
        now=NOON + 20,
    )
    assert Reads(database).gaps(ACCOUNT) == [
        Gap(
            stream="deals",
            since=NOON,
            until=NOON + 5,
            reason="older than six months",
            state=GapState.UNREACHABLE,
            closed_at=None,
        ),
        Gap(
            stream="orders",
            since=NOON,
            until=NOON + 9,
            reason="first start",
            state=GapState.CLOSED,
            closed_at=NOON + 20,
        ),
    ]


def test_the_newest_session_has_the_greatest_id(database: Database) -> None:
    for id_ in (2, 1):
        apply(database, batch(SessionNotice(session_id=id_, connected_at=NOON)))
    assert Reads(database).newest_session_id(ACCOUNT) == 2
