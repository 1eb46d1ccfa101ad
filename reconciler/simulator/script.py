"""Fault scripts: what shall go wrong and what shall be done when, written in TOML or JSON.

Reading checks everything that can be checked without an exchange, and says where the mistake is.

    seed = 7

    [[rules]]                       # on occasion
    point = "frame"
    name = "deals_update"
    act = { do = "swallow" }

    [[steps]]                       # by the clock
    at_s = 10
    do = "hangup"

    [storm]                         # at random
    every_s = 5
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Annotated, Any

import msgspec

from reconciler.simulator.acts import POSSIBLE, READY, Answer, AnyAct, Point, Rule
from reconciler.simulator.deeds import AnyDeed, Deed
from reconciler.simulator.faults import FaultPlan
from reconciler.simulator.hand import Hand
from reconciler.simulator.rules import Refused

Moment = Annotated[float, msgspec.Meta(ge=0)]
Period = Annotated[float, msgspec.Meta(ge=0.01)]


class ScriptError(Exception):
    """The script can't be understood; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A deed, `at_s` seconds after the beginning, and then every `every_s` if that is given."""

    at_s: float
    every_s: float | None = None
    deed: Deed


class Storm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A random fault every so many seconds on average, drawn from these points."""

    every_s: Period
    points: tuple[Point, ...] = tuple(Point)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that shall happen."""

    rules: tuple[Rule, ...] = ()
    steps: tuple[Step, ...] = ()
    storm: Storm | None = None
    seed: int = 0


class _Raw(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    rules: list[Rule] = []
    steps: list[dict[str, Any]] = []
    storm: Storm | None = None
    seed: int = 0


def read(text: str | bytes, *, toml: bool = True) -> Script:
    """The script in this text, TOML or JSON.  Raises ScriptError."""
    try:
        raw = msgspec.toml.decode(text, type=_Raw) if toml else msgspec.json.decode(text, type=_Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ScriptError(str(error)) from None
    return Script(
        rules=tuple(raw.rules),
        steps=tuple(_step(number, step) for number, step in enumerate(raw.steps)),
        storm=raw.storm,
        seed=raw.seed,
    )


def _step(number: int, raw: dict[str, Any]) -> Step:
    try:
        at_s = msgspec.convert(raw.pop("at_s", 0), Moment)
        every_s = msgspec.convert(raw.pop("every_s", None), Period | None)
        return Step(at_s=at_s, every_s=every_s, deed=msgspec.convert(raw, AnyDeed))
    except msgspec.ValidationError as error:
        raise ScriptError(f"{error}, in `$.steps[{number}]`") from None


async def play(
    script: Script,
    hand: Hand,
    faults: FaultPlan,
    sleep: Callable[[float], Awaitable[object]],
    refused: Callable[[Deed, Refused], None],
) -> None:
    """Does the script's steps in the order of their moments, and lets its storm rage; returns when
    nothing is left to do.  What the exchange refuses is told and otherwise of no consequence."""
    chance = random.Random(f"storm {script.seed}")
    # A step's place in the script settles which comes first in the same moment.
    due = [(step.at_s, number) for number, step in enumerate(script.steps)]
    if script.storm:
        due.append((chance.expovariate(1 / script.storm.every_s), len(script.steps)))
    heapify(due)
    now = 0.0
    while due:
        moment, number = heappop(due)
        await sleep(max(moment - now, 0.0))
        now = max(moment, now)
        if number == len(script.steps):
            assert script.storm
            faults.add(random_rule(chance, script.storm.points))
            heappush(due, (moment + chance.expovariate(1 / script.storm.every_s), number))
            continue
        step = script.steps[number]
        try:
            hand.do(step.deed)
        except Refused as reason:
            refused(step.deed, reason)
        if step.every_s:
            heappush(due, (moment + step.every_s, number))


def random_rule(chance: random.Random, points: tuple[Point, ...] = tuple(Point)) -> Rule:
    """Any fault at any of the points, once, after a few occasions."""
    point = chance.choice(points)
    kind = chance.choice(POSSIBLE[point])
    act: AnyAct
    if kind is Answer:
        act = chance.choice([answer for name, answer in READY.items() if name in _PASSING])
    else:
        act = msgspec.convert({"do": kind.__name__.lower()}, AnyAct)
    return Rule(point=point, act=act, skip=chance.randrange(4))


_PASSING = ("rate-limited", "stale-nonce", "edge-limited", "broken", "bad-gateway", "maintenance")
"""The answers that a client should get over by itself."""
