"""What open orders hold back: as documented, and in the ways that nobody documents."""

from decimal import Decimal

from reconciler.simulator.records import Balance, Fees, Freezing
from tests.simulator.trading import D, an_engine, limit, spot, stop


def test_a_stop_freezes_nothing_until_it_is_activated() -> None:
    engine = an_engine()
    engine.place("alice", stop("sell", "1", "90000", "89000"))
    assert spot(engine, "alice", "BTC") == Balance(available=D(10))


def test_where_stops_freeze_they_do_so_at_once_and_let_go_when_cancelled() -> None:
    engine = an_engine(freezing=Freezing(stops=True))
    order, _ = engine.place("alice", stop("buy", "1", "110000", "111000"))
    engine.place("bob", stop("buy", "500", "110000"))
    assert spot(engine, "alice", "USDT") == Balance(available=D(889_000), frozen=D(111_000))
    assert spot(engine, "bob", "USDT").frozen == 500
    engine.cancel("alice", "BTC_USDT", order.order_id)
    assert spot(engine, "alice", "USDT") == Balance(available=D(1_000_000))


def test_with_the_fee_on_top_a_buy_freezes_as_was_seen_live() -> None:
    """0.2 × 30 froze 6.006 (ccxt issue 17018)."""
    engine = an_engine(freezing=Freezing(taker_fee=True), fees=Fees(taker=Decimal("0.001")))
    engine.place("alice", limit("buy", "0.2", "30"))
    assert spot(engine, "alice", "USDT").frozen == D("6.006")


def test_each_fill_gives_back_its_part_of_the_fee_on_top() -> None:
    engine = an_engine(freezing=Freezing(taker_fee=True))
    engine.place("alice", limit("buy", "2", "100"))
    engine.place("bob", limit("sell", "0.5", "100"))
    assert spot(engine, "alice", "USDT") == Balance(available=D("999799.85"), frozen=D("150.15"))
    engine.place("bob", limit("sell", "1.5", "100"))
    assert spot(engine, "alice", "USDT") == Balance(available=D(999_800))
