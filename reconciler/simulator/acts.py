"""What can go wrong, and where: the catalogue of faults, as records that a script can spell.

An act says what happens, a point on which occasion, a rule joins the two for an account and a name.
Carrying an act out is the business of whoever stands at the point.
"""

from decimal import Decimal
from enum import StrEnum, auto
from typing import Annotated, Literal, TypeAlias

import msgspec

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Point(StrEnum):
    """Where something can go wrong, and what a rule's `name` means there."""

    CONNECTION = auto()
    """A TCP connection is accepted; no account is known yet, no name."""
    HANDSHAKE = auto()
    """A WebSocket asks to be opened; no account is known yet, no name."""
    REQUEST = auto()
    """A REST call came in and has had no effect yet; the name is its path."""
    READ = auto()
    """A signed REST call was admitted and is about to look; the name is its path."""
    ANSWER = auto()
    """A REST call had its effect and is about to be answered; the name is its path."""
    CALL = auto()
    """A WebSocket request came in and has had no effect yet; the name is its method."""
    REPLY = auto()
    """A WebSocket request had its effect and is about to be answered; the name is its method."""
    FRAME = auto()
    """An update is about to be sent; the name is its method."""


class Act(msgspec.Struct, frozen=True, tag_field="do", tag=str.lower, forbid_unknown_fields=True):
    """What happens on an occasion."""


class Cut(Act, frozen=True):
    """The connection ends: by a TCP reset, or by a close frame with this code."""

    how: Literal["reset"] | int = "reset"


class Stall(Act, frozen=True):
    """The connection stays open, but from now on nothing flows in either direction."""


class Answer(Act, frozen=True):
    """Instead of what would have been answered: a status and a body (a refused handshake, 429,
    5xx, a gateway's page, an acknowledgement without an effect)."""

    status: int
    body: str = ""
    content_type: str = "application/json"


class Refuse(Act, frozen=True):
    """The WebSocket request is refused with this error code (PROTOCOL § 1.6)."""

    code: int = 1
    message: str = ""
    """Empty for the documented one."""


class Acknowledge(Act, frozen=True):
    """The WebSocket request is answered with success and has no effect."""


class Swallow(Act, frozen=True):
    """The frame is not sent; the call is never answered."""


class Duplicate(Act, frozen=True):
    """The frame is sent twice."""


class Delay(Act, frozen=True):
    """It goes out later, as it would have gone out now: what follows overtakes it.  So a query's
    answer comes after updates that are newer, and a page is slow."""

    seconds: Seconds = 1.0


class Reorder(Act, frozen=True):
    """The frame waits until `by` later ones of its method were sent (a second at most)."""

    by: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Truncate(Act, frozen=True):
    """Only the first `kept` bytes of the body or frame are sent, as if they were all."""

    kept: Count = 20


class Lag(Act, frozen=True):
    """Histories don't know yet what happened in the last seconds, though the stream told it."""

    seconds: Seconds = 10.0


class Shift(Act, frozen=True):
    """The list moved between two pages: by `rows` new ones at its beginning, so that the page
    repeats some (negative: rows left it, and the page skips some).  The first page is not moved."""

    rows: int = 1


class Shrink(Act, frozen=True):
    """The oldest `rows` of each list are in no history any more."""

    rows: Count = 1


class Restate(Act, frozen=True):
    """The newest `rows` deals show another fee than they had: times `factor`."""

    rows: Count = 1
    factor: Decimal = Decimal(2)


AnyAct: TypeAlias = (
    Cut
    | Stall
    | Answer
    | Refuse
    | Acknowledge
    | Swallow
    | Duplicate
    | Delay
    | Reorder
    | Truncate
    | Lag
    | Shift
    | Shrink
    | Restate
)
"""All of them, for decoding."""

POSSIBLE: dict[Point, tuple[type[Act], ...]] = {
    Point.CONNECTION: (Cut, Stall),
    Point.HANDSHAKE: (Cut, Answer, Swallow),
    Point.REQUEST: (Cut, Answer, Swallow, Delay),
    Point.READ: (Lag, Shift, Shrink, Restate),
    Point.ANSWER: (Cut, Answer, Swallow, Delay, Truncate),
    Point.CALL: (Cut, Stall, Swallow, Refuse, Acknowledge),
    Point.REPLY: (Cut, Stall, Swallow, Duplicate, Delay, Truncate),
    Point.FRAME: (Cut, Stall, Swallow, Duplicate, Delay, Reorder, Truncate),
}
"""Which acts make sense where."""

READY: dict[str, Answer] = {
    "rate-limited": Answer(429, '{"code":0,"message":"Too Many Attempts."}'),
    "stale-nonce": Answer(429, '{"code":0,"message":"Too many requests.","errors":{}}'),
    "edge-limited": Answer(429, "<html><h1>429 Too Many Requests</h1></html>", "text/html"),
    "broken": Answer(500, '{"error":["Internal server error."]}'),
    "bad-gateway": Answer(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html"),
    "maintenance": Answer(503, "<html><h1>Maintenance</h1></html>", "text/html"),
    "html": Answer(200, "<html><h1>Checking your browser</h1></html>", "text/html"),
    "empty": Answer(200, ""),
    "not-a-success": Answer(200, '{"success":false,"message":"Try later","result":[]}'),
    "unauthorized": Answer(401, '{"code":10,"message":"Unauthorized request.","errors":{}}'),
    "no-permission": Answer(
        403, '{"code":0,"message":"You don\'t have permission to use this endpoint."}'
    ),
}
"""Answers that a script calls by name: the envelopes of PROTOCOL § 1.7."""


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to do at a point.  None as `account` or `name` means any, as `times` without end;
    the first `skip` occasions pass unharmed, of the others each is hit with `probability`.

    Raises ValueError when the act makes no sense at the point.
    """

    point: Point
    act: AnyAct | str
    """Or the name of a `READY` answer."""
    account: str | None = None
    name: str | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] | None = 1
    skip: Count = 0
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    number: int = 0
    """By which the plan knows it."""

    def __post_init__(self) -> None:
        if isinstance(self.act, str):
            if self.act not in READY:
                raise ValueError(f"no answer is called {self.act!r}; there are {', '.join(READY)}")
            self.act = READY[self.act]
        if not isinstance(self.act, POSSIBLE[self.point]):
            possible = ", ".join(kind.__name__.lower() for kind in POSSIBLE[self.point])
            raise ValueError(
                f"{type(self.act).__name__.lower()} makes no sense at {self.point}; "
                f"possible are {possible}"
            )

    def fits(self, point: Point, account: str | None, name: str | None) -> bool:
        """Is this an occasion for the rule?"""
        return (
            self.point is point
            and self.account in (None, account)
            and self.name in (None, name)
            and self.times != 0
        )
