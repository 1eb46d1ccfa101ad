"""What the simulator says fits the vendor's own AsyncAPI and OpenAPI files, where they are at hand.

Where it deliberately does not, `DEVIATIONS` says why and from which source.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from reconciler.simulator.accounts import Account
from reconciler.simulator.calls import CREATED
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.papers import Direction
from reconciler.simulator.records import Fees, Instruction, Kind, Side, Stp
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import Ear, Rest, calling, listening, opened

VENDOR = Path(__file__).parents[2].parent / "shared" / "whitebit"

pytestmark = pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's files are not at hand")

PERP = {"market": "BTC_PERP", "side": "buy", "amount": "0.01"}

OPEN = "the file knows only what becomes of orders at once, but an order may rest"

DEVIATIONS = [
    ("order/collateral/limit", PERP | {"price": "1000"}, OPEN),
    (
        "order/collateral/stop-limit",
        PERP | {"price": "1000", "activation_price": "200000"},
        OPEN,
    ),
    ("order/collateral/trigger-market", PERP | {"activation_price": "200000"}, OPEN),
    (
        "order/collateral/oco",
        PERP | {"price": "1000", "activation_price": "200000", "stop_limit_price": "200000"},
        OPEN,
    ),
    ("order/bulk", {"orders": [{}]}, "null beside a result or error: its own example"),
    ("collateral-account/balance", {}, "numbers in the file, strings live: bot24, go-sdk"),
    ("trade-account/balance", {"ticker": "BTC"}, "flat with `ticker`: go-sdk's recorded answer"),
    ("trade-account/order/history", {"market": "ETH_BTC"}, "`[]` when empty: wbnet's recording"),
]


@cache
def document(path: str) -> Any:
    return yaml.load((VENDOR / path).read_text(), Loader=yaml.CSafeLoader)


def resolved(schema: Any, root: Any) -> Any:
    """The schema with its references replaced, and the `nullable` of OpenAPI 3.0 spelled out."""
    match schema:
        case {"$ref": str() as reference}:
            found = root
            for step in reference.removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/")]
            return resolved(found, root)
        case {"nullable": True, "type": str() as kind, **others}:
            if "enum" in schema:
                others["enum"] = [*schema["enum"], None]
            return resolved(others | {"type": [kind, "null"]}, root)
        case dict():
            return {key: resolved(value, root) for key, value in schema.items() if key != "example"}
        case list():
            return [resolved(item, root) for item in schema]
        case _:
            return schema


def complaints(value: Any, schema: Any) -> list[str]:
    errors = Draft7Validator(schema).iter_errors(value)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def message(channel: str, name: str) -> Any:
    root = document(f"asyncapi/private/{channel}.yaml")
    return resolved(root["components"]["messages"][name]["payload"], root)


def answer(path: str) -> Any:
    status = "201" if path in CREATED else "200"
    for file in ("private/http-trade-v4", "private/main_api_v4", "public/http-v4"):
        root = document(f"openapi/{file}.yaml")
        if path in root["paths"]:
            [operation] = root["paths"][path].values()
            said = resolved(operation["responses"][status], root)
            return said["content"]["application/json"]["schema"]
    raise LookupError(path)


def busy(exchange: Exchange) -> None:
    """One of everything: open, partly filled, filled and cancelled orders; market orders; money
    in all wallets."""

    def place(account: str, side: Side, amount: str, price: str | None, **more: Any) -> int:
        asked = Instruction(
            market="BTC_USDT",
            side=side,
            amount=Decimal(amount),
            price=Decimal(price) if price else None,
            **more,
        )
        return exchange.place(account, asked).order_id

    exchange.open_account("other", funds={"BTC": "10", "USDT": "1000000"})
    place("treasury", Side.BUY, "1", "90000", client_order_id="mine-1")
    place("other", Side.SELL, "0.4", "90000")
    place("treasury", Side.SELL, "1", "110000", post_only=True)
    place("other", Side.SELL, "3", "100000")
    place("treasury", Side.BUY, "500", None, kind=Kind.MARKET)
    place("treasury", Side.BUY, "0.001", None, kind=Kind.STOCK_MARKET)
    place("treasury", Side.BUY, "9", "100000", ioc=True)
    exchange.cancel("treasury", "BTC_USDT", place("treasury", Side.BUY, "1", "1000"))
    place("treasury", Side.BUY, "1", "1000", client_order_id="mine-2", stp=Stp.BOTH)
    stop = {"kind": Kind.STOP_LIMIT, "activation_price": Decimal(99_000)}
    place("treasury", Side.SELL, "0.5", "98000", **stop)
    place("treasury", Side.SELL, "0.5", "98000", **stop)
    place("other", Side.BUY, "0.2", "99000")
    place("other", Side.SELL, "0.1", "99000")
    exchange.transfer("treasury", "BTC", "1", "spot", "collateral")
    exchange.transfer("treasury", "BTC", "1", "spot", "main")
    paper(exchange)


def paper(exchange: Exchange) -> None:
    """One of everything that moves money without a deal."""
    engine, account = exchange.engine, exchange.engine.accounts["treasury"]
    account.is_business = True
    sub = engine.open_account("sub", master="treasury")
    treasury, some = engine.treasury, Decimal("0.01")
    treasury.expect_deposit("treasury", "BTC", some)
    out, _ = treasury.request_withdrawal("treasury", "BTC", some, unique_id="1")
    treasury.advance("treasury", out.transaction_id, 18, processed=(some / 2, some / 10))
    treasury.apply_code("treasury", treasury.create_code("treasury", "BTC", some)[0].code)
    treasury.sub_transfer("treasury", sub.sub_id, Direction.TO_SUB, "BTC", some)
    quote = engine.conversions.estimate("treasury", "BTC", "USDT", some)
    engine.conversions.confirm("treasury", quote.quote_id)
    for is_flexible in (False, True):
        lent, _ = engine.lending.invest("treasury", "BTC", some, is_flexible=is_flexible)
        engine.lending.earn("treasury", lent.investment_id, some)
    engine.lending.mine("treasury", "BTC", some)
    positions(exchange)


def positions(exchange: Exchange) -> None:
    """One open, one closed, funding, a debt, and what a delisting leaves."""

    def trade(account: str, side: Side, price: str, market: str = "BTC_PERP") -> None:
        asked = Instruction(
            market=market,
            side=side,
            kind=Kind.MARGIN_LIMIT,
            amount=Decimal("0.1"),
            price=Decimal(price),
        )
        exchange.place(account, asked)

    for account in ("treasury", "other"):
        exchange.phantom(account, "USDT", "100000", "collateral")
    for side in Side:
        trade("other", side.opposite, "100000")
        trade("treasury", side, "100000")
    trade("treasury", Side.BUY, "2000", "ETH_PERP")
    trade("other", Side.SELL, "100000")
    trade("treasury", Side.BUY, "100000")
    trade("other", Side.SELL, "100100")
    conditionals(exchange)
    engine = exchange.engine
    exchange.publish(engine.margin.fund("BTC_PERP", Decimal("0.0001"), Decimal(100_000)))
    exchange.publish(engine.margin.borrow("treasury", "BTC", Decimal(1)))
    exchange.publish(engine.enforcement.delist("ETH_PERP"))
    exchange.publish(engine.enforcement.warn("treasury", "BTC_PERP"))


def conditionals(exchange: Exchange) -> None:
    """A pair on futures and one on margin, and an order that triggers others."""
    far = Instruction(
        market="BTC_PERP",
        side=Side.SELL,
        kind=Kind.MARGIN_LIMIT,
        amount=Decimal("0.01"),
        price=Decimal(200_000),
        client_order_id="both",
    )
    for name in ("BTC_PERP", "BTC_USDT"):
        limit = replace(far, market=name)
        stop = replace(
            limit,
            kind=Kind.MARGIN_STOP_LIMIT,
            price=Decimal(1_000),
            activation_price=Decimal(1_000),
        )
        place = exchange.engine.conditionals.place
        exchange.told(place("treasury", stop_loss=stop, take_profit=limit))
    triggering = replace(far, stop_loss=Decimal(300_000), take_profit=Decimal(1_000))
    exchange.place("treasury", triggering)


Script = Callable[[Exchange, Rest, Ear], Awaitable[None]]


def spoken(script: Script) -> None:
    async def main() -> None:
        exchange = opened(markets=(*DEFAULT_MARKETS, *FUTURES))
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
        ):
            await script(exchange, rest, ear)

    run(main)


QUERIES: dict[str, tuple[str, list[Any]]] = {
    "balanceSpot_request": ("balance_spot", []),
    "balanceMargin_request": ("balance_margin", ["BTC"]),
    "ordersPending_request": ("orders_pending", ["BTC_USDT", 0, 100]),
    "ordersExecuted_request": (
        "orders_executed",
        [{"market": "BTC_USDT", "order_types": [1, 2, 202]}, 0, 100],
    ),
    "deals_request": ("deals", ["BTC_USDT", 0, 100]),
}


def named(channel: str, method: str) -> str:
    """The message of the vendor's file that carries this method or its answer."""
    root = document(f"asyncapi/private/{channel}.yaml")
    spoken, _, verb = method.rpartition("_")
    stems = {f"{spoken}{verb}".lower(), f"{channel.replace('_', '')}{verb}"}
    for name in root["components"]["messages"]:
        if name.lower() in stems:
            return str(name)
    raise LookupError((channel, method))


