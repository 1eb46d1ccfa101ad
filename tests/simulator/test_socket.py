"""The WebSocket over real sockets: envelope, errors, subscriptions, what is told when."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio_websocket import ConnectionClosed

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.records import Deal, Instruction, Kind, Side, Wallet
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import Ear, Now, calling, listening, opened

Script = Callable[[Ear, Exchange, Now], Awaitable[None]]

SUCCESS = {"status": "success"}


def heard(script: Script, *, authorized: bool = True) -> None:
    """Runs a test with a WebSocket to an exchange with an account."""

    async def main() -> None:
        now = Now()
        exchange = opened(now)
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest if authorized else None) as ear,
        ):
            await script(ear, exchange, now)

    run(main)


def limit(side: Side, amount: str, price: str) -> Instruction:
    return Instruction(market="BTC_USDT", side=side, amount=Decimal(amount), price=Decimal(price))


def test_ping_time_and_unknown_methods_are_answered_to_anyone() -> None:
    async def script(ear: Ear, _: Exchange, now: Now) -> None:
        assert await ear.ask("ping") == {"id": 1, "result": "pong", "error": None}
        assert (await ear.ask("time"))["result"] == now.moment // 1_000_000
        assert (await ear.ask("weather"))["error"] == {"code": 4, "message": "method not found"}
        assert (await ear.ask("deals_update"))["error"]["code"] == 6
        assert (await ear.ask("deals_request", "BTC_USDT", 0, 1))["error"] == {
            "code": 6,
            "message": "require authentication",
        }

    heard(script, authorized=False)


def test_a_wrong_token_reads_like_a_wrong_argument() -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        answer = await ear.ask("authorize", "0" * 64, "public")
        assert answer["error"] == {"code": 1, "message": "invalid argument"}

    heard(script, authorized=False)


def test_a_token_older_than_a_minute_is_wrong() -> None:
    async def main() -> None:
        now = Now()
        async with serve(opened(now)) as server, calling(server) as rest:
            token = await rest.token()
            now.pass_seconds(61)
            async with listening(server) as ear:
                assert (await ear.ask("authorize", token, "public"))["error"]["code"] == 1

    run(main)


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "null",
        '{"id":1,"method":"ping"}',
        '{"id":"1","method":"ping","params":[]}',
        '{"id":-1,"method":"ping","params":[]}',
        '{"id":1,"method":"ping","params":{}}',
        '{"id":1,"method":"authorize","params":["","public"]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_request_is_not_answered_but_hung_up_on(frame: str) -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        await ear.link.send_message(frame)
        with pytest.raises(ConnectionClosed):
            await ear.link.get_message()

    heard(script, authorized=False)


def test_the_two_hundred_and_first_request_of_a_minute_is_too_many() -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        for _number in range(200):
            assert (await ear.ask("ping"))["result"] == "pong"
        answer = await ear.ask("ping")
        assert answer["error"] == {"code": 7, "message": "too many requests"}

    heard(script, authorized=False)


def test_one_fill_is_told_on_all_its_channels() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.subscribe("BTC_USDT")
        deal = exchange.fill("treasury", "BTC_USDT", "sell", "0.160998", "105361.32")
        assert await ear.hear("deals_update") == [
            deal.deal_id,
            1738230617.886706,
            "BTC_USDT",
            deal.order_id,
            "105361.32",
            "0.160998",
            "16.96296179736",
            "",
            1,
            2,
            "USDT",
        ]
        step, order = await ear.hear("ordersPending_update")
        assert (step, order["id"], order["status"]) == (3, deal.order_id, "FILLED")
        [finished] = await ear.hear("ordersExecuted_update")
        assert (finished["left"], finished["deal_money"]) == ("0", "16962.96179736")
        [balances] = await ear.hear("balanceSpot_update")
        assert balances == {
            "BTC": {"available": "9.839002", "freeze": "0"},
            "USDT": {"available": "1016945.99883556", "freeze": "0"},
        }

    heard(script)


def test_times_are_printed_with_seventeen_digits() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.ask("deals_subscribe", [])
        exchange.fill("treasury", "BTC_USDT", "sell", "0.1", "100000")
        assert ",1738230617.8867061," in await ear.link.get_message()

    heard(script)


def test_a_resting_order_is_told_new_updated_and_finished() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        exchange.open_account("other", funds={"BTC": "1"})
        await ear.subscribe("BTC_USDT")
        exchange.place("treasury", limit(Side.BUY, "1", "90000"))
        exchange.place("other", limit(Side.SELL, "0.4", "90000"))
        exchange.place("other", limit(Side.SELL, "0.6", "90000"))
        told = [await ear.hear("ordersPending_update") for _number in range(3)]
        assert [(step, order["left"]) for step, order in told] == [(1, "1"), (2, "0.6"), (3, "0")]

    heard(script)


def test_balances_are_told_at_most_once_a_second_with_what_they_are_then() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.ask("balanceSpot_subscribe", "BTC")
        exchange.phantom("treasury", "BTC", "1")
        assert await ear.hear("balanceSpot_update") == [{"BTC": {"available": "11", "freeze": "0"}}]
        began = trio.current_time()
        exchange.phantom("treasury", "BTC", "1")
        exchange.phantom("treasury", "BTC", "1")
        exchange.phantom("treasury", "ETH", "1")
        assert await ear.hear("balanceSpot_update") == [{"BTC": {"available": "13", "freeze": "0"}}]
        assert trio.current_time() - began > 0.9

    heard(script)


def test_a_change_that_nets_to_zero_within_the_interval_is_not_told() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.ask("balanceSpot_subscribe")
        exchange.phantom("treasury", "BTC", "1")
        await ear.hear("balanceSpot_update")
        exchange.phantom("treasury", "BTC", "1")
        exchange.phantom("treasury", "BTC", "-1")
        exchange.phantom("treasury", "ETH", "1")
        [balances] = await ear.hear("balanceSpot_update")
        assert list(balances) == ["ETH"]

    heard(script)


def test_the_collateral_wallet_has_a_channel_of_its_own() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.subscribe("BTC_USDT")
        exchange.transfer("treasury", "BTC", "4", "spot", "collateral")
        assert await ear.hear("balanceMargin_update") == [
            {"a": "BTC", "B": "4", "b": "0", "av": "4", "ab": "4"}
        ]
        answer = await ear.ask("balanceMargin_request", "BTC")
        assert answer["result"]["BTC"]["balance"] == "4"

    heard(script)


def test_a_second_subscription_replaces_the_first_and_a_bad_name_loses_it() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        def fill(market: str) -> Deal:
            return exchange.fill("treasury", market, "buy", "0.1", "1000")

        await ear.ask("deals_subscribe", ["BTC_USDT"])
        await ear.ask("deals_subscribe", ["ETH_USDT"])
        fill("BTC_USDT")
        second = fill("ETH_USDT")
        assert (await ear.hear("deals_update"))[0] == second.deal_id
        bad = await ear.ask("deals_subscribe", ["BTC_USDT", "BTC_EUR"])
        assert bad["error"] == {"code": 1, "message": "invalid argument"}
        fill("ETH_USDT")
        await ear.ask("deals_subscribe", [])
        last = fill("BTC_USDT")
        assert (await ear.hear("deals_update"))[0] == last.deal_id
        assert (await ear.ask("deals_unsubscribe"))["result"] == SUCCESS
        fill("BTC_USDT")
        await ear.ask("ping")
        assert ear.updates == []

    heard(script)


def test_an_empty_list_means_all_deals_and_assets_but_no_orders() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.subscribe()
        exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000")
        await ear.hear("balanceSpot_update")
        await ear.ask("ping")
        assert [frame["method"] for frame in ear.updates] == ["deals_update"]

    heard(script)


def test_the_filter_of_finished_orders_tells_limit_from_market() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        exchange.open_account("other", funds={"BTC": "5"})
        exchange.place("other", limit(Side.SELL, "5", "1000"))
        await ear.ask("ordersExecuted_subscribe", ["BTC_USDT"], 2)
        exchange.place("treasury", limit(Side.BUY, "1", "1000"))
        for kind, amount in ((Kind.STOCK_MARKET, 1), (Kind.MARKET, 1000)):
            asked = Instruction(market="BTC_USDT", side=Side.BUY, kind=kind, amount=Decimal(amount))
            exchange.place("treasury", asked)
        [order] = await ear.hear("ordersExecuted_update")
        assert order["type"] == 2

    heard(script)


def test_queries_page_through_orders_and_deals() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        for _number in range(3):
            exchange.place("treasury", limit(Side.BUY, "1", "1000"))
            exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000")
        truth = exchange.truth("treasury")
        pending = (await ear.ask("ordersPending_request", "BTC_USDT", 1, 1))["result"]
        assert (pending["total"], len(pending["records"])) == (3, 1)
        wanted = {"market": "BTC_USDT", "order_types": [1, 2]}
        executed = (await ear.ask("ordersExecuted_request", wanted, 0, 2))["result"]
        assert "total" not in executed
        assert len(executed["records"]) == 2
        deals = (await ear.ask("deals_request", "BTC_USDT", 0, 100))["result"]["records"]
        assert [row["id"] for row in deals] == [deal.deal_id for deal in reversed(truth.deals)]
        assert deals[0]["deal_order_id"] == truth.deals[-1].counter_order_id
        assert (await ear.ask("balanceSpot_request"))["result"]["SOL"] == {
            "available": "0",
            "freeze": "0",
        }

    heard(script)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("balanceSpot_request", ["BTC", "EUR"]),
        ("balanceSpot_subscribe", [["BTC"]]),
        ("balanceSpot_subscribe", ["BTC"] * 101),
        ("deals_subscribe", ["BTC_USDT"]),
        ("deals_request", ["BTC_USDT", 0, 101]),
        ("deals_request", [["BTC_USDT"], 0, 10]),
        ("ordersPending_request", ["BTC_USDT"]),
        ("ordersExecuted_request", [{"market": "BTC_USDT", "order_types": [[]]}, 0, 10]),
        ("ordersExecuted_subscribe", [["BTC_USDT"], 3]),
        ("ordersExecuted_subscribe", ["BTC_USDT"]),
    ],
)
def test_wrong_params_are_invalid_arguments(method: str, params: list[Any]) -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        assert (await ear.ask(method, *params))["error"]["code"] == 1

    heard(script)


def test_another_account_hears_nothing() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await ear.subscribe("BTC_USDT")
        exchange.open_account("other", funds={"BTC": "1"})
        exchange.fill("other", "BTC_USDT", "sell", "1", "1000")
        exchange.transfer("other", "USDT", "1", Wallet.SPOT, Wallet.MAIN)
        await ear.ask("ping")
        assert ear.updates == []

    heard(script)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
CHANNELS = ("deals", "ordersPending", "ordersExecuted", "balanceSpot", "balanceMargin")
VERBS = ("request", "subscribe", "unsubscribe", "update")
METHODS = (*(f"{c}_{v}" for c in CHANNELS for v in VERBS), "authorize", "ping", "time", "")


@settings(max_examples=20, deadline=None)
@given(requests=st.lists(st.tuples(st.sampled_from(METHODS), st.lists(json_values, max_size=4))))
def test_no_request_brings_the_exchange_down(
    requests: list[tuple[str, list[Any]]],
) -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        for number, (method, params) in enumerate(requests):
            message = {"id": number, "method": method, "params": params}
            await ear.link.send_message(json.dumps(message))
            try:
                frame = json.loads(await ear.link.get_message())
            except ConnectionClosed:
                assert params[:1] == [""]
                return
            assert frame["id"] == number

    heard(script)
