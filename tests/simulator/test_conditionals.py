"""Pairs of which the first to execute cancels the other, and orders that trigger others."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.simulator.conditionals import Legs
from reconciler.simulator.engine import Engine
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.records import (
    Event,
    Instruction,
    Kind,
    Order,
    OrderSeen,
    Side,
    Status,
    Step,
    Wallet,
)
from reconciler.simulator.rules import Refused
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import KEY, SECRET, Ear, Now, Rest, calling, listening
from tests.simulator.trading import FUTURES_MARKETS, D, a_futures_engine, margin, seen


def a_pair(
    side: str = "sell",
    amount: str = "1",
    better: str = "110000",
    worse: str = "90000",
    *,
    reduce_only: bool = False,
    client_order_id: str = "",
) -> dict[str, Instruction]:
    """On `BTC_PERP`, whose price is 100,000: a limit on the one side, a stop on the other."""
    take_profit = replace(
        margin(side, amount, better, reduce_only=reduce_only), client_order_id=client_order_id
    )
    stop_loss = replace(
        take_profit,
        kind=Kind.MARGIN_STOP_LIMIT,
        price=D(worse),
        activation_price=D(worse),
    )
    return {"stop_loss": stop_loss, "take_profit": take_profit}


def placed(engine: Engine, account: str = "alice", **terms: Any) -> tuple[Legs, list[Event]]:
    return engine.conditionals.place(account, **a_pair(**terms))


def quiet(events: list[Event], account: str) -> list[tuple[Step, int]]:
    return [
        (e.step, e.order.order_id)
        for e in events
        if isinstance(e, OrderSeen) and e.account == account and e.is_quiet
    ]


def loud(events: list[Event], account: str) -> list[tuple[Step, int]]:
    return [
        (e.step, e.order.order_id)
        for e in events
        if isinstance(e, OrderSeen) and e.account == account and not e.is_quiet
    ]


def finished(engine: Engine, order_id: int, account: str = "alice") -> Order:
    found = engine.accounts[account].history.finished_order(order_id)
    assert found is not None
    return found


def test_neither_order_of_a_pair_is_told_of_before_it_executes() -> None:
    engine = a_futures_engine()
    legs, events = placed(engine)
    ids = [(Step.NEW, order.order_id) for order in (legs.stop_loss, legs.take_profit)]
    assert quiet(events, "alice") == ids
    assert loud(events, "alice") == []
    assert engine.conditionals.pairs("alice") == [legs]
    assert [order.pair for order in engine.accounts["alice"].truth().orders] == [legs.pair] * 2


def test_the_first_fill_of_the_limit_cancels_the_stop_and_the_rest_is_an_ordinary_order() -> None:
    engine = a_futures_engine()
    legs, _ = placed(engine)
    stop, limit = legs.stop_loss.order_id, legs.take_profit.order_id
    _, events = engine.place("bob", margin("buy", "0.4", "110000"))
    assert quiet(events, "alice") == [(Step.FINISH, stop)]
    assert loud(events, "alice") == [(Step.UPDATE, limit)]
    assert finished(engine, stop).status is Status.CANCELED
    assert engine.conditionals.pairs("alice") == []
    ended, _ = engine.cancel("alice", "BTC_PERP", limit)
    assert (ended.filled_amount, ended.pair) == (D("0.4"), None)


def test_the_stop_when_it_is_activated_cancels_the_limit() -> None:
    engine = a_futures_engine()
    legs, _ = placed(engine)
    stop, limit = legs.stop_loss.order_id, legs.take_profit.order_id
    engine.place("bob", margin("buy", "0.1", "90000"))
    _, events = engine.place("carol", margin("sell", "0.1", "90000"))
    assert quiet(events, "alice") == [(Step.FINISH, limit)]
    assert loud(events, "alice") == [(Step.NEW, stop)]
    assert finished(engine, limit).status is Status.CANCELED
    assert engine.accounts["alice"].open_orders[stop].is_activated


def test_a_limit_that_is_matched_at_once_cancels_its_stop_at_once() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("buy", "5", "110000"))
    legs, events = placed(engine)
    assert (legs.take_profit.status, legs.stop_loss.status) == (Status.FILLED, Status.CANCELED)
    assert loud(events, "alice") == [(Step.FINISH, legs.take_profit.order_id)]


@pytest.mark.parametrize("by", ["id", "client id"])
def test_a_pair_is_cancelled_whole_and_in_silence(by: str) -> None:
    engine = a_futures_engine()
    legs, _ = placed(engine, client_order_id="mine")
    ids: dict[str, Any] = {"pair_id": legs.pair.pair_id}
    if by == "client id":
        ids = {"client_order_id": "mine"}
    with pytest.raises(Refused):
        engine.conditionals.cancel_pair("alice", "ETH_PERP", **ids)
    ended, events = engine.conditionals.cancel_pair("alice", "BTC_PERP", **ids)
    assert {ended.stop_loss.status, ended.take_profit.status} == {Status.CANCELED}
    assert loud(events, "alice") == []
    assert engine.accounts["alice"].open_orders == {}
    with pytest.raises(Refused):
        engine.conditionals.cancel_pair("alice", "BTC_PERP", **ids)


def test_an_order_of_a_pair_is_neither_cancelled_nor_changed_by_itself() -> None:
    engine = a_futures_engine()
    legs, _ = placed(engine)
    for order in (legs.stop_loss, legs.take_profit):
        with pytest.raises(Refused):
            engine.cancel("alice", "BTC_PERP", order.order_id)
        with pytest.raises(Refused):
            engine.modify("alice", "BTC_PERP", order.order_id, price=D(100_500))
    assert engine.conditionals.pairs("alice") == [legs]


def test_whatever_ends_one_order_of_a_pair_ends_both_the_same_way() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "1", "100000"))
    engine.place("alice", margin("buy", "1", "100000"))
    legs, _ = placed(engine)
    engine.enforcement.liquidate("alice", "BTC_PERP")
    for order in (legs.stop_loss, legs.take_profit):
        status = finished(engine, order.order_id).status
        assert status is Status.AUTO_CANCELED_LIQUIDATION
    legs, _ = placed(engine, account="bob", side="buy", better="90000", worse="110000")
    engine.cancel_all("bob")
    for order in (legs.stop_loss, legs.take_profit):
        assert finished(engine, order.order_id, "bob").status is Status.CANCELED


def test_a_pair_that_only_reduces_ends_with_its_position() -> None:
    engine = a_futures_engine()
    with pytest.raises(Refused):
        placed(engine, reduce_only=True)
    engine.place("bob", margin("sell", "1", "100000"))
    engine.place("alice", margin("buy", "1", "100000"))
    legs, _ = placed(engine, reduce_only=True)
    engine.place("bob", margin("buy", "1", "99000"))
    engine.place("alice", margin("sell", "1", "99000"))
    for order in (legs.stop_loss, legs.take_profit):
        status = finished(engine, order.order_id).status
        assert status is Status.AUTO_CANCELED_REDUCE_ONLY


def test_only_one_order_of_a_pair_needs_margin() -> None:
    engine = a_futures_engine()
    placed(engine)
    assert engine.margin.used(engine.accounts["alice"]) == D(11_000)


def test_a_pair_s_client_id_is_the_pair_s_and_unique() -> None:
    engine = a_futures_engine()
    legs, _ = placed(engine, client_order_id="mine")
    assert legs.pair.client_order_id == "mine"
    assert {legs.stop_loss.client_order_id, legs.take_profit.client_order_id} == {""}
    with pytest.raises(Refused):
        placed(engine, client_order_id="mine")


# Orders that trigger others


def triggering(
    price: str, *, stop_loss: str | None = None, take_profit: str | None = None
) -> Instruction:
    return replace(
        margin("buy", "1", price),
        stop_loss=None if stop_loss is None else D(stop_loss),
        take_profit=None if take_profit is None else D(take_profit),
    )


def test_what_an_order_triggers_comes_when_it_is_filled() -> None:
    engine = a_futures_engine()
    order, _ = engine.place("alice", triggering("99000", stop_loss="90000", take_profit="110000"))
    assert engine.conditionals.triggers("alice") == [order]
    engine.place("bob", margin("sell", "0.6", "99000"))
    assert engine.conditionals.pairs("alice") == []
    _, events = engine.place("bob", margin("sell", "0.4", "99000"))
    [legs] = engine.conditionals.pairs("alice")
    assert engine.conditionals.triggers("alice") == []
    assert (legs.stop_loss.kind, legs.stop_loss.activation_price) == (
        Kind.MARGIN_STOP_MARKET,
        D(90_000),
    )
    assert (legs.take_profit.kind, legs.take_profit.price) == (Kind.MARGIN_LIMIT, D(110_000))
    for leg in (legs.stop_loss, legs.take_profit):
        assert (leg.side, leg.amount, leg.reduce_only) == (Side.SELL, D(1), True)
    assert loud(events, "alice") == [(Step.FINISH, order.order_id)]
    engine.place("bob", margin("buy", "1", "110000"))
    assert engine.accounts["alice"].portfolio.open == {}
    assert engine.accounts["alice"].open_orders == {}


def test_a_stop_triggers_in_the_moment_in_which_it_is_activated_and_filled() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "2", "101000"))
    stop = replace(
        triggering("102000", stop_loss="90000", take_profit="110000"),
        kind=Kind.MARGIN_STOP_LIMIT,
        activation_price=D(101_000),
    )
    engine.place("alice", stop)
    engine.place("carol", margin("buy", "0.5", "101000"))
    assert len(engine.conditionals.pairs("alice")) == 1


@pytest.mark.parametrize("which", ["stop_loss", "take_profit"])
def test_one_that_is_triggered_alone_is_an_ordinary_order(which: str) -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "1", "100000"))
    price = {"stop_loss": "90000", "take_profit": "110000"}[which]
    _, events = engine.place("alice", triggering("100000", **{which: price}))
    [(step, _), (new, order)] = seen(events, "alice")
    assert (step, new) == (Step.FINISH, Step.NEW)
    assert engine.conditionals.pairs("alice") == []
    ended, _ = engine.cancel("alice", "BTC_PERP", order.order_id)
    assert ended.status is Status.CANCELED


def test_nothing_is_triggered_by_an_order_that_is_cancelled_or_that_closed_a_position() -> None:
    engine = a_futures_engine()
    terms = {"stop_loss": "90000", "take_profit": "110000"}
    order, _ = engine.place("alice", triggering("99000", **terms))
    engine.place("bob", margin("sell", "0.6", "99000"))
    assert order.oto_id is not None
    engine.conditionals.cancel_trigger("alice", "BTC_PERP", order.oto_id)
    assert engine.accounts["alice"].open_orders == {}
    with pytest.raises(Refused):
        engine.conditionals.cancel_trigger("alice", "BTC_PERP", order.oto_id)
    engine.place("carol", margin("buy", "1", "99000"))
    engine.place("bob", margin("sell", "1", "99000"))
    engine.place("carol", margin("sell", "1", "100000"))
    engine.place("bob", triggering("100000", **terms))
    assert engine.accounts["bob"].open_orders == {}


def test_prices_that_are_triggered_must_be_possible_and_don_t_go_with_reductions() -> None:
    engine = a_futures_engine()
    with pytest.raises(Refused, match="stop_loss"):
        engine.place("alice", triggering("99000", stop_loss="0.01"))
    engine.place("bob", margin("buy", "1", "100000"))
    engine.place("alice", margin("sell", "1", "100000"))
    asked = replace(triggering("99000", take_profit="110000"), reduce_only=True)
    with pytest.raises(Refused, match="reduce_only"):
        engine.place("alice", asked)


# Over the wire

TERMS = {"market": "BTC_PERP", "side": "sell", "amount": "1"}
PAIR = TERMS | {"price": "110000", "activation_price": "90000", "stop_limit_price": "89000"}

Script = Callable[[Exchange, Rest, Ear], Awaitable[None]]


def spoken(script: Script) -> None:
    async def main() -> None:
        exchange = Exchange(FUTURES_MARKETS, now=Now())
        exchange.open_account("treasury", KEY, SECRET, {"USDT": "100000"}, wallet=Wallet.COLLATERAL)
        exchange.open_account("other")
        exchange.phantom("other", "USDT", "10000000", "collateral")
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
        ):
            await ear.subscribe("BTC_PERP")
            await script(exchange, rest, ear)

    run(main)


def test_a_pair_is_in_lists_of_its_own_and_in_no_other() -> None:
    async def script(exchange: Exchange, rest: Rest, ear: Ear) -> None:
        made = (await rest.call("order/collateral/oco", **PAIR, clientOrderId="mine")).json()
        assert made["take_profit"]["price"] == "110000"
        assert (made["stop_loss"]["activation_price"], made["stop_loss"]["price"]) == (
            "90000",
            "89000",
        )
        assert made["stop_loss"]["takerFee"] == "0.00035"
        page = (await rest.call("conditional-orders", market="BTC_PERP")).json()
        [row] = page["records"]
        assert (row["id"], row["type"], page["total"]) == (made["id"], "oco", 1)
        assert (row["stopLoss"]["activationPrice"], row["stopLoss"]["postOnly"]) == ("90000", False)
        [older] = (await rest.call("oco-orders")).json()
        assert (older["stop_loss"]["activation_price"], older["stop_loss"]["post_only"]) == (
            "90000",
            False,
        )
        for path in ("conditional-orders", "oco-orders"):
            assert str(made["id"]) not in (await rest.call(path, market="ETH_PERP")).text
        assert (await rest.call("orders")).json() == []
        assert (await rest.call("orders", market="BTC_PERP", clientOrderId="mine")).json() == []
        pending = (await ear.ask("ordersPending_request", "BTC_PERP", 0, 100))["result"]
        assert (pending["total"], pending["records"]) == (0, [])
        leg = {"market": "BTC_PERP", "orderId": made["stop_loss"]["orderId"]}
        assert (await rest.call("order/cancel", **leg)).status_code == 400
        ids = {"market": "BTC_PERP", "clientOrderId": "mine"}
        ended = (await rest.call("order/oco-cancel", **ids)).json()
        assert [ended[leg]["status"] for leg in ("stop_loss", "take_profit")] == ["CANCELED"] * 2
        again = await rest.call("order/oco-cancel", market="BTC_PERP", orderId=made["id"])
        assert (again.status_code, again.json()["code"]) == (400, 2)
        assert (await rest.call("conditional-orders")).json()["records"] == []
        assert exchange.engine.accounts["treasury"].open_orders == {}

    spoken(script)


def test_the_channel_of_open_orders_tells_only_of_the_order_that_executes() -> None:
    async def script(exchange: Exchange, rest: Rest, ear: Ear) -> None:
        made = (await rest.call("order/collateral/oco", **PAIR)).json()
        exchange.place("other", margin("buy", "0.4", "110000"))
        step, order = await ear.hear("ordersPending_update")
        assert (step, order["id"]) == (2, made["take_profit"]["orderId"])
        [listed] = (await rest.call("orders")).json()
        assert (listed["orderId"], listed["left"]) == (order["id"], "0.6")
        exchange.place("other", margin("buy", "0.6", "110000"))
        assert (await ear.hear("ordersPending_update"))[0] == 3
        assert not any(frame["method"] == "ordersPending_update" for frame in ear.updates)
        past = (await rest.call("trade-account/order/history")).json()["BTC_PERP"]
        assert {row["id"]: row["status"] for row in past} == {
            made["take_profit"]["orderId"]: "FILLED",
            made["stop_loss"]["orderId"]: "CANCELED",
        }

    spoken(script)


def test_an_order_that_triggers_others_is_told_by_a_method_that_no_document_names() -> None:
    async def script(exchange: Exchange, rest: Rest, ear: Ear) -> None:
        prices = {"stopLoss": "110000", "takeProfit": "90000"}
        made = (await rest.call("order/collateral/limit", **TERMS, price="101000", **prices)).json()
        oto_id = made["oto"]["otoId"]
        assert made["oto"] == {"otoId": oto_id} | prices
        [listed] = (await rest.call("orders")).json()
        assert listed["oto"] == made["oto"]
        step, told = await ear.hear("otoOrdersPending_update")
        assert (step, told["id"], told["stop_loss_price"]) == (1, oto_id, "110000")
        assert told["trigger_order"]["id"] == made["orderId"]
        [row] = (await rest.call("conditional-orders")).json()["records"]
        assert (row["type"], row["stopLossPrice"], row["takeProfitPrice"]) == (
            "oto",
            "110000",
            "90000",
        )
        assert row["conditionalOrder"]["orderId"] == made["orderId"]
        assert (await rest.call("oco-orders")).json() == []
        exchange.place("other", margin("buy", "1", "101000"))
        step, told = await ear.hear("otoOrdersPending_update")
        assert (step, told["trigger_order"]["status"]) == (3, "FILLED")
        [row] = (await rest.call("conditional-orders")).json()["records"]
        assert (row["type"], row["stopLoss"]["type"]) == ("oco", "trigger margin market")
        assert not any(frame["method"] == "ordersPending_update" for frame in ear.updates)

    spoken(script)


@pytest.mark.parametrize(
    ("path", "name"), [("order/oto-cancel", "otoId"), ("order/conditional-cancel", "id")]
)
def test_an_order_that_triggers_others_is_cancelled_in_two_ways(path: str, name: str) -> None:
    async def script(_: Exchange, rest: Rest, __: Ear) -> None:
        terms = TERMS | {"price": "101000", "stopLoss": "110000"}
        made = (await rest.call("order/collateral/limit", **terms)).json()
        ids = {"market": "BTC_PERP", name: made["oto"]["otoId"]}
        assert (await rest.call(path, **ids)).json() == []
        assert (await rest.call("orders")).json() == []
        again = await rest.call(path, **ids)
        assert (again.status_code, again.json()) == (
            400,
            {
                "code": 2,
                "message": "Inner validation failed",
                "errors": {name: ["Unexecuted order was not found."]},
            },
        )
        assert (await rest.call(path, market="BTC_PERP")).status_code == 422

    spoken(script)


def test_a_pair_is_cancelled_as_a_conditional_order_too() -> None:
    async def script(_: Exchange, rest: Rest, __: Ear) -> None:
        made = (await rest.call("order/collateral/oco", **PAIR)).json()
        ids = {"market": "BTC_PERP", "id": made["id"]}
        assert (await rest.call("order/conditional-cancel", **ids)).json() == []
        assert (await rest.call("oco-orders")).json() == []

    spoken(script)


def test_the_lists_are_paged() -> None:
    async def script(_: Exchange, rest: Rest, __: Ear) -> None:
        small = PAIR | {"amount": "0.01"}
        ids = [(await rest.call("order/collateral/oco", **small)).json()["id"] for _ in range(3)]
        ids.reverse()
        page = (await rest.call("conditional-orders", limit=2, offset=1)).json()
        assert ([row["id"] for row in page["records"]], page["total"]) == (ids[1:], 3)
        assert [row["id"] for row in (await rest.call("oco-orders", limit=1)).json()] == ids[:1]
        assert (await rest.call("conditional-orders", limit=101)).status_code == 422

    spoken(script)


def test_what_a_filled_order_needs_no_more_is_free_again() -> None:
    """Neither orders nor margin are left behind by a pair that came to its end."""

    async def script(exchange: Exchange, rest: Rest, _: Ear) -> None:
        await rest.call("order/collateral/oco", **PAIR)
        exchange.place("other", margin("buy", "1", "110000"))
        exchange.place("other", margin("sell", "1", "100000"))
        await rest.call("order/collateral/market", **TERMS | {"side": "buy"})
        account = exchange.engine.accounts["treasury"]
        assert exchange.engine.margin.used(account) == 0
        left = exchange.truth("treasury").balances[Wallet.COLLATERAL, "USDT"]
        assert left.available == 109_954

    spoken(script)
