"""The control endpoint, as a driver in any language would use it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from random import Random
from typing import Any

import httpx
import pytest
from trio_websocket import ConnectionClosed

from reconciler.simulator.control import serve_control
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.hand import Hand
from reconciler.simulator.life import Traders
from reconciler.simulator.pulse import Pulse
from reconciler.simulator.recorder import Recorder
from reconciler.simulator.records import Histories
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import calling, listening, opened

FILL = {
    "account": "treasury",
    "market": "BTC_USDT",
    "side": "buy",
    "amount": "0.5",
    "price": "40000",
}


class Driver:
    """Knows HTTP and JSON, nothing else."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self.http, self.url = http, url

    async def get(self, path: str) -> Any:
        return (await self.http.get(self.url + path)).json()

    async def post(self, path: str, **values: Any) -> Any:
        return (await self.http.post(self.url + path, json=values)).json()

    async def delete(self, path: str) -> Any:
        return (await self.http.delete(self.url + path)).json()


@asynccontextmanager
async def driving(exchange: Exchange, pulse: Pulse | None = None) -> AsyncIterator[Driver]:
    async with (
        serve_control(exchange, Hand(exchange, pulse)) as url,
        httpx.AsyncClient() as http,
    ):
        yield Driver(http, url)


def driven(script: Callable[[Exchange, Driver], Awaitable[None]]) -> None:
    async def main() -> None:
        exchange = opened()
        async with driving(exchange) as driver:
            await script(exchange, driver)

    run(main)


def test_it_listens_on_loopback_only() -> None:
    async def main() -> None:
        exchange = opened()
        with pytest.raises(ValueError, match="not a loopback address"):
            async with serve_control(exchange, Hand(exchange), host="0.0.0.0"):
                pass

    run(main)


def test_it_says_what_there_is() -> None:
    async def script(exchange: Exchange, driver: Driver) -> None:
        said = await driver.get("/")
        assert "treasury" in said["accounts"]
        assert said["markets"] == sorted(exchange.markets)
        assert said["now_us"] == exchange.now()
        assert "fill" in said["deeds"]

    driven(script)


def test_a_deal_that_is_asked_for_is_made_and_the_truth_has_it() -> None:
    async def script(_: Exchange, driver: Driver) -> None:
        made = (await driver.post("/fill", **FILL))["result"]
        assert (made["amount"], made["price"], made["role"]) == ("0.5", "40000", "taker")
        truth = await driver.get("/truth/treasury")
        assert truth["deals"] == [made]
        assert truth["balances"]["spot"]["USDT"] == {"available": "980000", "frozen": "0"}
        last = (await driver.post("/fill", **FILL, times=3))["result"]
        deals = (await driver.get("/truth/treasury"))["deals"]
        assert len(deals) == 4
        assert deals[-1] == last

    driven(script)


def test_money_and_orders_are_moved_by_hand() -> None:
    async def script(exchange: Exchange, driver: Driver) -> None:
        await driver.post("/open", account="bot", funds={"USDT": "1000"})
        terms = FILL | {"account": "bot", "amount": "0.1", "price": "100"}
        order = (await driver.post("/place", **terms))["result"]
        assert order["status"] == "open"
        ids = {"account": "bot", "market": "BTC_USDT", "order_id": order["order_id"]}
        assert (await driver.post("/cancel", **ids))["result"]["status"] == "canceled"
        money = {"account": "bot", "asset": "USDT", "amount": "5"}
        assert (await driver.post("/deposit", **money))["result"] is None
        await driver.post("/transfer", **money, origin="main", target="spot")
        await driver.post("/transfer", **money, origin="spot", target="main")
        await driver.post("/withdraw", **money)
        await driver.post("/phantom", **money | {"amount": "-3"})
        assert exchange.truth("bot").balances["spot", "USDT"].available == 997  # type: ignore[index]

    driven(script)


def test_faults_are_added_listed_and_removed() -> None:
    async def script(exchange: Exchange, driver: Driver) -> None:
        rule = {"point": "frame", "act": {"do": "delay", "seconds": 2}, "name": "deals_update"}
        number = (await driver.post("/faults", **rule))["number"]
        [listed] = await driver.get("/faults")
        assert listed["act"] == {"do": "delay", "seconds": 2.0}
        assert listed["number"] == number
        assert await driver.delete(f"/faults/{number}") == {"removed": 1}
        assert "error" in await driver.delete(f"/faults/{number}")
        await driver.post("/add", rule=rule)
        await driver.post("/script", rules=[rule, rule])
        assert await driver.delete("/faults") == {"removed": 3}
        assert exchange.faults.rules == []

    driven(script)


def test_limits_are_told_with_what_was_used_of_them() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server, calling(server) as rest:
            await rest.call("orders")
            await rest.call("orders")
            async with driving(exchange) as driver:
                [told] = await driver.get("/limits")
        assert (told["limit"], told["allowed"], told["peak"]) == ("trade", 12_000, 2)

    run(main)


