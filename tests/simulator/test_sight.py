"""Every history can be told late, moved, shrunk or cut; what is asked of the present can not be."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Lag, Point, Rule, Shift, Shrink
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.papers import Direction
from reconciler.simulator.records import Histories, Instruction, Kind, Market, Side
from reconciler.simulator.server import serve
from reconciler.simulator.sight import HISTORIES
from tests.running import run
from tests.simulator.client import START, Now, Rest, calling, opened

START_S, DAY = START // 1_000_000, 86_400
SOME = Decimal("0.01")

GONE = Market(
    name="OLD_USDT",
    stock="OLD",
    money="USDT",
    stock_decimals=2,
    money_decimals=2,
    amount_min=Decimal("0.01"),
    total_min=Decimal(5),
    reference_price=Decimal(10),
)
"""To be delisted."""

Script = Callable[[Exchange, Rest, Now], Awaitable[None]]


def live(exchange: Exchange, now: Now) -> None:
    """Three times, ten seconds apart, one of everything that a history tells."""
    exchange.open_account("sub", master="treasury")
    for name in ("treasury", "sub"):
        exchange.phantom(name, "USDT", "1000000", "collateral")
        exchange.deposit(name, "BTC", "5")
    exchange.engine.accounts["treasury"].is_business = True
    for _ in range(3):
        now.pass_seconds(10)
        live_once(exchange)
    for _ in range(3):
        exchange.place("treasury", resting("OLD_USDT", Side.BUY, "1", "9"))
    exchange.publish(exchange.engine.enforcement.delist("OLD_USDT"))


def live_once(exchange: Exchange) -> None:
    treasury, lending = exchange.engine.treasury, exchange.engine.lending
    exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "100000")
    exchange.deposit("treasury", "BTC", SOME)
    code = exchange.told(treasury.create_code("treasury", "BTC", SOME))
    exchange.told(treasury.apply_code("sub", code.code))
    sub = exchange.engine.accounts["sub"].sub_id
    exchange.told(treasury.sub_transfer("treasury", sub, Direction.TO_SUB, "BTC", SOME))
    quote = exchange.engine.conversions.estimate("treasury", "BTC", "USDT", SOME)
    exchange.told(exchange.engine.conversions.confirm("treasury", quote.quote_id))
    for is_flexible in (False, True):
        lent = exchange.told(lending.invest("treasury", "BTC", SOME, is_flexible=is_flexible))
        exchange.publish(lending.earn("treasury", lent.investment_id, SOME))
    exchange.told(lending.mine("treasury", "BTC", SOME))
    for side in (Side.SELL, Side.BUY):
        exchange.place("sub", resting("BTC_PERP", side.opposite, "0.1", "100000"))
        exchange.place("treasury", resting("BTC_PERP", side, "0.1", "100000"))
        exchange.publish(exchange.engine.margin.fund("BTC_PERP", SOME, Decimal(100_000)))


def resting(market: str, side: Side, amount: str, price: str) -> Instruction:
    return Instruction(
        market=market,
        side=side,
        kind=Kind.MARGIN_LIMIT if market == "BTC_PERP" else Kind.LIMIT,
        amount=Decimal(amount),
        price=Decimal(price),
    )


def told(script: Script) -> None:
    async def main() -> None:
        now = Now()
        exchange = opened(now, markets=(*DEFAULT_MARKETS, *FUTURES, GONE))
        live(exchange, now)
        async with serve(exchange) as server, calling(server) as rest:
            await script(exchange, rest, now)

    run(main)


async def rows(rest: Rest, path: str, exchange: Exchange, **params: Any) -> list[Any]:
    """Newest first, whatever the envelope."""
    if path.endswith("trade-account/order"):
        params["orderId"] = exchange.truth("treasury").deals[0].order_id
    if path.endswith("sub-account/transfer/history"):
        params["id"] = exchange.engine.accounts["sub"].sub_id
    said = (await rest.call(path.removeprefix("/api/v4/"), **params)).json()
    if isinstance(said, dict):
        for name in ("records", "data"):
            if name in said:
                said = said[name]
    if isinstance(said, dict):
        said = [row for of_market in said.values() for row in of_market]
    assert isinstance(said, list), said
    return said


SINGLE = "/api/v4/trade-account/order"
"""Has one row only."""

every = pytest.mark.parametrize("path", sorted(HISTORIES))


@every
def test_what_is_not_yet_written_is_not_told(path: str) -> None:
    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        whole = await rows(rest, path, exchange)
        assert whole
        now.pass_seconds(5)
        exchange.faults.add(Rule(point=Point.READ, act=Lag(10), name=path))
        late = await rows(rest, path, exchange)
        if path == SINGLE:
            assert late == whole
        else:
            assert len(late) < len(whole)
            by_market = path.endswith(("order/history", "executed-history"))
            assert by_market or late == whole[len(whole) - len(late) :]
        assert await rows(rest, path, exchange) == whole
        exchange.faults.add(Rule(point=Point.READ, act=Lag(3_600), name=path))
        assert await rows(rest, path, exchange) == []

    told(script)


@every
def test_the_oldest_rows_can_be_gone(path: str) -> None:
    async def script(exchange: Exchange, rest: Rest, _: Now) -> None:
        whole = await rows(rest, path, exchange)
        exchange.faults.add(Rule(point=Point.READ, act=Shrink(10_000), name=path))
        assert await rows(rest, path, exchange) == []
        if path in ("/api/v4/main-account/codes/my", "/api/v4/trade-account/executed-history"):
            exchange.faults.add(Rule(point=Point.READ, act=Shrink(1), name=path))
            assert await rows(rest, path, exchange) == whole[:-1]
        assert await rows(rest, path, exchange) == whole

    told(script)


@every
def test_every_list_can_move_between_two_pages(path: str) -> None:
    async def script(exchange: Exchange, rest: Rest, _: Now) -> None:
        pages = [await rows(rest, path, exchange, limit=1, offset=at) for at in range(2)]
        assert pages[0] != pages[1]
        for by, shown in ((1, pages[0]), (0, pages[1])):
            if by:
                exchange.faults.add(Rule(point=Point.READ, act=Shift(by), name=path))
            assert await rows(rest, path, exchange, limit=1, offset=1) == shown

    told(script)


def test_a_history_that_is_always_late_can_be_moved_too() -> None:
    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        path = "/api/v4/convert/history"
        whole = await rows(rest, path, exchange)
        now.pass_seconds(5)
        exchange.histories = Histories(lag_s=10)
        assert await rows(rest, path, exchange) == whole[1:]
        exchange.faults.add(Rule(point=Point.READ, act=Shift(1), name=path))
        assert await rows(rest, path, exchange, limit=1, offset=1) == [whole[1]]
        now.pass_seconds(6)
        assert await rows(rest, path, exchange) == whole

    told(script)


def test_what_is_asked_of_the_present_is_told_and_what_is_done_stays_done() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Now) -> None:
        exchange.histories = Histories(lag_s=3_600)
        exchange.place("treasury", resting("BTC_USDT", Side.BUY, "1", "9"))
        assert len((await rest.call("orders")).json()) == 1
        await rest.call("collateral-account/leverage", leverage=5)
        assert exchange.engine.accounts["treasury"].portfolio.leverage == 5

    told(script)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v4/trade-account/executed-history",
        "/api/v4/trade-account/order/history",
        "/api/v4/trade-account/order/history/query",
        "/api/v4/main-account/history",
    ],
)
def test_pages_can_end_silently_before_the_limit_that_was_asked_for(path: str) -> None:
    """PROTOCOL trap 27: the echo says what was asked for."""

    async def script(exchange: Exchange, rest: Rest, _: Now) -> None:
        whole = await rows(rest, path, exchange, limit=500)
        exchange.histories = Histories(page_max=2)
        assert len(whole) > 2
        assert len(await rows(rest, path, exchange, limit=500)) == 2
        assert len(await rows(rest, path, exchange, limit=1)) == 1
        if path.endswith("main-account/history"):
            said = (await rest.call("main-account/history", limit=500)).json()
            assert (said["limit"], said["total"]) == (500, len(whole))

    told(script)


def test_orders_can_be_found_by_their_end_instead_of_their_creation() -> None:
    """PROTOCOL § 10.2, question 5."""

    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        order = exchange.place("treasury", resting("BTC_USDT", Side.BUY, "1", "9"))
        now.pass_seconds(100)
        exchange.cancel("treasury", "BTC_USDT", order.order_id)
        path = "/api/v4/trade-account/order/history"
        born = {"startDate": START_S + 20, "endDate": START_S + 40, "market": "BTC_USDT"}
        died = {"startDate": START_S + 120, "endDate": START_S + 140, "market": "BTC_USDT"}

        async def found(**window: Any) -> list[int]:
            return [row["id"] for row in await rows(rest, path, exchange, **window)]

        now.pass_seconds(100)
        assert order.order_id in await found(**born)
        assert await found(**died) == []
        exchange.histories = Histories(orders_by_end=True)
        assert order.order_id not in await found(**born)
        assert await found(**died) == [order.order_id]

    told(script)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("main-account/history", 500),
        ("main-account/codes/my", 100),
        ("main-account/codes/history", 100),
        ("sub-account/transfer/history", 100),
        ("trade-account/order/history/query", 500),
        ("collateral-account/positions/closed-pnl", 100),
    ],
)
def test_no_page_ends_beyond_the_ten_thousandth_row_where_the_vendor_says_so(
    path: str, most: int
) -> None:
    async def script(exchange: Exchange, rest: Rest, _: Now) -> None:
        params: dict[str, Any] = {"limit": most}
        if path.startswith("sub-account"):
            params["id"] = exchange.engine.accounts["sub"].sub_id
        last = await rest.call(path, offset=10_000 - most, **params)
        assert last.status_code in (200, 201)
        beyond = await rest.call(path, offset=10_001 - most, **params)
        assert beyond.status_code in (400, 422)
        assert "Offset is too big" in beyond.text

    told(script)


def test_conversions_reach_six_months_back_and_thirty_days_without_a_date() -> None:
    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        path = "/api/v4/convert/history"
        now.pass_seconds(31 * DAY)
        assert await rows(rest, path, exchange) == []
        dated = {"from": str(START_S), "to": str(START_S + DAY)}
        assert len(await rows(rest, path, exchange, **dated)) == 3
        now.pass_seconds(160 * DAY)
        refused = await rest.call("convert/history", **dated)
        assert (refused.status_code, refused.json()["errors"]) == (
            422,
            {"from": ["api.validation.dateTime.maxRange"]},
        )

    told(script)


def test_deals_beyond_six_months_are_not_told_and_orders_beyond_are_refused() -> None:
    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        dated = {"startDate": START_S, "endDate": START_S + DAY}
        now.pass_seconds(190 * DAY)
        deals = await rows(rest, "/api/v4/trade-account/executed-history", exchange, **dated)
        assert deals == []
        order = exchange.truth("treasury").deals[0].order_id
        assert (await rest.call("trade-account/order", orderId=order)).json()["records"] == []
        refused = await rest.call("trade-account/order/history", **dated)
        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["startDate"])

    told(script)


def test_orders_of_a_delisting_are_told_by_category_and_within_31_days() -> None:
    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        path = "/api/v4/trade-account/order/history/query"
        exchange.phantom("treasury", "DOGE", "1000")
        exchange.publish(exchange.engine.enforcement.delist("DOGE_USDT"))
        now.pass_seconds(1)
        kinds = [row["delistingKind"] for row in await rows(rest, path, exchange)]
        assert kinds == ["reverse", "canceled", "canceled", "canceled"]
        assert len(await rows(rest, path, exchange, status="filled")) == 1
        assert len(await rows(rest, path, exchange, status="delisting")) == 3
        assert (await rest.call(path[8:], startDate=START_S - 32 * DAY)).status_code == 422
        now.pass_seconds(31 * DAY)
        assert await rows(rest, path, exchange) == []

    told(script)


def test_a_cancelled_order_of_a_business_account_is_in_no_list_any_more() -> None:
    """PROTOCOL § 6.3 and trap 59: only its deals are."""

    async def script(exchange: Exchange, rest: Rest, _: Now) -> None:
        exchange.engine.accounts["treasury"].records_cancels = False
        asked = replace(resting("BTC_USDT", Side.BUY, "1", "90000"), client_order_id="mine")
        order = exchange.place("treasury", asked)
        exchange.phantom("sub", "BTC", "1")
        exchange.place("sub", resting("BTC_USDT", Side.SELL, "0.4", "90000"))
        exchange.cancel("treasury", "BTC_USDT", order.order_id)
        for histories in (Histories(), Histories(orders_by_end=True)):
            exchange.histories = histories
            for params in ({}, {"orderId": order.order_id}, {"status": "CANCELED"}):
                said = await rest.call("trade-account/order/history", **params)
                assert str(order.order_id) not in said.text
        by_client = await rest.call("trade-account/order/history", clientOrderId="mine")
        assert by_client.status_code == 422
        assert (await rest.call("orders")).json() == []
        deals = (await rest.call("trade-account/order", orderId=order.order_id)).json()
        assert [deal["amount"] for deal in deals["records"]] == ["0.4"]
        ended = next(o for o in exchange.truth("treasury").orders if o.order_id == order.order_id)
        assert (ended.status, ended.remaining) == ("canceled", Decimal("0.6"))

    told(script)


@pytest.mark.parametrize("path", ["positions/history", "positions/closed-pnl"])
def test_positions_are_told_of_any_span_but_not_of_the_future(path: str) -> None:
    async def script(exchange: Exchange, rest: Rest, now: Now) -> None:
        name = f"collateral-account/{path}"
        whole = await rows(rest, name, exchange)
        now.pass_seconds(400 * DAY)
        now_s = exchange.now() // 1_000_000
        dated = await rows(rest, name, exchange, startDate=START_S, endDate=now_s + 1)
        assert dated == whole
        within = await rows(rest, name, exchange, startDate=START_S + 20, endDate=START_S + 20)
        assert within == whole[len(whole) // 3 : len(whole) * 2 // 3]
        assert (await rest.call(name, endDate=now_s + 2)).status_code == 422
        assert (await rest.call(name, startDate=5, endDate=4)).status_code == 422

    told(script)
