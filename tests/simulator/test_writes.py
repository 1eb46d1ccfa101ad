"""What REST clients can do with orders, call by call."""

from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from tests.simulator.client import Now, Rest
from tests.simulator.test_rest import called

TERMS = {"market": "BTC_USDT", "side": "buy", "amount": "0.01"}


def test_stops_are_placed_listed_and_say_whether_they_were_activated() -> None:
    async def script(rest: Rest, exchange: Exchange, _: Now) -> None:
        limit = await rest.call(
            "order/stop_limit", **TERMS, price="120000", activation_price="110000"
        )
        market = await rest.call(
            "order/stop_market", **TERMS | {"side": "sell"}, activation_price="90000"
        )
        listed = (await rest.call("orders")).json()
        assert listed == [market.json(), limit.json()]
        assert [(row["type"], row["activated"], row["activationCondition"]) for row in listed] == [
            ("stop market", 0, "lte"),
            ("stop limit", 0, "gte"),
        ]
        exchange.fill("treasury", "BTC_USDT", "buy", "0.001", "110000")
        [row, *_] = (await rest.call("orders", limit=1, offset=1)).json()
        assert (row["activated"], row["activation_price"]) == (1, "110000")

    called(script)


def test_a_modified_order_has_a_new_id() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        old = (await rest.call("order/new", **TERMS, price="50000", clientOrderId="mine")).json()
        ids = {"market": "BTC_USDT", "clientOrderId": "mine"}
        new = (await rest.call("order/modify", **ids, amount="0.02")).json()
        assert new["orderId"] > old["orderId"]
        assert (new["amount"], new["price"], new["clientOrderId"]) == ("0.02", "50000", "mine")
        unknown = await rest.call(
            "order/modify", market="BTC_USDT", orderId=old["orderId"], amount="0.03"
        )
        assert (unknown.status_code, unknown.json()["code"]) == (400, 2)

    called(script)


@pytest.mark.parametrize(
    "params",
    [{"amount": "1", "total": "1"}, {}, {"amount": "1", "clientOrderId": "too"}],
    ids=["both amounts", "nothing", "both ids"],
)
def test_a_modification_that_says_too_much_or_nothing_is_refused(params: dict[str, Any]) -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        answer = await rest.call("order/modify", market="BTC_USDT", orderId=1, **params)
        assert answer.status_code == 422

    called(script)


def test_a_bulk_of_orders_is_answered_one_by_one() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        good, bad = TERMS | {"price": "50000"}, TERMS | {"price": "0.001"}
        answers = (await rest.call("order/bulk", orders=[good, bad, good])).json()
        assert [bool(answer["error"]) for answer in answers] == [False, True, False]
        assert answers[1]["error"]["code"] == 33
        stopped = (await rest.call("order/bulk", orders=[bad, good], stopOnFail=True)).json()
        assert len(stopped) == 1
        assert (await rest.call("order/bulk", orders=[good] * 21)).status_code == 422
        ids = [answers[0]["result"]["orderId"], 7]
        cancels = [{"market": "BTC_USDT", "orderId": number} for number in ids]
        ended = (await rest.call("order/cancel/bulk", orders=[*cancels, "?"])).json()
        assert [bool(answer["error"]) for answer in ended] == [False, True, True]

    called(script)


def test_all_orders_are_cancelled_by_market_and_type() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        for _number in range(3):
            await rest.call("order/new", **TERMS, price="50000")
        for params in ({"type": ["futures"]}, {"market": "ETH_USDT"}):
            assert (await rest.call("order/cancel/all", **params)).json() == []
            assert len((await rest.call("orders")).json()) == 3
        await rest.call("order/cancel/all", type=["spot"])
        assert (await rest.call("orders")).json() == []

    called(script)


def test_self_trade_prevention_is_understood_in_old_words_and_answered_in_short_ones() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        await rest.call("order/new", **TERMS, price="50000")
        sell = TERMS | {"side": "sell", "price": "50000", "stp": "cancel_new"}
        answer = (await rest.call("order/new", **sell)).json()
        assert (answer["status"], answer["stp"]) == ("CANCELED_STP", "cn")

    called(script)


def test_there_are_no_pairs_of_orders() -> None:
    async def script(rest: Rest, _: Exchange, __: Now) -> None:
        empty = {"limit": 100, "offset": 0, "total": 0, "records": []}
        assert (await rest.call("conditional-orders")).json() == empty
        assert (await rest.call("oco-orders")).json() == []

    called(script)
