"""The fault plan: what goes wrong, where, for whom and how often.

A plan is a list of rules; each place where something can go wrong asks `at(point, …)` and acts on
the answer itself.  So a new fault is a new `Act` and the few lines that carry it out.  What happens
at once instead of at an occasion (cut these sockets now, send this frame now) goes through the
links that the sockets register.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from reconciler.simulator.acts import (
    READY,
    Acknowledge,
    Act,
    Answer,
    Cut,
    Delay,
    Duplicate,
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

if TYPE_CHECKING:
    from reconciler.simulator.script import Script

__all__ = [
    "READY",
    "Acknowledge",
    "Act",
    "Answer",
    "Cut",
    "Delay",
    "Duplicate",
    "FaultPlan",
    "Lag",
    "Link",
    "Point",
    "Refuse",
    "Reorder",
    "Restate",
    "Rule",
    "Shift",
    "Shrink",
    "Stall",
    "Swallow",
    "Truncate",
]


class Link(Protocol):
    """One open WebSocket, as the fault plan sees it."""

    @property
    def account(self) -> str | None:
        """None before it is authorized."""
        ...

    def cut(self, how: Literal["reset"] | int) -> None:
        """Ends it now."""
        ...

    def stall(self) -> None:
        """Lets nothing flow any more, in either direction."""
        ...

    def send_raw(self, frame: str | bytes) -> None:
        """Sends a frame as it is, bytes as a binary one."""
        ...


class FaultPlan:
    """All that shall go wrong.  `chance` decides where a rule has a probability."""

    def __init__(self, rules: Iterable[Rule] = (), *, chance: random.Random | None = None) -> None:
        self.rules: list[Rule] = []
        self.skew_us = 0
        """How far the exchange's clock is ahead of the one it was given."""
        self.told: Callable[[Rule, str | None, str | None], None] | None = None
        """Called with each rule that strikes, the account and the name of the occasion."""
        self._chance = chance or random.Random(0)
        self._numbers = count(1)
        self._links: dict[Link, None] = {}  # ordered, unlike a set
        for rule in rules:
            self.add(rule)

    @classmethod
    def from_script(cls, script: "Script") -> "FaultPlan":
        """The plan of a script; its steps and its storm are played by `script.play`."""
        plan = cls(chance=random.Random(f"faults {script.seed}"))
        plan.load(script)
        return plan

    def load(self, script: "Script") -> None:
        """Adds the script's rules; a script may be loaded more than once."""
        for rule in script.rules:
            self.add(msgspec.structs.replace(rule))

    def add(self, rule: Rule) -> Rule:
        """Rules are asked in the order in which they were added."""
        rule.number = next(self._numbers)
        self.rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """No error if it is spent already."""
        self.rules = [other for other in self.rules if other is not rule]

    def at(self, point: Point, account: str | None = None, name: str | None = None) -> Act | None:
        """What goes wrong on this occasion, which is thereby used up; None if nothing does."""
        for rule in self.rules:
            if rule.fits(point, account, name):
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.probability < 1 and self._chance.random() >= rule.probability:
                    continue
                if rule.times is not None:
                    rule.times -= 1
                    if not rule.times:
                        self.remove(rule)
                if self.told:
                    self.told(rule, account, name)
                assert not isinstance(rule.act, str)
                return rule.act
        return None

    def skewed(self, now: Callable[[], int]) -> Callable[[], int]:
        """The clock as the exchange reads it."""
        return lambda: now() + self.skew_us

    # At once

    def links(self, account: str | None = None) -> list[Link]:
        """The open WebSockets of the account; of all, without one."""
        return [link for link in self._links if account is None or link.account == account]

    def cut(
        self,
        account: str | None = None,
        *,
        how: Literal["reset"] | int = "reset",
        before: str | None = None,
    ) -> int:
        """Ends the WebSockets of the account (of all) now; with `before`, the first of them that is
        about to send an update of that method.  Returns how many ended now."""
        if before is not None:
            self.add(Rule(point=Point.FRAME, act=Cut(how), account=account, name=before))
            return 0
        links = self.links(account)
        for link in links:
            link.cut(how)
        return len(links)

    def stall(self, account: str | None = None) -> int:
        """From now on nothing flows on the WebSockets of the account (of all), which stay open.
        Returns how many."""
        links = self.links(account)
        for link in links:
            link.stall()
        return len(links)

    def send_raw(self, frame: str | bytes, account: str | None = None) -> int:
        """Sends a hostile frame to the WebSockets of the account (of all); returns to how many."""
        links = self.links(account)
        for link in links:
            link.send_raw(frame)
        return len(links)

    def go_down(self, act: Cut | Answer | None = None) -> list[Rule]:
        """The exchange is down from now on: open WebSockets are reset, new connections too (or,
        given an `Answer`, every handshake and call is answered with it).  Remove the rules that
        are returned, and it is up again."""
        act = act or Cut()
        points = (Point.CONNECTION,) if isinstance(act, Cut) else (Point.HANDSHAKE, Point.REQUEST)
        rules = [Rule(point=point, act=act, times=None) for point in points]
        for rule in rules:
            self.add(rule)
        self.rules = rules + self.rules[: -len(rules)]  # nothing else goes wrong meanwhile
        self.cut()
        return rules

    @contextmanager
    def outage(self, act: Cut | Answer | None = None) -> Iterator[None]:
        """The exchange is down while the block lasts."""
        rules = self.go_down(act)
        try:
            yield
        finally:
            for rule in rules:
                self.remove(rule)

    def register(self, link: Link) -> None:
        """A WebSocket opened."""
        self._links[link] = None

    def forget(self, link: Link) -> None:
        """It closed."""
        self._links.pop(link, None)
