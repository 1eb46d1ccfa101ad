"""The REST door over real sockets: shapes, pages, windows, envelopes."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import Answer, Cut, Point, Rule, Swallow
from reconciler.simulator.records import Instruction, Side, Wallet
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import START, Now, Rest, calling, opened, signed

HOUR, DAY = 3_600, 86_400
START_S = START // 1_000_000

Script = Callable[[Rest, Exchange, Now], Awaitable[None]]


def called(script: Script) -> None:
    """Runs a test against an exchange with an account that has some of everything."""

    async def main() -> None:
        now = Now()
        exchange = opened(now)
        async with serve(exchange) as server, calling(server) as rest:
            await script(rest, exchange, now)

    run(main)


def rows(grouped: Any) -> list[Any]:
    return [row for group in grouped.values() for row in group] if grouped else []


def test_spot_balances_leave_out_what_is_zero() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.place(
            "treasury",
            Instruction(
                market="BTC_USDT", side=Side.SELL, amount=Decimal("0.5"), price=Decimal(99000)
            ),
        )
        answer = await rest.call("trade-account/balance")
        assert answer.json() == {
            "BTC": {"available": "9.5", "freeze": "0.5"},
            "DOGE": {"available": "100000", "freeze": "0"},
            "ETH": {"available": "100", "freeze": "0"},
            "USDT": {"available": "1000000", "freeze": "0"},
        }
        flat = await rest.call("trade-account/balance", ticker="SOL")
        assert flat.json() == {"available": "0", "freeze": "0"}

    called(script)


def test_each_part_of_a_balance_is_cut_to_eight_places_of_its_own() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.phantom("treasury", "SOL", "0.123456789999")
        exchange.phantom("treasury", "WBT", "0.000000955")
        exchange.deposit("treasury", "BTC", "0.0013929494020316")
        spot = (await rest.call("trade-account/balance")).json()
        assert spot["SOL"]["available"] == "0.12345678"
        assert spot["WBT"]["available"] == "9.5e-07"
        main = (await rest.call("main-account/balance")).json()
        assert main["BTC"] == {"main_balance": "0.0013929494020316"}
        assert main["SOL"] == {"main_balance": "0"}

    called(script)


def test_a_transfer_is_answered_201_with_an_empty_list_and_moves_money() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        there = {"ticker": "BTC", "amount": "1.5", "from": "spot", "to": "collateral"}
        answer = await rest.call("main-account/transfer", **there)
        assert (answer.status_code, answer.json()) == (201, [])
        back = {"ticker": "BTC", "amount": "0.5", "method": "collateral-withdraw"}
        await rest.call("main-account/transfer", **back)
        assert (await rest.call("collateral-account/balance")).json()["BTC"] == "1"
        summary = (await rest.call("collateral-account/balance-summary", ticker="BTC")).json()
        assert summary[0]["balance"] == "1"
        balances = exchange.truth("treasury").balances
        assert balances[Wallet.MAIN, "BTC"].available == Decimal("0.5")
        refused = await rest.call("main-account/transfer", **(there | {"amount": "99"}))
        assert (refused.status_code, refused.json()["code"]) == (422, 3)

    called(script)


def test_orders_are_placed_listed_and_cancelled() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        terms = {"market": "BTC_USDT", "side": "buy", "amount": "0.01", "price": "50000"}
        placed = (await rest.call("order/new", **terms, clientOrderId="mine")).json()
        assert (placed["status"], placed["left"], placed["price"]) == ("OPEN", "0.01", "50000")
        newer = (await rest.call("order/new", **terms)).json()
        listed = (await rest.call("orders")).json()
        assert [order["orderId"] for order in listed] == [newer["orderId"], placed["orderId"]]
        assert (await rest.call("orders", limit=1, offset=1)).json() == listed[1:]
        assert (await rest.call("orders", market="ETH_USDT")).json() == []
        ids = {"market": "BTC_USDT", "clientOrderId": "mine"}
        ended = (await rest.call("order/cancel", **ids)).json()
        assert (ended["orderId"], ended["status"]) == (placed["orderId"], "CANCELED")
        again = await rest.call("order/cancel", market="BTC_USDT", orderId=placed["orderId"])
        assert (again.status_code, again.json()) == (
            400,
            {
                "code": 2,
                "message": "Inner validation failed",
                "errors": {"orderId": ["Unexecuted order was not found."]},
            },
        )

    called(script)


def test_market_orders_meet_the_book() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.open_account("other", funds={"BTC": "1", "USDT": "100000"})
        sell = Instruction(
            market="BTC_USDT", side=Side.SELL, amount=Decimal("0.5"), price=Decimal(100_000)
        )
        exchange.place("other", sell)
        terms = {"market": "BTC_USDT", "side": "buy"}
        bought = (await rest.call("order/market", **terms, amount="1000")).json()
        assert (bought["dealStock"], bought["dealMoney"], bought["left"]) == ("0.01", "1000", "0")
        assert "price" not in bought
        stock = (await rest.call("order/stock_market", **terms, amount="0.02")).json()
        assert (stock["type"], stock["dealMoney"]) == ("stock market", "2000")

    called(script)


def test_history_is_grouped_by_market_newest_first_and_an_empty_one_is_a_list() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        for path in ("trade-account/order/history", "trade-account/executed-history"):
            assert (await rest.call(path)).json() == []
        for number in range(5):
            now.pass_seconds(1)
            market = ("BTC_USDT", "ETH_USDT")[number % 2]
            exchange.fill("treasury", market, "buy", "0.1", "1000")
        deals = (await rest.call("trade-account/executed-history", limit=3)).json()
        assert {market: len(group) for market, group in deals.items()} == {
            "BTC_USDT": 2,
            "ETH_USDT": 1,
        }
        ids = [deal.deal_id for deal in exchange.truth("treasury").deals]
        assert sorted(row["id"] for row in rows(deals)) == ids[2:]
        rest_of = (await rest.call("trade-account/executed-history", limit=3, offset=3)).json()
        assert sorted(row["id"] for row in rows(rest_of)) == ids[:2]
        flat = (await rest.call("trade-account/executed-history", market="ETH_USDT")).json()
        assert [row["id"] for row in flat] == [ids[3], ids[1]]
        orders = (await rest.call("trade-account/order/history")).json()
        assert len(rows(orders)) == 5
        assert "market" not in orders["BTC_USDT"][0]

    called(script)


def test_windows_are_in_whole_seconds_and_their_end_is_not_in_them() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000")
        now.pass_seconds(10)

        async def found(start: int, end: int) -> list[int]:
            lengths = []
            for path in ("trade-account/order/history", "trade-account/executed-history"):
                answer = await rest.call(path, startDate=start, endDate=end)
                lengths.append(len(rows(answer.json())))
            return lengths

        assert await found(START_S, START_S + 1) == [1, 1]
        assert await found(START_S + 1, START_S + 9) == [0, 0]
        assert await found(START_S - 9, START_S) == [0, 0]
        assert await found(START_S - 9, START_S + DAY) == [1, 1], "a later end means now"

    called(script)


def test_the_default_window_of_orders_is_a_month_and_by_id_they_are_found_however_old() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        deal = exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000", client_order_id="old")
        now.pass_seconds(40 * DAY)
        assert (await rest.call("trade-account/order/history")).json() == []
        for by in ({"orderId": deal.order_id}, {"clientOrderId": "old"}):
            answer = (await rest.call("trade-account/order/history", **by)).json()
            assert [order["id"] for order in rows(answer)] == [deal.order_id]
        deals = (await rest.call("trade-account/executed-history", clientOrderId="old")).json()
        assert [row["id"] for row in rows(deals)] == [deal.deal_id]
        assert (await rest.call("trade-account/order/history", orderId=1)).json() == []
        missing = await rest.call("trade-account/order/history", clientOrderId="none")
        assert missing.status_code == 422
        assert missing.json()["errors"] == {"clientOrderId": ["OrderHistory was not found."]}

    called(script)


def test_what_is_older_than_six_months_is_gone() -> None:
    async def script(rest: Rest, exchange: Exchange, now: Now) -> None:
        deal = exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000")
        now.pass_seconds(200 * DAY)
        assert (await rest.call("trade-account/executed-history", startDate=START_S)).json() == []
        by_order = (await rest.call("trade-account/order", orderId=deal.order_id)).json()
        assert by_order == {"records": [], "offset": 0, "limit": 50}

    called(script)


def test_the_deals_of_an_order_name_the_counterparty_and_not_the_order() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        deal = exchange.fill("treasury", "BTC_USDT", "sell", "0.1", "1000")
        [row] = (await rest.call("trade-account/order", orderId=deal.order_id)).json()["records"]
        assert (row["id"], row["dealOrderId"]) == (deal.deal_id, deal.counter_order_id)
        assert row.keys() & {"market", "side", "orderId"} == set()
        foreign = await rest.call("trade-account/order", orderId=deal.counter_order_id)
        assert foreign.json()["records"] == []

    called(script)


@pytest.mark.parametrize(
    ("path", "params", "code", "field"),
    [
        ("orders", {"limit": 101}, 30, "limit"),
        ("orders", {"orderId": 5}, 30, "market"),
        ("orders", {"market": "BTC_EUR"}, 30, "market"),
        ("trade-account/order/history", {"limit": 501}, 30, "limit"),
        ("trade-account/order/history", {"startDate": START_S - 365 * DAY}, 30, "startDate"),
        ("trade-account/order/history", {"startDate": START_S - 40 * DAY}, 30, "endDate"),
        ("trade-account/executed-history", {"limit": 0}, 30, "limit"),
        ("trade-account/executed-history", {"offset": "x"}, 30, "offset"),
        ("trade-account/order", {}, 30, "orderId"),
        ("order/new", {"market": "BTC_USDT", "side": "buy"}, 30, "amount"),
        (
            "order/new",
            {"market": "BTC_USDT", "side": "buy", "amount": "1", "price": "0.001"},
            33,
            "price",
        ),
        (
            "order/new",
            {"market": "BTC_USDT", "side": "buy", "amount": 0.0000001, "price": 1},
            30,
            "amount",
        ),
    ],
)
def test_bad_parameters_are_answered_422_and_named(
    path: str, params: dict[str, Any], code: int, field: str
) -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        answer = await rest.call(path, **params)
        envelope = answer.json()
        assert (answer.status_code, envelope["code"]) == (422, code)
        assert envelope["message"] == "Validation failed"
        assert list(envelope["errors"]) == [field]

    called(script)


def test_an_order_without_means_is_refused_with_code_ten() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        terms = {"market": "BTC_USDT", "side": "sell", "amount": "11", "price": "1000"}
        answer = await rest.call("order/new", **terms)
        assert (answer.status_code, answer.json()["code"]) == (400, 10)

    called(script)


def test_access_errors_have_their_envelopes() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        body = b'{"request":"/api/v4/orders","nonce":1}'
        unsigned = await rest.post("orders", body, **{"X-TXC-SIGNATURE": "0"})
        assert (unsigned.status_code, unsigned.json()) == (
            401,
            {"code": 10, "message": "Unauthorized request.", "errors": {}},
        )
        respaced = await rest.http.post(
            f"{rest.url}/api/v4/orders", content=body + b" ", headers=signed(body)
        )
        assert (respaced.status_code, respaced.json()["code"]) == (400, 9)
        await rest.post("orders", body)
        stale = await rest.post("orders", body)
        assert (stale.status_code, stale.json()) == (
            429,
            {"code": 0, "message": "Too many requests.", "errors": {}},
        )
        for _attempt in range(10):
            assert (await rest.call("profile/websocket_token")).status_code == 200
        throttled = await rest.call("profile/websocket_token")
        assert (throttled.status_code, throttled.json()) == (
            429,
            {"code": 0, "message": "Too Many Attempts."},
        )

    called(script)


def test_the_public_side_needs_no_key_and_other_paths_are_empty() -> None:
    async def script(rest: Rest, _: Exchange, now: Now) -> None:
        now.pass_seconds(5)
        assert (await rest.get("public/time")).json() == {"time": START_S + 5}
        assert (await rest.get("public/ping")).json() == ["pong"]
        markets = (await rest.get("public/markets")).json()
        assert markets[0] | {"name": "BTC_USDT", "takerFee": "0.1", "stockPrec": "6"} == markets[0]
        assert set((await rest.get("public/assets")).json()) >= {"BTC", "DUSDT"}
        assert (await rest.get("public/platform/status")).json()["status"] == "system operational"
        nothing = await rest.get("nowhere")
        assert (nothing.status_code, nothing.content) == (404, b"")
        assert "server" not in nothing.headers

    called(script)


def test_a_body_beyond_the_limit_is_refused() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        url = f"{rest.url}/api/v4/orders"
        long = await rest.http.post(url, content=b"x" * 70_000, headers=signed(b"{}"))
        assert long.status_code == 413

    called(script)


def test_a_fault_answers_calls_once_and_then_lets_them_through() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        page = Answer(503, "<html>maintenance</html>", "text/html")
        exchange.faults.add(
            Rule(point=Point.REQUEST, act=page, account="treasury", name="/api/v4/orders", skip=1)
        )
        statuses = [(await rest.call("orders")).status_code for _attempt in range(3)]
        assert statuses == [200, 503, 200]

    called(script)


def test_a_call_can_be_cut_or_never_answered() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        exchange.faults.add(Rule(point=Point.REQUEST, act=Cut()))
        with pytest.raises(httpx.TransportError):
            await rest.call("orders")
        exchange.faults.add(Rule(point=Point.REQUEST, act=Swallow()))
        rest.http.timeout = httpx.Timeout(0.2)
        with pytest.raises(httpx.ReadTimeout):
            await rest.call("orders")
        assert (await rest.call("orders")).json() == []

    called(script)
