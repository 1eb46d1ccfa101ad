"""What the exchange allows how often, and how near its clients came to that.

The figures are those of PROTOCOL § 1.4.  Every limit is a window that slides with the clock that
the exchange was given: a clock that is set wrong by a fault changes no limit.  What is refused does
not count again, but is remembered, with who it was.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SECOND = 1_000_000

STRANGER = ""
"""Whoever did not say who it is."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many µs."""

    name: str
    allowed: int
    period_us: int


TOKENS = Limit("tokens", 10, 60 * SECOND)
"""`profile/websocket_token`, of one API key."""

REQUESTS = Limit("websocket requests", 200, 60 * SECOND)
"""Messages of every kind, on one connection."""

CONNECTIONS = Limit("websocket connections", 1_000, 60 * SECOND)

_PUBLIC = Limit("public", 2_000, 10 * SECOND)
_OTHERS = Limit("orders and conversions", 10_000, 10 * SECOND)
_TRADE = Limit("trade", 12_000, 10 * SECOND)

_REST = (
    ("/api/v4/profile/websocket_token", TOKENS),
    ("/api/v4/main-account/history", Limit("main-account/history", 200, 10 * SECOND)),
    ("/api/v4/main-account/codes/apply", Limit("main-account/codes/apply", 60, SECOND)),
    ("/api/v4/main-account/smart", Limit("lending", 1_000, 10 * SECOND)),
    ("/api/v4/main-account/", Limit("main-account", 1_000, 10 * SECOND)),
    ("/api/v4/sub-account/", Limit("sub-account", 1_000, 10 * SECOND)),
    ("/api/v4/mining/", Limit("mining", 1_000, 10 * SECOND)),
    ("/api/v4/collateral-account/leverage", Limit("leverage", 1_000, 10 * SECOND)),
    ("/api/v4/collateral-account/", _TRADE),
    ("/api/v4/trade-account/order/history/query", _OTHERS),
    ("/api/v4/trade-account/", _TRADE),
    ("/api/v4/orders", _TRADE),
    ("/api/v4/conditional-orders", _TRADE),
    ("/api/v4/oco-orders", _TRADE),
    ("/api/v4/public/orderbook/", Limit("public order book", 600, 10 * SECOND)),
)
"""The first that a path begins with holds, for all paths that begin so together and whoever calls:
that is harder on clients than the vendor's word, which is "per endpoint" and "per IP"."""


def limit_of(path: str) -> Limit:
    """Of a REST call."""
    for prefix, limit in _REST:
        if path.startswith(prefix):
            return limit
    return _PUBLIC if "/public/" in path else _OTHERS


class Window:
    """When something was done lately, by all that share one allowance."""

    __slots__ = ("_moments", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._moments: deque[int] = deque()

    def take(self, now: int) -> int:
        """How much of the allowance is used with this one; 0 if nothing was left of it."""
        moments = self._moments
        horizon = now - self.limit.period_us
        while moments and moments[0] <= horizon:
            moments.popleft()
        if len(moments) >= self.limit.allowed:
            return 0
        moments.append(now)
        return len(moments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeded:
    """So often somebody did more than is allowed."""

    what: str
    who: str
    count: int


class Limits:
    """Of one exchange."""

    def __init__(self, *, now: Callable[[], int]) -> None:
        self._now = now
        self._shared: dict[tuple[Limit, str], Window] = {}
        self._done: Counter[Limit] = Counter()
        self._peaks: dict[Limit, int] = {}
        self._exceeded: Counter[tuple[Limit, str]] = Counter()

    def call(self, path: str, key: str, account: str | None) -> bool:
        """Is this REST call still allowed?  It counts, whatever becomes of it."""
        limit = limit_of(path)
        return self.take(self._window(limit, key if limit is TOKENS and account else ""), account)

    def connection(self) -> bool:
        """Is this WebSocket still allowed?  Nobody knows yet whose it will be."""
        return self.take(self._window(CONNECTIONS), None)

    def take(self, window: Window, account: str | None) -> bool:
        """Is once more still allowed in this window?"""
        limit = window.limit
        self._done[limit] += 1
        used = window.take(self._now())
        if not used:
            self._exceeded[limit, account or STRANGER] += 1
        elif used > self._peaks.get(limit, 0):
            self._peaks[limit] = used
        return used > 0

    def _window(self, limit: Limit, whose: str = "") -> Window:
        window = self._shared.get((limit, whose))
        if window is None:
            window = self._shared[limit, whose] = Window(limit)
        return window

    @property
    def exceeded(self) -> tuple[Exceeded, ...]:
        """All that was refused, by limit and account; empty as long as everybody behaves."""
        return tuple(
            Exceeded(what=limit.name, who=who, count=count)
            for (limit, who), count in self._exceeded.items()
        )

    @property
    def peaks(self) -> dict[str, int]:
        """The most that was used of each allowance, by the name of the limit."""
        return {limit.name: peak for limit, peak in self._peaks.items()}

    def figures(self) -> list[dict[str, Any]]:
        """All there is to say of each limit that anybody came across, ready for JSON."""
        return [
            {
                "limit": limit.name,
                "allowed": limit.allowed,
                "period_s": limit.period_us // SECOND,
                "done": done,
                "peak": self._peaks.get(limit, 0),
                "exceeded": {w: n for (of, w), n in self._exceeded.items() if of is limit},
            }
            for limit, done in self._done.items()
        ]
