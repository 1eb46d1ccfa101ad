"""Deals, orders, sessions, markets and findings, on both databases."""

from decimal import Decimal
from functools import partial

import pytest

from reconciler.domain.facts import Market, SessionNotice, Unreadable
from reconciler.domain.words import Role, Side, Source
from reconciler.inbox import Applied
from reconciler.store import schema
from reconciler.store.apply import Applier
from reconciler.store.columns import ID_MAX
from reconciler.store.engine import Database, open_database
from reconciler.store.facts import INTERRUPTED
from reconciler.store.reads import Reads
from reconciler.store.statements import LookUp
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal, order, rows


def quarantine(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT stream, reason FROM v_quarantine ORDER BY id")


def test_a_deal_is_counted_and_stored_once(database: Database) -> None:
    assert apply(database, batch(deal(1), deal(2), deal(1))) == [Applied(deals=2)]
    assert apply(database, batch(deal(2), deal(3))) == [Applied(deals=1)]
    assert [known.deal_id for known in Reads(database).deals(ACCOUNT)] == [1, 2, 3]


def test_a_self_trade_is_two_deals(database: Database) -> None:
    both = deal(1, order_id=10), deal(1, order_id=11, side=Side.SELL, role=Role.TAKER)
    assert apply(database, batch(*both)) == [Applied(deals=2)]
    assert Reads(database).deals(ACCOUNT) == list(both)


def test_every_digit_of_a_deal_comes_back(database: Database) -> None:
    seen = deal(
        1,
        price=Decimal("1234567890123456789012345678.901234567891"),
        amount=Decimal("0.000000000000000000000000000000000000000"),
        total=Decimal("9876543210987654321098765432109876543210.1234567890123456789012345678901"),
        fee=Decimal("-0.000000000001"),
    )
    apply(database, batch(seen))
    assert Reads(database).deals(ACCOUNT) == [seen]


def test_each_batch_counts_only_what_it_brought(database: Database) -> None:
    read = partial(batch, source=Source.QUERY)
    applied = apply(database, read(deal(1)), read(deal(1), deal(2)), read(order(5)))
    assert applied == [Applied(deals=1), Applied(deals=1), Applied(orders=1, orders_found=1)]


def test_of_two_that_contradict_each_other_the_first_is_believed(database: Database) -> None:
    """In one batch, in two that are applied as one, and in two transactions."""
    first, second = (partial(deal, price=Decimal(price)) for price in ("10", "11"))
    apply(database, batch(first(1), second(1)), batch(first(2)), batch(second(2)))
    apply(database, batch(first(3)))
    apply(database, batch(second(3)))
    assert [known.price for known in Reads(database).deals(ACCOUNT)] == [10, 10, 10]
    assert len(rows(database, "SELECT * FROM v_quarantine")) == 3


def test_what_a_stream_pushed_in_a_row_counts_as_one(database: Database) -> None:
    read = partial(batch, source=Source.QUERY)
    applied = apply(database, batch(deal(1)), batch(order(5)), read(deal(1)), batch(deal(2)))
    both = Applied(deals=1, orders=1, orders_found=1)
    assert applied == [both, Applied(), Applied(), Applied(deals=1)]


def test_a_further_sight_fills_in_what_was_not_said(database: Database) -> None:
    bare = deal(1, side=None, role=None, fee_asset=None)
    apply(database, batch(bare, source=Source.STREAM))
    assert apply(database, batch(deal(1), source=Source.SWEEP)) == [Applied()]
    assert Reads(database).deals(ACCOUNT) == [deal(1)]
    assert rows(database, "SELECT source FROM v_deals") == [("stream",)]


def test_two_sights_in_one_batch_are_joined(database: Database) -> None:
    bare = deal(1, side=None, role=None)
    assert apply(database, batch(bare, deal(1))) == [Applied(deals=1)]
    assert Reads(database).deals(ACCOUNT) == [deal(1)]


def test_a_deal_told_differently_is_a_finding_and_the_known_one_stays(database: Database) -> None:
    apply(database, batch(deal(1)))
    restated = batch(deal(1, price=Decimal(1)))
    assert apply(database, restated) == [Applied(unreadable=1)]
    assert Reads(database).deals(ACCOUNT) == [deal(1)]
    assert quarantine(database) == [
        ("deals", "deal 1 of order 10 restated: price was 40000.5, now 1")
    ]
    # Each sweep reads it again.
    assert apply(database, restated, now=NOON + 1) == [Applied()]


def test_an_order_is_merged_with_what_is_known(database: Database) -> None:
    partly = order(10, status="partially_filled", filled_amount=Decimal("0.1"))
    filled = order(10, status="filled", final=True, filled_amount=Decimal("0.5"))
    assert apply(database, batch(order(10), filled)) == [Applied(orders=1, orders_found=1)]
    assert apply(database, batch(partly)) == [Applied()]
    assert Reads(database).orders(ACCOUNT) == [filled]


def test_an_order_keeps_how_it_was_first_learned(database: Database) -> None:
    apply(database, batch(order(10), source=Source.QUERY))
    apply(database, batch(order(10, status="canceled", final=True), source=Source.SWEEP))
    assert rows(database, "SELECT status, source FROM v_orders") == [("canceled", "query")]


def test_any_number_of_orders_is_looked_up(database: Database) -> None:
    many = [order(id_, client_order_id=None) for id_ in range(1, 1100)]
    assert apply(database, batch(*many)) == [Applied(orders=len(many), orders_found=len(many))]
    named = [order(id_, client_order_id=f"mine-{id_}") for id_ in range(1, 1100)]
    assert apply(database, batch(*named)) == [Applied(orders=len(many))]
    assert Reads(database).open_orders(ACCOUNT) == named


def test_an_id_that_no_database_holds_is_a_finding(database: Database) -> None:
    applied = apply(database, batch(deal(ID_MAX + 1), order(-1), deal(ID_MAX), order(ID_MAX)))
    assert applied == [Applied(deals=1, orders=1, orders_found=1, unreadable=2)]
    assert [reason for _, reason in quarantine(database)] == [
        "the id does not fit into 64 bits"
    ] * 2


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\U0001f600", "'; DROP TABLE deals; --", ""])
def test_hostile_text_is_stored_and_read_again_without_contradiction(
    database: Database, text: str
) -> None:
    arrived = batch(
        deal(1, client_order_id=text),
        order(10, client_order_id=text, status=text or "open"),
        Unreadable(stream=text, reason=text, excerpt=text * 9000, received_at=NOON),
    )
    assert apply(database, arrived) == [Applied(deals=1, orders=1, orders_found=1, unreadable=1)]
    assert apply(database, arrived) == [Applied()]


def test_accounts_do_not_see_each_other(database: Database) -> None:
    apply(database, batch(deal(1), account="a"), batch(deal(1, price=Decimal(2)), account="b"))
    reads = Reads(database)
    assert reads.accounts() == ["a", "b"]
    assert [reads.deals(name)[0].price for name in ("a", "b")] == [Decimal("40000.5"), Decimal(2)]


def test_a_market_is_kept_and_brought_up_to_date(database: Database) -> None:
    perpetual = Market(name="BTC_PERP", base_asset="BTC", quote_asset="USD", kind="futures")
    listed = Market(name="BTC_PERP", base_asset="BTC", quote_asset="USDT", kind="futures")
    apply(database, batch(perpetual, deal(1, market="BTC_PERP")))
    apply(database, batch(listed))
    assert rows(database, "SELECT quote_asset FROM v_deals") == [("USDT",)]


def test_a_session_is_told_in_pieces(database: Database) -> None:
    for notice in (
        SessionNotice(session_id=1, connected_at=NOON),
        SessionNotice(session_id=1, live_at=NOON + 2, recovered_deals=0),
        SessionNotice(session_id=1, disconnected_at=NOON + 3, reason="cut"),
    ):
        apply(database, batch(notice))
    (status,) = Reads(database).status()
    assert status.session == SessionNotice(
        session_id=1,
        connected_at=NOON,
        live_at=NOON + 2,
        disconnected_at=NOON + 3,
        reason="cut",
        recovered_deals=0,
    )


def test_a_session_that_nobody_saw_end_was_interrupted(database: Database) -> None:
    apply(
        database,
        batch(SessionNotice(session_id=1, connected_at=NOON)),
        batch(SessionNotice(session_id=2, connected_at=NOON + 1)),
        batch(SessionNotice(session_id=2, disconnected_at=NOON + 2, reason="cut")),
        batch(SessionNotice(session_id=1, connected_at=NOON), account="other"),
        batch(SessionNotice(session_id=3, connected_at=NOON + 5)),
    )
    query = "SELECT account, session_id, reason FROM v_sessions ORDER BY account, session_id"
    assert rows(database, query) == [
        ("other", 1, None),
        (ACCOUNT, 1, INTERRUPTED),
        (ACCOUNT, 2, "cut"),
        (ACCOUNT, 3, None),
    ]


def test_a_transaction_rolled_back_leaves_nothing_behind(database: Database) -> None:
    applier = Applier(database)
    with database.connect() as connection:
        for _ in range(2):
            with connection.begin() as transaction:
                applied = applier.apply(connection, [batch(deal(1), order(1))], now=NOON)
                transaction.rollback()
            assert applied == [Applied(deals=1, orders=1, orders_found=1)]
    assert Reads(database).accounts() == []


def test_sqlite_looks_rows_up_by_their_whole_key(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.reading() as connection:
        for table, by in ((schema.deals, ["order_id", "deal_id"]), (schema.orders, ["order_id"])):
            query = LookUp(database.dialect, table, by=by)._text(8)
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {query}", (1,) * query.count("?")
            ).all()
            key = " AND ".join(f"{name}=?" for name in ["account_id", *by])
            assert f"SEARCH {table.name} USING PRIMARY KEY ({key})" in [row[3] for row in plan]
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM v_open_orders WHERE account = 'x'"
        ).all()
        assert any("SEARCH o USING INDEX ix_orders_open" in row[3] for row in plan)
