"""Pages of the past: newest first, within a window whose end is not in it."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.history import History, Window
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