def test_an_outage_begins_and_ends() -> None:
    async def main() -> None:
        exchange = opened()
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server) as ear,
            driving(exchange) as driver,
        ):
            await driver.post("/down", act={"do": "answer", "status": 503, "body": "<html>"})
            with pytest.raises(ConnectionClosed):
                await ear.link.get_message()
            assert (await rest.get("public/ping")).status_code == 503
            await driver.post("/up")
            assert (await rest.get("public/ping")).status_code == 200
            assert exchange.faults.rules == []

    run(main)


def test_websockets_are_cut_stalled_and_spoken_on() -> None:
    async def main() -> None:
        exchange = opened()
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
            driving(exchange) as driver,
        ):
            assert (await driver.post("/say", frame="{"))["result"] == 1
            assert await ear.link.get_message() == "{"
            assert (await driver.post("/stall", account="treasury"))["result"] == 1
            assert (await driver.post("/hangup", how="reset"))["result"] == 1
            with pytest.raises(ConnectionClosed):
                await ear.link.get_message()

    run(main)


def test_the_clock_is_set_wrong() -> None:
    async def script(exchange: Exchange, driver: Driver) -> None:
        before = exchange.now()
        await driver.post("/skew", seconds=-1.5)
        assert exchange.now() == before - 1_500_000

    driven(script)


def test_the_past_is_told_otherwise() -> None:
    async def script(exchange: Exchange, driver: Driver) -> None:
        await driver.post("/retell", page_max=100, orders_by_end=True)
        assert exchange.histories == Histories(page_max=100, orders_by_end=True)
        await driver.post("/retell")
        assert exchange.histories == Histories()

    driven(script)


def test_life_is_paused_and_advanced_by_hand() -> None:
    async def main() -> None:
        exchange = opened()
        traders = Traders(exchange, chance=Random(1), accounts=["treasury"])
        pulse = Pulse(traders, rate=5)
        async with driving(exchange, pulse) as driver:
            await driver.post("/pause")
            assert pulse.is_paused
            await driver.post("/advance", steps=500)
            assert exchange.truth("treasury").deals
            await driver.post("/resume", rate=50)
            assert (pulse.is_paused, pulse.rate) == (False, 50)

    run(main)


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("/fill", {}, 400, "missing required field `account`"),
    ("/fill", FILL | {"side": "up"}, 400, "$.side"),
    ("/fill", FILL | {"colour": "red"}, 400, "unknown field `colour`"),
    ("/fill", FILL | {"account": "nobody"}, 409, "'nobody' is unknown"),
    ("/fill", FILL | {"market": "A_B"}, 409, "'A_B' is unknown"),
    ("/place", FILL | {"amount": "0.000000001"}, 409, "amount"),
    ("/deposit", {"account": "treasury", "asset": "X", "amount": "1"}, 409, "'X' is unknown"),
    ("/deposit", {"account": "treasury", "asset": "BTC", "amount": "-1"}, 409, "positive"),
    ("/open", {"account": "treasury"}, 409, "exists"),
    ("/advance", {}, 409, "there is none"),
    ("/dance", {}, 404, "no deed 'dance'"),
    ("/faults", {"point": "frame", "act": "html"}, 400, "answer makes no sense at frame"),
    ("/faults", {"point": "frame", "act": "odd"}, 400, "no answer is called 'odd'"),
    ("/script", {"steps": [{"do": "up"}]}, 400, "do deeds one by one"),
]


@pytest.mark.parametrize(("path", "values", "status", "text"), WRONG)
def test_what_makes_no_sense_is_refused_in_words(
    path: str, values: dict[str, Any], status: int, text: str
) -> None:
    async def script(_: Exchange, driver: Driver) -> None:
        said = await driver.http.post(driver.url + path, json=values)
        assert said.status_code == status
        assert text in said.json()["error"]

    driven(script)


def test_the_truth_of_nobody_is_not_found() -> None:
    async def script(_: Exchange, driver: Driver) -> None:
        assert (await driver.http.get(f"{driver.url}/truth/nobody")).status_code == 404

    driven(script)


def test_what_happens_is_written_down_and_the_same_again_gives_the_same_bytes() -> None:
    def life() -> bytes:
        written = BytesIO()
        exchange = opened()
        hand = Hand(exchange)
        recorder = Recorder(exchange, written)
        recorder.follow("treasury")
        recorder.watch(hand)
        traders = Traders(exchange, chance=Random(3), accounts=["treasury"])
        Pulse(traders, rate=1).advance(300)
        return written.getvalue()

    lines = [json.loads(line) for line in life().splitlines()]
    assert {"OrderSeen", "DealMade", "BalanceMoved"} <= {line["event"] for line in lines}
    assert life() == life()
