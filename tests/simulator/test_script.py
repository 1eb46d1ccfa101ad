"""Fault scripts: what they may say, what is wrong with the others, and how they are played."""

import json
from contextlib import suppress
from random import Random

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.acts import POSSIBLE, READY, Delay, Point, Swallow
from reconciler.simulator.deeds import Deed, Phantom
from reconciler.simulator.faults import FaultPlan
from reconciler.simulator.hand import Hand
from reconciler.simulator.rules import Refused
from reconciler.simulator.script import Script, ScriptError, play, random_rule, read
from tests.simulator.client import Now, opened

WHOLE = """
seed = 7

[[rules]]
point = "frame"
name = "deals_update"
account = "treasury"
act = { do = "swallow" }
skip = 2
times = 3

[[rules]]
point = "request"
act = "rate-limited"
probability = 0.25

[[steps]]
at_s = 2
do = "phantom"
account = "treasury"
asset = "BTC"
amount = "1"
every_s = 5

[[steps]]
at_s = 1
do = "skew"
seconds = 2

[storm]
every_s = 5
points = ["frame"]
"""


def test_a_script_becomes_a_plan() -> None:
    script = read(WHOLE)
    plan = FaultPlan.from_script(script)
    acts = [plan.at(Point.FRAME, "treasury", "deals_update") for _ in range(6)]
    assert acts == [None, None, Swallow(), Swallow(), Swallow(), None]
    [rule] = plan.rules
    assert rule.act == READY["rate-limited"]
    assert rule.probability == 0.25
    assert script.storm is not None
    assert script.storm.points == (Point.FRAME,)


def test_a_script_may_be_json_and_loaded_twice() -> None:
    rule = {"point": "reply", "act": {"do": "delay", "seconds": 1.5}}
    script = read(json.dumps({"rules": [rule]}), toml=False)
    plan = FaultPlan()
    plan.load(script)
    assert plan.at(Point.REPLY) == Delay(1.5)
    plan.load(script)
    assert plan.at(Point.REPLY) == Delay(1.5)


WRONG = {
    'rules = "none"': "Expected `array`, got `str` - at `$.rules`",
    "[[rules]]\nact = 'html'": "missing required field `point` - at `$.rules[0]`",
    "[[rules]]\npoint = 'moon'\nact = 'html'": "Invalid enum value 'moon' - at `$.rules[0].point`",
    "[[rules]]\npoint = 'frame'\nact = { do = 'melt' }": "'melt' - at `$.rules[0].act.do`",
    "[[rules]]\npoint = 'frame'\nact = 'html'": "answer makes no sense at frame",
    "[[rules]]\npoint = 'request'\nact = 'htm'": "no answer is called 'htm'",
    "[[rules]]\npoint = 'frame'\nact = { do = 'swallow' }\ntimes = 0": "$.rules[0].times",
    "[[rules]]\npoint = 'frame'\nact = { do = 'delay', seconds = -1 }": "$.rules[0].act.seconds",
    "[[steps]]\ndo = 'dance'": "'dance' - at `$.do`, in `$.steps[0]`",
    "[[steps]]\nat_s = -1\ndo = 'up'": "in `$.steps[0]`",
    "[[steps]]\nat_s = 1\ndo = 'skew'": "missing required field `seconds`, in `$.steps[0]`",
    "[storm]\nevery_s = 0": "$.storm.every_s",
    "weather = 1": "unknown field `weather`",
    "[[rules": "Expected ']]'",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_script_is_said_and_where(text: str) -> None:
    with pytest.raises(ScriptError) as error:
        read(text)
    assert WRONG[text] in str(error.value)


@given(st.binary() | st.text())
def test_no_script_is_met_with_anything_but_an_error(text: str | bytes) -> None:
    for toml in (True, False):
        with suppress(ScriptError):
            read(text, toml=toml)


def test_steps_are_done_in_the_order_of_their_moments() -> None:
    now = Now()
    exchange = opened(now)
    refusals: list[Deed] = []
    seen: list[tuple[float, float, int]] = []

    async def main() -> None:
        began = trio.current_time()
        hand = Hand(exchange)

        async def sleep(seconds: float) -> None:
            await trio.sleep(seconds)
            moved = len(exchange.truth("treasury").movements)
            seen.append((trio.current_time() - began, exchange.faults.skew_us / 1e6, moved))

        with trio.move_on_after(13):
            await play(read(WHOLE), hand, exchange.faults, sleep, lambda d, _: refusals.append(d))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    funding = seen[0][2]
    assert (1.0, 0.0, funding) in seen
    assert (2.0, 2.0, funding) in seen
    phantoms = [m for m in exchange.truth("treasury").movements if m.reason == "phantom"]
    assert len(phantoms) == 3
    assert refusals == []


def test_a_step_that_is_refused_is_told_and_the_next_is_done() -> None:
    exchange = opened()
    told: list[tuple[Deed, Refused]] = []
    script = read(
        "[[steps]]\ndo='phantom'\naccount='x'\nasset='BTC'\namount='1'\n"
        "[[steps]]\ndo='phantom'\naccount='treasury'\nasset='BTC'\namount='1'"
    )

    async def main() -> None:
        await play(
            script, Hand(exchange), exchange.faults, trio.sleep, lambda d, r: told.append((d, r))
        )

    before = exchange.truth("treasury").balances
    trio.run(main)
    [(deed, _)] = told
    assert isinstance(deed, Phantom)
    assert exchange.truth("treasury").balances != before


@given(st.integers())
def test_a_storm_draws_only_what_makes_sense(seed: int) -> None:
    chance = Random(seed)
    for _ in range(20):
        rule = random_rule(chance)
        assert isinstance(rule.act, POSSIBLE[rule.point])


def test_an_empty_script_is_one() -> None:
    assert read("") == Script()
