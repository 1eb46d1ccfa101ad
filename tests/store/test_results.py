"""Results as they are kept: whatever order deals came in, they say what one pass in time says."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.domain.facts import Deal, Fact, Market
from reconciler.domain.moments import SECOND
from reconciler.domain.money import canonical, minus
from reconciler.domain.words import Side
from reconciler.inbox import Batch, Span
from reconciler.ledger.results import NOTHING, Position, flow_of
from reconciler.store.coverage import Coverage
from reconciler.store.engine import Database
from reconciler.store.results import Results
from tests.store.samples import NOON, apply, batch, deal, order, rows

BTC = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
ETH = Market(name="ETH_USDT", base_asset="ETH", quote_asset="USDT", kind="spot")
MARKETS = {market.name: market for market in (BTC, ETH)}
SPOT, MARGIN, UNKNOWN = 10, 20, 30
"""Orders."""


def trade(number: int, amount: str, total: str, **changes: object) -> Deal:
    """One at `number` seconds after noon; a negative amount is sold."""
    changes = {"executed_at": NOON + number * SECOND, "fee": Decimal(0)} | changes
    side = Side.SELL if amount.startswith("-") else Side.BUY
    changes |= {"amount": abs(Decimal(amount)), "total": Decimal(total), "side": side}
    return deal(number, **changes)


def begun(*facts: Fact, account: str = "treasury") -> Batch:
    orders = order(SPOT), order(MARGIN, type="margin_limit")
    return batch(BTC, ETH, *orders, *facts, account=account)


def proven(second: int, *facts: Fact, account: str = "treasury") -> Batch:
    spans = [
        Span(stream=stream, since=NOON, until=NOON + second * SECOND)
        for stream in ("deals", "orders")
    ]
    return batch(*facts, spans=spans, account=account)


def kept(database: Database, way: str, account: str = "treasury") -> list[tuple[object, ...]]:
    """Market, deal, amount, proceeds, cost, result, as text."""
    found = rows(
        database,
        "SELECT market, deal_id, amount, proceeds, cost, result"
        f" FROM v_results_{way} WHERE account = '{account}'"
        " ORDER BY market, executed_at, deal_id, cost IS NULL",
    )
    return [(*row[:2], *(plain(value) for value in row[2:])) for row in found]


def plain(value: object) -> str | None:
    return None if value is None else canonical(Decimal(str(value)))


def expected(deals: Sequence[Deal], way: str) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for name in sorted(MARKETS):
        position = Position(NOTHING, lambda _: ())
        theirs = [each for each in deals if each.market == name]
        theirs.sort(key=lambda each: (each.executed_at, each.deal_id, each.side))
        for number, each in enumerate(theirs, 1):
            for sale in position.take(number, flow_of(each, MARKETS[name])):
                cost = sale.fifo_cost if way == "fifo" else sale.average_cost
                result = None if cost is None else canonical(minus(sale.proceeds, cost))
                amounts = canonical(sale.quantity), canonical(sale.proceeds)
                found.append((name, each.deal_id, *amounts, plain(cost), result))
    return found


def test_results_by_both_methods(database: Database) -> None:
    facts = trade(1, "1", "100"), trade(2, "1", "200"), trade(3, "-1.5", "330")
    apply(database, begun(*facts), proven(9))
    assert kept(database, "fifo") == [("BTC_USDT", 3, "1.5", "330", "200", "130")]
    assert kept(database, "average") == [("BTC_USDT", 3, "1.5", "330", "225", "105")]


def test_a_sale_shows_its_assets_fee_and_moment(database: Database) -> None:
    sold = trade(2, "-4", "200", fee=Decimal("0.5"), fee_asset="USDT")
    apply(database, begun(trade(1, "1", "100"), sold), proven(9))
    query = (
        "SELECT base_asset, quote_asset, order_id, CAST(amount AS text), CAST(fee AS text),"
        " fee_asset FROM v_results_fifo ORDER BY cost IS NULL"
    )
    # One fee, though the known purchases end in the middle of the deal.
    assert rows(database, query) == [
        ("BTC", "USDT", 10, "1", "0.5", "USDT"),
        ("BTC", "USDT", 10, "3", None, "USDT"),
    ]
    where = "executed_at > '2026-01-02T12:00:02.123455Z' AND executed_at < '2026-01-02T12:00:02.2Z'"
    assert rows(database, f"SELECT count(*) FROM v_results_average WHERE {where}") == [(2,)]


def test_nothing_beyond_what_is_proven(database: Database) -> None:
    apply(database, begun(trade(1, "1", "100"), trade(5, "-1", "150")), proven(5))
    assert kept(database, "fifo") == []
    apply(database, proven(6))
    assert len(kept(database, "fifo")) == 1
    assert "12:00:06.123456" in str(rows(database, "SELECT until FROM v_results_until")[0][0])


def test_a_late_deal_changes_what_came_after_it(database: Database) -> None:
    apply(database, begun(trade(3, "1", "100"), trade(4, "-1", "150")), proven(9))
    apply(database, batch(trade(1, "1", "80")))
    # Told before it is mended.
    assert "12:00:01.123456" in str(rows(database, "SELECT until FROM v_results_until")[0][0])
    apply(database, proven(10))
    assert kept(database, "fifo") == [("BTC_USDT", 4, "1", "150", "80", "70")]
    assert kept(database, "average") == [("BTC_USDT", 4, "1", "150", "90", "60")]
    assert "12:00:10.123456" in str(rows(database, "SELECT until FROM v_results_until")[0][0])


def test_only_spot_deals_have_results(database: Database) -> None:
    futures = Market(name="BTC_PERP", base_asset="BTC", quote_asset="USDT", kind="futures")
    facts = (
        futures,
        trade(1, "1", "100", order_id=MARGIN),
        trade(2, "1", "100", market="BTC_PERP"),
        trade(3, "-1", "120"),
    )
    apply(database, begun(*facts), proven(9))
    assert kept(database, "fifo") == [("BTC_USDT", 3, "1", "120", None, None)]


def test_a_deal_whose_order_is_learned_to_be_margin_is_taken_out_again(database: Database) -> None:
    bought = trade(1, "1", "100", order_id=UNKNOWN)
    apply(database, begun(bought, trade(2, "-1", "120")), proven(9))
    assert kept(database, "fifo") == [("BTC_USDT", 2, "1", "120", "100", "20")]
    apply(database, batch(order(UNKNOWN, type="margin_limit")))
    apply(database, proven(10))
    assert kept(database, "fifo") == [("BTC_USDT", 2, "1", "120", None, None)]


def test_a_deal_that_waited_for_its_market_comes_in(database: Database) -> None:
    orders = order(SPOT), order(MARGIN)
    apply(database, batch(*orders, trade(1, "1", "100"), trade(2, "-1", "120")), proven(9))
    assert kept(database, "fifo") == []
    apply(database, batch(BTC), proven(10))
    assert kept(database, "fifo") == [("BTC_USDT", 2, "1", "120", "100", "20")]


def test_of_a_trade_with_oneself_the_purchase_comes_first(database: Database) -> None:
    both = trade(1, "-1", "100", order_id=SPOT), trade(1, "1", "100", order_id=SPOT + 1)
    apply(database, begun(*both, order(SPOT + 1)), proven(9))
    assert kept(database, "fifo") == [("BTC_USDT", 1, "1", "100", "100", "0")]


def test_a_long_history_is_worked_off_some_deals_at_a_time(database: Database) -> None:
    deals = [trade(n, "1" if n % 2 else "-1", str(n)) for n in range(1, 8)]
    apply(database, begun(*deals))
    slow, covered = Results(database.dialect, at_once=2), Coverage(database.dialect)

    def swept(*late: Deal) -> None:
        with database.writing() as connection:
            for span in proven(9).spans:
                covered.cover(connection, 1, span, now=NOON)
            slow.keep(connection, 1, late, proven(9).spans, new_deals=len(late))

    swept()
    assert kept(database, "fifo") == expected(deals[:2], "fifo")
    for _ in range(3):
        swept()
    assert kept(database, "fifo") == expected(deals, "fifo")
    first = trade(0, "1", "5")
    apply(database, batch(first))
    swept(first)
    assert kept(database, "fifo") == expected([first, deals[0]], "fifo")
    for _ in range(3):
        swept()
    assert kept(database, "fifo") == expected([first, *deals], "fifo")


trades = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.sampled_from(["1", "0.3", "2.5", "-1", "-0.7", "-3"]),
        st.sampled_from(["100", "33.3", "7"]),
        st.sampled_from(sorted(MARKETS)),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda each: each[0],
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=trades, data=st.data())
def test_whatever_comes_when_the_results_are_those_of_time(
    database: Database, drawn: list[tuple[int, str, str, str]], data: st.DataObject
) -> None:
    """Shuffled, repeated and proven in between."""
    deals = [trade(n, amount, total, market=market) for n, amount, total, market in drawn]
    coming = data.draw(st.permutations(deals))
    account = f"a{rows(database, 'SELECT count(*) FROM accounts')[0][0]}"
    apply(database, begun(account=account))
    while coming:
        some = data.draw(st.integers(1, len(coming)))
        again = data.draw(st.sampled_from(deals))
        apply(database, batch(*coming[:some], account=account))
        apply(database, proven(data.draw(st.integers(1, 31)), account=account))
        if again not in coming[some:]:
            apply(database, batch(again, account=account))
        coming = coming[some:]
    apply(database, proven(31, account=account))
    for way in ("fifo", "average"):
        assert kept(database, way, account) == expected(deals, way)