@pytest.mark.parametrize("method", QUERIES)
def test_answers_to_queries_fit(method: str) -> None:
    channel, params = QUERIES[method]

    async def script(exchange: Exchange, _: Rest, ear: Ear) -> None:
        busy(exchange)
        said = await ear.ask(method, *params)
        assert said["result"]
        name = named(channel, method.replace("request", "response"))
        assert complaints(said, message(channel, name)) == []

    spoken(script)


CHANNELS_OF_POSITIONS = (
    "positionsMargin",
    "borrowsMargin",
    "positionsAccountMargin",
    "borrowsAccountMargin",
)

UPDATES = {
    "positionsMargin_update": "positions",
    "borrowsMargin_update": "borrows",
    "positionsAccountMargin_update": "margin_positions_events",
    "borrowsAccountMargin_update": "borrows_events",
    "balanceSpot_update": "balance_spot",
    "balanceMargin_update": "balance_margin",
    "ordersPending_update": "orders_pending",
    "ordersExecuted_update": "orders_executed",
    "deals_update": "deals",
}


def test_updates_fit_and_each_kind_was_said() -> None:
    async def script(exchange: Exchange, _: Rest, ear: Ear) -> None:
        await ear.subscribe("BTC_USDT")
        for channel in CHANNELS_OF_POSITIONS:
            await ear.ask(f"{channel}_subscribe")
        busy(exchange)
        for channel in CHANNELS_OF_POSITIONS[:2]:
            params = await ear.hear(f"{channel}_update")
            ear.updates.append({"id": None, "method": f"{channel}_update", "params": params})
        await ear.hear("balanceSpot_update")
        await ear.hear("balanceMargin_update")
        exchange.phantom("treasury", "ETH", "1")
        exchange.transfer("treasury", "ETH", "1", "spot", "collateral")
        for method in ("balanceMargin_update", "balanceSpot_update"):
            params = await ear.hear(method)
            ear.updates.append({"id": None, "method": method, "params": params})
        assert {frame["method"] for frame in ear.updates} == set(UPDATES)
        for frame in ear.updates:
            channel = UPDATES[frame["method"]]
            name = named(channel, frame["method"])
            assert complaints(frame, message(channel, name)) == [], json.dumps(frame)

    spoken(script)


