"""The fault plan: what goes wrong, where, for whom and how often.

A plan is a list of rules; each place where something can go wrong asks `at(point, …)` and acts on
the answer itself.  So a new fault is a new `Act` and the few lines that carry it out.  What happens
at once instead of at an occasion (cut these sockets now, send this frame now) goes through the
links that the sockets register.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, Protocol, TypeAlias


class Point(Enum):
    """Where something can go wrong, and what a rule's `name` means there."""

    CONNECTION = auto()
    """A TCP connection is accepted; no account is known yet, no name."""
    HANDSHAKE = auto()
    """A WebSocket asks to be opened; no account is known yet, no name."""
    REQUEST = auto()
    """A REST call came in; the name is its path."""
    FRAME = auto()
    """An update is about to be sent; the name is its method."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends: by a TCP reset, or by a close frame with this code."""

    how: Literal["reset"] | int = "reset"


@dataclass(frozen=True, slots=True)
class Answer:
    """Instead of what would have been answered: a status and a body (a refused handshake, 429,
    5xx, a gateway's page)."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Swallow:
    """The frame is not sent; the call is never answered."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The frame is sent twice."""


Act: TypeAlias = Cut | Answer | Swallow | Duplicate

_POSSIBLE: dict[Point, tuple[type[Act], ...]] = {
    Point.CONNECTION: (Cut,),
    Point.HANDSHAKE: (Cut, Answer),
    Point.REQUEST: (Cut, Answer, Swallow),
    Point.FRAME: (Cut, Swallow, Duplicate),
}


@dataclass(slots=True, kw_only=True)
class Rule:
    """What to do at a point.  None as `account` or `name` means any, as `times` without end;
    the first `skip` occasions pass unharmed."""

    point: Point
    act: Act
    account: str | None = None
    name: str | None = None
    times: int | None = 1
    skip: int = 0

    def fits(self, point: Point, account: str | None, name: str | None) -> bool:
        """Is this an occasion for the rule?"""
        return (
            self.point is point
            and self.account in (None, account)
            and self.name in (None, name)
            and self.times != 0
        )


class Link(Protocol):
    """One open WebSocket, as the fault plan sees it."""

    @property
    def account(self) -> str | None:
        """None before it is authorized."""
        ...

    def cut(self, how: Literal["reset"] | int) -> None:
        """Ends it now."""
        ...

    def send_raw(self, frame: str | bytes) -> None:
        """Sends a frame as it is, bytes as a binary one."""
        ...


class FaultPlan:
    """All that shall go wrong."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._links: dict[Link, None] = {}  # ordered, unlike a set

    def add(self, rule: Rule) -> Rule:
        """Rules are asked in the order in which they were added."""
        assert isinstance(rule.act, _POSSIBLE[rule.point]), f"no {rule.act} at {rule.point}"
        self.rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """No error if it is spent already."""
        if rule in self.rules:
            self.rules.remove(rule)

    def at(self, point: Point, account: str | None = None, name: str | None = None) -> Act | None:
        """What goes wrong on this occasion, which is thereby used up; None if nothing does."""
        for rule in self.rules:
            if rule.fits(point, account, name):
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.times is not None:
                    rule.times -= 1
                    if not rule.times:
                        self.rules.remove(rule)
                return rule.act
        return None

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
        links = [link for link in self._links if account is None or link.account == account]
        for link in links:
            link.cut(how)
        return len(links)

    def send_raw(self, frame: str | bytes, account: str | None = None) -> int:
        """Sends a hostile frame to the WebSockets of the account (of all); returns to how many."""
        links = [link for link in self._links if account is None or link.account == account]
        for link in links:
            link.send_raw(frame)
        return len(links)

    @contextmanager
    def outage(self, act: Cut | Answer | None = None) -> Iterator[None]:
        """The exchange is down while the block lasts: open WebSockets are reset, new connections
        too (or, given an `Answer`, every handshake and call is answered with it)."""
        act = act or Cut()
        points = (Point.CONNECTION,) if isinstance(act, Cut) else (Point.HANDSHAKE, Point.REQUEST)
        rules = [self.add(Rule(point=point, act=act, times=None)) for point in points]
        self.cut()
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
