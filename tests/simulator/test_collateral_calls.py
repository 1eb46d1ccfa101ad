"""The collateral wallet over REST and on its private channels."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.records import Instruction, Kind, Side
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import KEY, SECRET, START, Ear, Now, Rest, calling, listening

START_S = START // 1_000_000
TERMS = {"market": "BTC_PERP", "side": "buy", "amount": "1"}

Script = Callable[[Exchange, Rest, Ear, Now], Awaitable[None]]


def quote(exchange: Exchange, side: Side, amount: str, price: str) -> None:
    exchange.place(
        "other",
        Instruction(
            market="BTC_PERP",
            side=side,
            kind=Kind.MARGIN_LIMIT,
            amount=Decimal(amount),
            price=Decimal(price),
        ),
    )


def traded(script: Script) -> None:
    """Runs a test on an exchange with futures, where the other side rests at 100,000."""

    async def main() -> None:
        now = Now()
        exchange = Exchange((*DEFAULT_MARKETS, *FUTURES), now=now)
        exchange.open_account("treasury", KEY, SECRET, {"USDT": "100000"}, wallet="collateral")  # type: ignore[arg-type]
        exchange.open_account("other")
        exchange.phantom("other", "USDT", "10000000", "collateral")
        quote(exchange, Side.SELL, "5", "100000")
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
        ):
            await script(exchange, rest, ear, now)

    run(main)


def test_a_position_is_opened_listed_and_closed() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear, now: Now) -> None:
        opened = (await rest.call("order/collateral/market", **TERMS)).json()
        assert (opened["type"], opened["status"], opened["dealFee"]) == (
            "margin market",
            "FILLED",
            "35",
        )
        [held] = (await rest.call("collateral-account/positions/open")).json()
        assert (held["amount"], held["basePrice"], held["pnl"]) == ("1", "100000", "0")
        exchange.cancel_all("other")
        quote(exchange, Side.BUY, "1", "101000")
        now.pass_seconds(60)
        ids = {"market": "BTC_PERP", "positionId": held["positionId"]}
        closed = await rest.call("collateral-account/position/close", **ids)
        assert closed.json()["reduceOnly"] is True
        assert (await rest.call("collateral-account/positions/open")).json() == []
        [row] = (await rest.call("collateral-account/positions/closed-pnl")).json()
        assert (row["grossPnl"], row["totalTradeFee"]) == ("929.65", "70.35")
        assert (row["avgEntryPrice"], row["avgExitPrice"]) == ("100000", "101000")
        closing, opening = (await rest.call("collateral-account/positions/history")).json()
        assert opening["orderDetail"]["realizedPnl"] == "-35"
        assert closing["orderDetail"]["realizedPnl"] == "964.65"
        balance = (await rest.call("collateral-account/balance", ticker="USDT")).json()
        assert balance == {"USDT": "100929.65"}

    traded(script)


def test_what_a_position_needs_is_not_usable_and_the_balance_stays() -> None:
    async def script(_: Exchange, rest: Rest, ear: Ear, __: Now) -> None:
        await rest.call("order/collateral/limit", **TERMS | {"price": "90000"})
        [row] = (await rest.call("collateral-account/balance-summary", ticker="USDT")).json()
        assert (row["balance"], row["availableWithoutBorrow"]) == ("100000", "91000")
        asked = await ear.ask("balanceMargin_request", "USDT")
        assert asked["result"]["USDT"]["available_without_borrow"] == "91000"
        figures = (await rest.call("collateral-account/summary")).json()
        assert (figures["margin"], figures["freeMargin"]) == ("9000", "91000")
        await rest.call("order/cancel/all", type=["futures"])
        assert (await rest.call("orders")).json() == []

    traded(script)


def test_leverage_decides_how_much_can_be_opened() -> None:
    async def script(_: Exchange, rest: Rest, __: Ear, ___: Now) -> None:
        big = TERMS | {"amount": "2", "price": "90000"}
        assert (await rest.call("collateral-account/leverage", leverage=1)).json() == {
            "leverage": 1
        }
        refused = await rest.call("order/collateral/limit", **big)
        assert (refused.status_code, refused.json()["code"]) == (400, 10)
        await rest.call("collateral-account/leverage", leverage=2)
        assert (await rest.call("order/collateral/limit", **big)).status_code == 200
        assert (await rest.call("collateral-account/leverage", leverage=7)).status_code == 422

    traded(script)


def test_funding_is_listed_with_its_factors() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear, __: Now) -> None:
        await rest.call("order/collateral/market", **TERMS)
        rate = Decimal("0.0001")
        exchange.publish(exchange.engine.margin.fund("BTC_PERP", rate, Decimal("100500.5")))
        page = (await rest.call("collateral-account/funding-history")).json()
        [row] = page["records"]
        assert (row["fundingAmount"], row["fundingTime"]) == ("-10.05005", str(START_S))
        assert page["limit"] == 100

    traded(script)


def test_stops_on_margin_wait_as_others_do() -> None:
    async def script(_: Exchange, rest: Rest, __: Ear, ___: Now) -> None:
        terms = TERMS | {"activation_price": "120000"}
        market = (await rest.call("order/collateral/trigger-market", **terms)).json()
        limit = (
            await rest.call("order/collateral/stop-limit", **terms | {"price": "120000"})
        ).json()
        assert [market["type"], limit["type"]] == ["trigger margin market", "margin stop limit"]

    traded(script)


def test_positions_are_told_whole_and_that_none_is_left_once() -> None:
    async def script(exchange: Exchange, rest: Rest, ear: Ear, __: Now) -> None:
        for channel in ("positionsMargin", "borrowsMargin", "positionsAccountMargin"):
            said = await ear.ask(f"{channel}_subscribe")
            assert said["result"] == {"status": "success"}
        assert (await ear.ask("positionsMargin_subscribe", "BTC_PERP"))["error"]["code"] == 1
        await ear.ask("positionsMargin_subscribe")
        await rest.call("order/collateral/market", **TERMS)
        told = await ear.hear("positionsMargin_update")
        assert (told["total"], told["records"][0]["amount"]) == (1, "1")
        exchange.publish(exchange.engine.enforcement.warn("treasury", "BTC_PERP"))
        alarm, held = await ear.hear("positionsAccountMargin_update")
        assert (alarm, held["liq_stage"]) == (1, "margin_call")
        quote(exchange, Side.BUY, "1", "99000")
        exchange.publish(exchange.engine.enforcement.liquidate("treasury", "BTC_PERP"))
        told = await ear.hear("positionsMargin_update")
        assert told == {"total": 0, "records": []}
        exchange.publish(exchange.engine.margin.borrow("treasury", "BTC", Decimal(1)))
        told = await ear.hear("borrowsMargin_update")
        assert (told["total"], told["records"][0]["amount"]) == (1, "-1")

    traded(script)


def test_alarms_about_borrows_are_told_one_by_one_to_who_subscribed() -> None:
    async def script(exchange: Exchange, rest: Rest, ear: Ear, _: Now) -> None:
        enforcement, margin = exchange.engine.enforcement, exchange.engine.margin
        await rest.call("order/collateral/market", **TERMS)
        for asset, amount in (("BTC", 1), ("ETH", 2)):
            exchange.publish(margin.borrow("treasury", asset, Decimal(amount)))
        exchange.publish(enforcement.warn("treasury", "BTC_PERP"))
        await ear.ask("borrowsAccountMargin_subscribe")
        assert ear.updates == []
        quote(exchange, Side.BUY, "1", "99000")
        for number, act in ((1, enforcement.warn), (2, enforcement.liquidate)):
            exchange.publish(act("treasury", "BTC_PERP"))
            for asset, owes in (("BTC", "-1"), ("ETH", "-2")):
                alarm, owed = await ear.hear("borrowsAccountMargin_update")
                assert (alarm, owed["asset"], owed["amount"]) == (number, asset, owes)

    traded(script)


def test_what_a_delisting_ended_is_listed_by_its_own_call() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear, __: Now) -> None:
        await rest.call("order/collateral/limit", **TERMS | {"price": "90000"})
        exchange.publish(exchange.engine.enforcement.delist("BTC_PERP"))
        [row] = (await rest.call("trade-account/order/history/query")).json()
        assert (row["status"], row["delistingKind"]) == ("canceled", "canceled")
        assert row["price"] == "90000.0000000000"
        names = [market["name"] for market in (await rest.get("public/markets")).json()]
        assert "BTC_PERP" not in names

    traded(script)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("order/collateral/limit", TERMS | {"market": "DOGE_USDT", "price": "1"}),
        ("order/new", TERMS | {"price": "90000"}),
        ("collateral-account/position/close", {"market": "BTC_PERP", "positionId": 77}),
        ("order/collateral/market", TERMS | {"reduceOnly": True}),
    ],
)
def test_what_the_wallet_does_not_allow_is_refused(path: str, params: dict[str, Any]) -> None:
    async def script(_: Exchange, rest: Rest, __: Ear, ___: Now) -> None:
        assert (await rest.call(path, **params)).status_code == 422

    traded(script)