def test_authorization_and_refusals_fit() -> None:
    async def script(_: Exchange, rest: Rest, ear: Ear) -> None:
        said = await ear.ask("authorize", await rest.token(), "public")
        assert complaints(said, message("authorize", "authorizeResponse")) == []

    spoken(script)


LENDING = (
    "smart/investments",
    "smart/interest-payment-history",
    "smart-flex/investments",
    "smart-flex/investments/history",
    "smart-flex/investments/payment-history",
)


def paths() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "/api/v4/profile/websocket_token", {}
    yield "/api/v4/trade-account/balance", {}
    yield "/api/v4/main-account/balance", {}
    yield "/api/v4/collateral-account/balance-summary", {}
    yield "/api/v4/orders", {}
    yield "/api/v4/trade-account/order/history", {}
    yield "/api/v4/trade-account/executed-history", {}
    yield "/api/v4/trade-account/executed-history", {"market": "BTC_USDT"}
    terms = {"market": "BTC_USDT", "side": "buy", "amount": "0.01"}
    yield "/api/v4/order/new", terms | {"price": "50000"}
    yield "/api/v4/order/market", terms | {"amount": "10"}
    yield "/api/v4/order/stock_market", terms
    stop = terms | {"activation_price": "120000"}
    yield "/api/v4/order/stop_limit", stop | {"price": "120000"}
    yield "/api/v4/order/stop_market", stop | {"amount": "10"}
    yield (
        "/api/v4/order/modify",
        {"market": "BTC_USDT", "clientOrderId": "mine-2", "price": "1100"},
    )
    yield "/api/v4/conditional-orders", {}
    yield "/api/v4/oco-orders", {}
    yield "/api/v4/order/oco-cancel", {"market": "BTC_PERP", "clientOrderId": "both"}
    yield "/api/v4/market/fee", {"market": "BTC_USDT"}
    yield "/api/v4/main-account/history", {}
    out = {"ticker": "BTC", "amount": "0.1", "address": "there", "uniqueId": "2"}
    yield "/api/v4/main-account/address", {"ticker": "BTC"}
    yield "/api/v4/main-account/fee", {}
    yield "/api/v4/main-account/codes", out
    for path in ("codes/my", "codes/history", *LENDING):
        yield f"/api/v4/main-account/{path}", {}
    convert = {"from": "BTC", "to": "USDT", "direction": "from", "amount": "0.1"}
    yield "/api/v4/convert/estimate", convert
    yield "/api/v4/convert/history", {}
    yield "/api/v4/sub-account/list", {}
    sub = {"id": Account(name="sub", fees=Fees()).sub_id}
    yield "/api/v4/sub-account/balances", sub
    yield "/api/v4/sub-account/transfer/history", sub
    move = {"direction": "main_to_sub", "ticker": "BTC", "amount": "0.1"}
    yield "/api/v4/sub-account/transfer", sub | move
    yield "/api/v4/mining/rewards", {}
    for path in (
        "summary",
        "positions/open",
        "positions/history",
        "positions/closed-pnl",
        "funding-history",
        "hedge-mode",
    ):
        yield f"/api/v4/collateral-account/{path}", {}
    yield "/api/v4/collateral-account/leverage", {"leverage": 5}
    yield "/api/v4/trade-account/order/history/query", {}
    yield "/api/v4/order/collateral/market", PERP


