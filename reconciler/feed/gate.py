"""A limit that the exchange may call exceeded all the same: then all pause, not only who was told.

Others may use the same address, and documented limits have changed before.  Repeated refusals can
restrict an address or a key (PROTOCOL § 1.4), so the pause grows with each.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import trio

from reconciler.backoff import delays
from reconciler.feed.limits import Limit, Urgency

PAUSE_FIRST, PAUSE_MOST = 1, 30
"""Seconds, after a refusal that names none (PROTOCOL § 1.4)."""

RETRY_AFTER_MAX = 120
"""Seconds; who names more is asked again by then, as a gateway's mistake must not stop us."""


class Gate:
    """At most `amount` calls in any stretch of `seconds`, and none while paused."""

    def __init__(self, amount: int, seconds: float, chance: Random) -> None:
        self.limit = Limit(amount, seconds)
        self._chance = chance
        self._refused_at = -math.inf
        self._pauses = delays(chance, first=PAUSE_FIRST, most=PAUSE_MOST)

    @asynccontextmanager
    async def permit(self, urgency: Urgency = Urgency.NOW) -> AsyncIterator["Permit"]:
        """As a limit's."""
        async with self.limit.permit(urgency):
            yield Permit(self)

    def refused(self, since: float, after: float | None) -> float:
        """A call made at `since` was refused, with `after` how many seconds to come again (or not).

        Calls that were under way together pause once: only one that was made after a pause makes
        the next one longer.  Returns the new pause, seconds; 0 if there is one already.
        """
        news, self._refused_at = since > self._refused_at, trio.current_time()
        pause = min(after, RETRY_AFTER_MAX) if after else next(self._pauses) if news else 0.0
        self.limit.close(pause)
        return pause

    def accepted(self, since: float) -> None:
        """A call made at `since` was answered: pauses begin small again."""
        if since > self._refused_at > -math.inf:
            self._refused_at = -math.inf
            self._pauses = delays(self._chance, first=PAUSE_FIRST, most=PAUSE_MOST)


class Permit:
    """To make one call, now."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._since = trio.current_time()

    def refused(self, after: float | None) -> float:
        """The exchange says that the limit is exceeded; see `Gate.refused`."""
        return self._gate.refused(self._since, after)

    def accepted(self) -> None:
        """It says something else."""
        self._gate.accepted(self._since)
