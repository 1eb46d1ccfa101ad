"""What can go wrong goes wrong where, for whom and as often as the plan says."""

import json
from typing import Literal

import pytest
from trio_websocket import ConnectionClosed

from reconciler.simulator.faults import Answer, Duplicate, FaultPlan, Point, Rule, Swallow
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import calling, listening, opened


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


def test_an_act_that_makes_no_sense_at_its_point_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        FaultPlan().add(Rule(point=Point.CONNECTION, act=Duplicate()))


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