@pytest.mark.parametrize(("path", "params", "why"), DEVIATIONS)
def test_what_does_not_fit_is_known(path: str, params: dict[str, Any], why: str) -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear) -> None:
        busy(exchange)
        said = await rest.call(path, **params)
        assert said.status_code == 200
        assert complaints(said.json(), answer(f"/api/v4/{path}")), f"no deviation any more: {why}"

    spoken(script)


@pytest.mark.parametrize(("path", "params"), list(paths()))
def test_answers_over_rest_fit(path: str, params: dict[str, Any]) -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear) -> None:
        busy(exchange)
        said = await rest.call(path.removeprefix("/api/v4/"), **params)
        assert said.status_code == (201 if path in CREATED else 200)
        assert said.json()
        assert complaints(said.json(), answer(path)) == []

    spoken(script)


def test_the_deals_of_an_order_and_its_cancel_fit() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear) -> None:
        busy(exchange)
        truth = exchange.truth("treasury")
        filled = next(order for order in truth.orders if order.filled_amount)
        said = (await rest.call("trade-account/order", orderId=filled.order_id)).json()
        assert said["records"]
        assert complaints(said, answer("/api/v4/trade-account/order")) == []
        still = next(order for order in truth.orders if order.finished_at is None)
        ids = {"market": "BTC_USDT", "orderId": still.order_id}
        ended = (await rest.call("order/cancel", **ids)).json()
        assert complaints(ended, answer("/api/v4/order/cancel")) == []

    spoken(script)


def test_cancels_of_conditional_orders_fit() -> None:
    async def script(exchange: Exchange, rest: Rest, _: Ear) -> None:
        busy(exchange)
        records = (await rest.call("conditional-orders")).json()["records"]
        for row in records:
            leg = row.get("takeProfit") or row["conditionalOrder"]
            path, name = "order/conditional-cancel", "id"
            if row["type"] == "oto":
                path, name = "order/oto-cancel", "otoId"
            said = await rest.call(path, market=leg["market"], **{name: row["id"]})
            assert complaints(said.json(), answer(f"/api/v4/{path}")) == []
        assert {row["type"] for row in records} == {"oco", "oto"}

    spoken(script)


def test_errors_fit() -> None:
    async def script(_: Exchange, rest: Rest, __: Ear) -> None:
        root = document("openapi/private/http-trade-v4.yaml")
        schema = resolved(root["components"]["schemas"]["ErrorResponse"], root)
        for path, params in (("orders", {"limit": 0}), ("order/cancel", {"market": "X"})):
            said = await rest.call(path, **params)
            assert complaints(said.json(), schema) == []

    spoken(script)


@pytest.mark.parametrize("path", ["markets", "assets", "time", "ping", "platform/status"])
def test_the_public_side_fits(path: str) -> None:
    async def script(_: Exchange, rest: Rest, __: Ear) -> None:
        said = (await rest.get(f"public/{path}")).json()
        assert complaints(said, answer(f"/api/v4/public/{path}")) == []

    spoken(script)


def test_a_transfer_fits() -> None:
    async def script(_: Exchange, rest: Rest, __: Ear) -> None:
        terms = {"ticker": "BTC", "amount": "1", "from": "spot", "to": "main"}
        said = (await rest.call("main-account/transfer", **terms)).json()
        assert complaints(said, answer("/api/v4/main-account/transfer")) == []

    spoken(script)
