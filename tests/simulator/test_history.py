"""Pages of the past: newest first, within a window whose end is not in it."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.history import History, Sight, Window
from reconciler.simulator.records import Deal, Kind, Order, Role, Side, Status

ORDER = Order(
    order_id=1,
    client_order_id="",
    market="BTC_USDT",
    side=Side.BUY,
    kind=Kind.LIMIT,
    status=Status.FILLED,
    price=Decimal(1),
    amount=Decimal(1),
    remaining=Decimal(0),
    filled_amount=Decimal(1),
    filled_total=Decimal(1),
    fee=Decimal(0),
    fee_asset="BTC",
    post_only=False,
    ioc=False,
    source="api",
    created_at=0,
    updated_at=0,
    finished_at=0,
)


def a_deal(number: int, executed_at: int, market: str = "BTC_USDT") -> Deal:
    return Deal(
        deal_id=number,
        order_id=1,
        counter_order_id=2,
        market=market,
        side=Side.BUY,
        role=Role.TAKER,
        price=Decimal(1),
        amount=Decimal(1),
        total=Decimal(1),
        fee=Decimal(0),
        fee_asset="BTC",
        client_order_id="",
        executed_at=executed_at,
    )


def window(since: int = 0, until: int = 100, offset: int = 0, limit: int = 50) -> Window:
    return Window(since=since, until=until, offset=offset, limit=limit)


def test_the_end_of_a_window_is_not_in_it_and_its_start_is() -> None:
    history = History()
    for moment in (1, 2, 3, 4):
        history.add_deal(a_deal(moment, moment))
    assert [deal.deal_id for deal in history.deals_page(window(2, 4))] == [3, 2]


def test_orders_are_found_by_their_creation_however_late_they_finish() -> None:
    history = History()
    history.finish(replace(ORDER, order_id=9, created_at=50, finished_at=51))
    history.finish(replace(ORDER, order_id=3, created_at=10, finished_at=90))
    assert [order.order_id for order in history.finished_page(window())] == [9, 3]
    assert history.finished_page(window(since=60)) == []


def test_orders_are_found_by_their_end_where_that_is_asked_for() -> None:
    history = History()
    history.finish(replace(ORDER, order_id=9, created_at=50, finished_at=51))
    history.finish(replace(ORDER, order_id=3, created_at=10, finished_at=90))
    history.finish(replace(ORDER, order_id=4, created_at=11, finished_at=20, market="ETH_BTC"))
    found = history.finished_page(window(since=40), by_end=True)
    assert [order.order_id for order in found] == [3, 9]
    found = history.finished_page(window(until=51), "BTC_USDT", by_end=True)
    assert found == []


@given(
    ends=st.lists(st.tuples(st.integers(0, 99), st.sampled_from(Status)), max_size=30),
    horizon=st.integers(0, 99) | st.none(),
    gone=st.integers(0, 9),
    limit=st.integers(1, 7),
    status=st.sampled_from(Status) | st.none(),
    by_end=st.booleans(),
)
def test_pages_through_a_sight_are_those_of_a_shorter_past(
    ends: list[tuple[int, Status]],
    horizon: int | None,
    gone: int,
    limit: int,
    status: Status | None,
    by_end: bool,
) -> None:
    whole, left = History(), History()
    orders = [
        replace(ORDER, order_id=n, created_at=0, finished_at=end, status=status)
        for n, (end, status) in enumerate(ends, 1)
    ]
    for order in orders:
        whole.finish(order)
    for order in orders[gone:]:
        if horizon is None or (order.finished_at or 0) <= horizon:
            left.finish(order)
    seen = whole.through(Sight(horizon=horizon, gone=gone))
    for offset in range(0, len(orders) + 1, limit):
        asked = window(offset=offset, limit=limit), None, status
        page = left.finished_page(*asked, by_end=by_end)
        assert seen.finished_page(*asked, by_end=by_end) == page
    for order in orders:
        assert seen.finished_order(order.order_id) == left.finished_order(order.order_id)


@given(
    moments=st.lists(st.integers(0, 99), max_size=30).map(sorted),
    horizon=st.integers(0, 99) | st.none(),
    gone=st.integers(0, 9),
    limit=st.integers(1, 7),
)
def test_deals_through_a_sight_are_those_of_a_shorter_past(
    moments: list[int], horizon: int | None, gone: int, limit: int
) -> None:
    whole, left = History(), History()
    deals = [a_deal(n, moment) for n, moment in enumerate(moments)]
    for deal in deals:
        whole.add_deal(deal)
    for deal in deals[gone:]:
        if horizon is None or deal.executed_at <= horizon:
            left.add_deal(deal)
    seen = whole.through(Sight(horizon=horizon, gone=gone))
    assert list(seen.deals_of_order(1)) == list(left.deals_of_order(1))
    for offset in range(0, len(deals) + 1, limit):
        asked = window(offset=offset, limit=limit)
        assert seen.deals_page(asked) == left.deals_page(asked)


@given(
    moments=st.lists(st.integers(0, 99)).map(sorted),
    since=st.integers(0, 99),
    until=st.integers(0, 99),
    limit=st.integers(1, 7),
)
def test_pages_together_are_the_window_newest_first(
    moments: list[int], since: int, until: int, limit: int
) -> None:
    history = History()
    deals = [a_deal(n, moment, "BA"[n % 2]) for n, moment in enumerate(moments)]
    for deal in deals:
        history.add_deal(deal)
    for market in (None, "A"):
        wanted = [
            deal
            for deal in reversed(deals)
            if since <= deal.executed_at < until and market in (None, deal.market)
        ]
        paged: list[Deal] = []
        while page := history.deals_page(window(since, until, len(paged), limit), market):
            paged += page
        assert paged == wanted
