"""What can go wrong goes wrong where, for whom and as often as the plan says."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Literal

import pytest
import trio
from trio_websocket import ConnectionClosed

from reconciler.simulator.acts import AnyAct
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.faults import (
    Acknowledge,
    Answer,
    Delay,
    Duplicate,
    FaultPlan,
    Lag,
    Point,
    Refuse,
    Reorder,
    Restate,
    Rule,
    Shift,
    Shrink,
    Stall,
    Swallow,
    Truncate,
)
from reconciler.simulator.records import Instruction, Side
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import START, Ear, Rest, calling, listening, opened

RESTING = Instruction(
    market="BTC_USDT", side=Side.BUY, amount=Decimal(1), price=Decimal(9), client_order_id=""
)


def test_a_rule_skips_then_acts_then_is_spent() -> None:
    faults = FaultPlan()
    faults.add(Rule(point=Point.FRAME, act=Swallow(), name="deals_update", skip=1, times=2))
    acts = [faults.at(Point.FRAME, "treasury", "deals_update") for _ in range(4)]
    assert acts == [None, Swallow(), Swallow(), None]
    assert faults.rules == []


def test_a_rule_fits_its_point_account_and_name_only() -> None:
    faults = FaultPlan()
    rule = Rule(point=Point.REQUEST, act=Answer(500), account="treasury", name="/x", times=None)
    faults.add(rule)
    assert faults.at(Point.HANDSHAKE, "treasury", "/x") is None
    assert faults.at(Point.REQUEST, "desk", "/x") is None
    assert faults.at(Point.REQUEST, "treasury", "/y") is None
    assert faults.at(Point.REQUEST, "treasury", "/x") == Answer(500)
    faults.remove(rule)
    assert faults.at(Point.REQUEST, "treasury", "/x") is None


def test_an_act_that_makes_no_sense_at_its_point_is_no_rule() -> None:
    with pytest.raises(ValueError, match="possible are cut, stall"):
        Rule(point=Point.CONNECTION, act=Duplicate())


@pytest.mark.parametrize("how", ["reset", 1011])
def test_a_cut_ends_the_websockets_of_one_account(how: Literal["reset"] | int) -> None:
    async def main() -> None:
        exchange = opened()
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ours,
            listening(server) as stranger,
        ):
            cut = exchange.faults.cut("treasury", how=how)
            assert cut == 1
            with pytest.raises(ConnectionClosed) as closed:
                await ours.link.get_message()
            if how == 1011:
                assert closed.value.reason is not None
                assert closed.value.reason.code == 1011
            assert (await stranger.ask("ping"))["result"] == "pong"

    run(main)


def test_a_cut_before_a_deal_loses_the_deal() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server, calling(server) as rest:
            async with listening(server, rest) as ear:
                await ear.subscribe("BTC_USDT")
                exchange.faults.cut(before="deals_update")
                exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000")
                with pytest.raises(ConnectionClosed):
                    await ear.hear("deals_update")
            async with listening(server, rest) as ear:
                await ear.subscribe("BTC_USDT")
                deal = exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000")
                assert (await ear.hear("deals_update"))[0] == deal.deal_id

    run(main)


def test_frames_are_swallowed_and_doubled() -> None:
    async def main() -> None:
        exchange = opened()
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
        ):
            await ear.ask("deals_subscribe", [])
            exchange.faults.add(Rule(point=Point.FRAME, act=Swallow()))
            exchange.faults.add(Rule(point=Point.FRAME, act=Duplicate()))
            _, second, third = (
                exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000") for _ in range(3)
            )
            heard = [(await ear.hear("deals_update"))[0] for _ in range(3)]
            assert heard == [second.deal_id, second.deal_id, third.deal_id]

    run(main)


SWALLOWED = {
    "ordersPending_update": '"amount": "0.2"',
    "ordersExecuted_update": '"amount": "0.2"',
    "deals_update": '"0.2", "0.0002"',
    "balanceSpot_update": '"10.2997"',
    "balanceMargin_update": '"B": "0.3"',
}
"""By method, what only the second one says."""


@pytest.mark.parametrize("method", SWALLOWED)
def test_one_update_of_a_method_is_lost_for_ever_and_nothing_else(method: str) -> None:
    async def main() -> None:
        exchange = opened()
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
        ):
            await ear.subscribe("BTC_USDT")
            exchange.faults.add(Rule(point=Point.FRAME, act=Swallow(), name=method))
            heard = []
            for amount in ("0.1", "0.2"):
                exchange.fill("treasury", "BTC_USDT", "buy", amount, "1000")
                exchange.transfer("treasury", "USDT", amount, "spot", "collateral")
                heard += [json.dumps(await ear.hear(m)) for m in SWALLOWED if m != method]
            assert len(set(heard)) == 2 * (len(SWALLOWED) - 1)
            assert SWALLOWED[method] in json.dumps(await ear.hear(method))
            assert not ear.updates

    run(main)


HOSTILE = (
    "{",
    '{"id":null,"method":"deals_update","params":[NaN]}',
    '{"id":null,"method":"weather_update","params":[]}',
    json.dumps({"id": None, "method": "deals_update", "params": list(range(12))}),
    "[" * 10_000,
    "9" * 500_000,
    b"\xff\xfe",
)


def test_hostile_frames_arrive_as_they_are() -> None:
    async def main() -> None:
        exchange = opened()
        async with (
            serve(exchange) as server,
            calling(server) as rest,
            listening(server, rest) as ear,
        ):
            for frame in HOSTILE:
                assert exchange.faults.send_raw(frame, "treasury") == 1
                assert await ear.link.get_message() == frame
            assert exchange.faults.send_raw("{}", "desk") == 0

    run(main)


Fault = tuple[Point, AnyAct | str, str]


@asynccontextmanager
async def spoiled(*faults: Fault) -> AsyncIterator[tuple[Exchange, Rest, Ear]]:
    """An exchange whose account listens to its deals while the faults wait for their occasion."""
    exchange = opened()
    async with (
        serve(exchange) as server,
        calling(server) as rest,
        listening(server, rest) as ear,
    ):
        await ear.ask("deals_subscribe", [])
        for point, act, name in faults:
            exchange.faults.add(Rule(point=point, act=act, name=name, account="treasury"))
        yield exchange, rest, ear


def fill(exchange: Exchange) -> int:
    return exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "1000").deal_id


def test_a_delayed_update_is_overtaken() -> None:
    async def main() -> None:
        async with spoiled((Point.FRAME, Delay(0.05), "deals_update")) as (exchange, _, ear):
            first, second = fill(exchange), fill(exchange)
            assert [(await ear.hear("deals_update"))[0] for _ in range(2)] == [second, first]

    run(main)


def test_a_reordered_update_waits_for_others_of_its_method_or_for_a_second() -> None:
    async def main() -> None:
        async with spoiled((Point.FRAME, Reorder(2), "deals_update")) as (exchange, _, ear):
            first, second, third = (fill(exchange) for _ in range(3))
            heard = [(await ear.hear("deals_update"))[0] for _ in range(3)]
            assert heard == [second, third, first]
            exchange.faults.add(Rule(point=Point.FRAME, act=Reorder(9)))
            last = fill(exchange)
            assert (await ear.hear("deals_update"))[0] == last

    run(main)


def test_a_truncated_update_is_no_json() -> None:
    async def main() -> None:
        async with spoiled((Point.FRAME, Truncate(9), "deals_update")) as (exchange, _, ear):
            fill(exchange)
            assert len(await ear.link.get_message()) == 9

    run(main)


def test_a_stalled_connection_stays_but_nothing_flows() -> None:
    async def main() -> None:
        async with spoiled((Point.FRAME, Stall(), "deals_update")) as (exchange, _, ear):
            fill(exchange)
            await ear.send("ping")
            with trio.move_on_after(0.1) as waited:
                await ear.link.get_message()
            assert waited.cancelled_caught
            assert ear.link.closed is None
            assert exchange.faults.cut() == 1
            with pytest.raises(ConnectionClosed):
                await ear.link.get_message()

    run(main)


def test_a_connection_that_stalls_from_the_start_says_nothing() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server:
            exchange.faults.add(Rule(point=Point.CONNECTION, act=Stall()))
            stream = await trio.open_tcp_stream("127.0.0.1", server.port)
            await stream.send_all(b"GET /api/v4/public/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            with trio.move_on_after(0.1) as waited:
                await stream.receive_some()
            assert waited.cancelled_caught
            await stream.aclose()

    run(main)


def test_an_authorization_can_be_refused_for_one_account() -> None:
    async def main() -> None:
        async with spoiled((Point.CALL, Refuse(), "authorize")) as (_, rest, ear):
            said = await ear.ask("authorize", await rest.token(), "public")
            assert said["error"] == {"code": 1, "message": "invalid argument"}
            said = await ear.ask("authorize", await rest.token(), "public")
            assert said["result"] == {"status": "success"}

    run(main)


def test_a_subscription_can_be_acknowledged_and_do_nothing() -> None:
    async def main() -> None:
        faults: list[Fault] = [
            (Point.CALL, Refuse(3), "ordersPending_subscribe"),
            (Point.CALL, Acknowledge(), "ordersPending_subscribe"),
        ]
        async with spoiled(*faults) as (exchange, _, ear):
            refused = await ear.ask("ordersPending_subscribe", "BTC_USDT")
            assert refused["error"] == {"code": 3, "message": "service unavailable"}
            said = await ear.ask("ordersPending_subscribe", "BTC_USDT")
            assert said["result"] == {"status": "success"}
            exchange.place("treasury", RESTING)
            fill(exchange)
            await ear.hear("deals_update")
            assert ear.updates == []

    run(main)


def test_a_reply_held_back_is_staler_than_the_updates_before_it() -> None:
    async def main() -> None:
        async with spoiled((Point.REPLY, Delay(0.1), "deals_request")) as (exchange, _, ear):
            number = await ear.send("deals_request", "BTC_USDT", 0, 100)
            await ear.ask("ping")
            fill(exchange)
            await ear.hear("deals_update")
            frame = json.loads(await ear.link.get_message())
            assert frame["id"] == number
            assert frame["result"]["records"] == []

    run(main)


def test_a_swallowed_call_is_never_answered_and_never_carried_out() -> None:
    async def main() -> None:
        async with spoiled((Point.CALL, Swallow(), "deals_unsubscribe")) as (exchange, _, ear):
            await ear.send("deals_unsubscribe")
            last = fill(exchange)
            assert (await ear.hear("deals_update"))[0] == last

    run(main)


READY_ANSWERS = {
    "rate-limited": (429, "Too Many Attempts."),
    "stale-nonce": (429, "Too many requests."),
    "edge-limited": (429, "<html>"),
    "broken": (500, "Internal server error."),
    "maintenance": (503, "<html>"),
    "html": (200, "<html>"),
    "empty": (200, ""),
}


@pytest.mark.parametrize("name", READY_ANSWERS)
def test_a_call_is_answered_as_the_plan_says_and_only_once(name: str) -> None:
    async def main() -> None:
        async with spoiled((Point.REQUEST, name, "/api/v4/orders")) as (_, rest, _):
            said = await rest.call("orders")
            status, text = READY_ANSWERS[name]
            assert said.status_code == status
            assert text in said.text
            assert (await rest.call("orders")).json() == []

    run(main)


def test_an_order_is_placed_though_its_answer_is_lost() -> None:
    async def main() -> None:
        async with spoiled((Point.ANSWER, "bad-gateway", "/api/v4/order/new")) as (_, rest, _):
            terms = {"market": "BTC_USDT", "side": "buy", "amount": "1", "price": "9"}
            assert (await rest.call("order/new", **terms)).status_code == 502
            assert len((await rest.call("orders")).json()) == 1

    run(main)


def test_an_answer_is_cut_short() -> None:
    async def main() -> None:
        path = "/api/v4/main-account/balance"
        async with spoiled((Point.ANSWER, Truncate(7), path)) as (_, rest, _):
            said = await rest.call("main-account/balance")
            assert said.status_code == 200
            assert len(said.content) == 7

    run(main)


def test_a_slow_page_shows_what_was_when_it_was_asked_for() -> None:
    async def main() -> None:
        path = "/api/v4/trade-account/executed-history"
        async with spoiled((Point.ANSWER, Delay(0.1), path)) as (exchange, rest, ear):
            pages: list[Any] = []

            async def ask() -> None:
                pages.append((await rest.call("trade-account/executed-history")).json())

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                while exchange.faults.rules:  # until the call has come in
                    await trio.lowlevel.checkpoint()
                fill(exchange)
                await ear.hear("deals_update")
                assert pages == []
            assert pages == [[]]

    run(main)


async def deals(rest: Rest, **params: Any) -> list[Any]:
    said = await rest.call("trade-account/executed-history", market="BTC_USDT", **params)
    return list(said.json())


HISTORY = "/api/v4/trade-account/executed-history"


def test_history_lags_behind_the_stream() -> None:
    async def main() -> None:
        async with spoiled((Point.READ, Lag(5), HISTORY)) as (exchange, rest, ear):
            made = fill(exchange)
            assert (await ear.hear("deals_update"))[0] == made
            assert await deals(rest) == []
            assert [deal["id"] for deal in await deals(rest)] == [made]

    run(main)


def test_a_list_moves_between_two_pages() -> None:
    async def main() -> None:
        faults: list[Fault] = [(Point.READ, Shift(rows), HISTORY) for rows in (1, -1)]
        async with spoiled(*faults) as (exchange, rest, _):
            first, second, third = (fill(exchange) for _ in range(3))
            repeats = await deals(rest, limit=1, offset=1)
            skips = await deals(rest, limit=1, offset=1)
            true = await deals(rest, limit=1, offset=1)
            assert [page[0]["id"] for page in (repeats, skips, true)] == [third, first, second]

    run(main)


def test_history_shrinks_and_is_restated_and_the_truth_is_neither() -> None:
    async def main() -> None:
        faults: list[Fault] = [(Point.READ, Shrink(1), HISTORY), (Point.READ, Restate(1), HISTORY)]
        async with spoiled(*faults) as (exchange, rest, _):
            first, second = fill(exchange), fill(exchange)
            assert [deal["id"] for deal in await deals(rest)] == [second]
            restated = await deals(rest)
            assert [(deal["id"], deal["fee"]) for deal in restated] == [
                (second, "0.0002"),
                (first, "0.0001"),
            ]
            assert {deal.fee for deal in exchange.truth("treasury").deals} == {Decimal("0.0001")}

    run(main)


def test_the_exchange_s_clock_can_be_wrong() -> None:
    async def main() -> None:
        exchange = opened()
        async with serve(exchange) as server, calling(server) as rest:
            exchange.faults.skew_us = -7_000_000
            said = await rest.call("orders", nonceWindow=True)
            assert said.json()["message"].startswith("Your nonce is more than 5 seconds")
            assert (await rest.get("public/time")).json() == {"time": START // 1_000_000 - 7}

    run(main)


def test_a_probability_is_drawn_from_the_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = FaultPlan(chance=random.Random(seed))
        faults.add(Rule(point=Point.FRAME, act=Swallow(), times=None, probability=0.5))
        return [faults.at(Point.FRAME) is not None for _ in range(100)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 70
