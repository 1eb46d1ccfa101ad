"""What all keys of a process may ask of the exchange, and which call counts against what.

The exchange limits calls by address and by group of endpoints (PROTOCOL § 1.4; where two sources
disagree, the lower figure).  One `Budget` stands for the address and is shared by all accounts;
each key has a `Share` of it, so that the backfill of one account leaves room for the others.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from reconciler.feed.gate import Gate, Permit
from reconciler.feed.limits import Limit, Urgency

PERIOD = 10
"""Seconds over which the exchange counts."""

SHARES = 2
"""No key uses more than half of a limit that it shares with others."""


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints that are counted together: those below one of the paths."""

    amount: int
    paths: tuple[str, ...]


GROUPS = (
    Group(200, ("main-account/history",)),
    # Documented are 1000, among which the 200 above may count.
    Group(800, ("main-account/", "sub-account/", "mining/", "credit-line/")),
    Group(1000, ("convert/", "order/", "trade-account/order/history/query")),
    Group(
        1000,
        (
            "trade-account/",
            "collateral-account/",
            "orders",
            "conditional-orders",
            "oco-orders",
            "profile/",
        ),
    ),
    Group(2000, ("public/",)),
)
"""The most particular path decides."""

NOW = frozenset(
    {
        "profile/websocket_token",
        "trade-account/balance",
        "main-account/balance",
        "collateral-account/balance",
        "collateral-account/balance-summary",
        "orders",
        "conditional-orders",
        "oco-orders",
        "public/assets",
        "public/markets",
        "public/time",
    }
)
"""What goes first.  Everything else is history."""

ROOT = "/api/v4/"


def group_of(path: str) -> Group:
    """What a call of this path counts against."""
    below = path.removeprefix(ROOT)
    fitting = [
        (len(start), group) for group in GROUPS for start in group.paths if below.startswith(start)
    ]
    assert fitting, f"no limit is known for {path}"
    return max(fitting, key=lambda found: found[0])[1]


def urgency_of(path: str) -> Urgency:
    """Whether a call of this path goes before the others."""
    return Urgency.NOW if path.removeprefix(ROOT) in NOW else Urgency.HISTORY


class Budget:
    """The limits of one address at one exchange, for so many `keys`."""

    def __init__(self, chance: Random, *, keys: int = 1) -> None:
        self._shared = keys > 1
        self._gates = {group: Gate(group.amount, PERIOD, chance) for group in GROUPS}

    def share(self) -> "Share":
        """The part of one key, or of one who asks without."""
        # A key that is alone has all of it.
        parts = SHARES if self._shared else 1
        return Share(self._gates, {group: Limit(group.amount // parts, PERIOD) for group in GROUPS})


class Share:
    """What one key may use: of each limit its part, as far as the address has room."""

    def __init__(self, whole: dict[Group, Gate], part: dict[Group, Limit]) -> None:
        self._whole = whole
        self._part = part

    @asynccontextmanager
    async def permit(self, path: str) -> AsyncIterator[Permit]:
        """To make one call of this path within the block.  Its refusal pauses the group, for all
        keys."""
        group, urgency = group_of(path), urgency_of(path)
        # First its own part, so that who has used that up stands in nobody's way.
        async with self._part[group].permit(urgency), self._whole[group].permit(urgency) as permit:
            yield permit
