"""What one API key uses up, committed before it is used: nonces, and the few tokens of a minute.

Both outlive the process, since the exchange remembers them too.  Whoever has this object has the
key to himself: a configuration with one key in two accounts is refused.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import trio

from reconciler.domain.facts import KeyNotice
from reconciler.domain.moments import MILLISECOND, MINUTE, seconds
from reconciler.feed.exchange_clock import ExchangeClock
from reconciler.feed.gate import Gate, Permit
from reconciler.feed.limits import NotSent
from reconciler.feed.nonce import Commit, Nonce, Wait

TOKENS_MAX, TOKENS_PERIOD = 10, 60
"""`profile/websocket_token`: so many in so many seconds (PROTOCOL § 1.4)."""

Reserve = Callable[[KeyNotice], Awaitable[None]]
"""Returns when the notice is durable."""


async def nowhere(_: KeyNotice) -> None:
    """For a key whose use nobody remembers: a look at the exchange, a test."""


class Key:
    """One source of nonces and tokens, shared by all calls of the key."""

    def __init__(
        self,
        exchange: ExchangeClock,
        chance: Random,
        used_up: KeyNotice | None = None,
        reserve: Reserve = nowhere,
    ) -> None:
        self._exchange = exchange
        self._reserve = reserve
        self._turn = trio.StrictFIFOLock()
        self._nonce = Nonce(used_up.nonce if used_up else 0)
        self._asked_at = used_up.tokens if used_up else ()
        """When tokens were asked for, by the exchange's clock."""
        now = exchange.now()
        # One from the future is from a clock that was wrong; it counts as asked for just now, so
        # that no step of a clock keeps us waiting for longer than the exchange would.
        ages = [seconds(min(max(now - at, 0), 2 * MINUTE)) for at in self._asked_at]
        self._tokens = Gate(TOKENS_MAX, TOKENS_PERIOD, chance, used=ages)

    async def nonce(self) -> int:
        """One that was never used, to be sent at once."""
        async with self._turn:
            while True:
                match self._nonce.next(self._now_ms()):
                    case Commit(upto):
                        await self._commit(upto)
                    case Wait(ms):
                        await trio.sleep(seconds(ms * MILLISECOND))
                    case number:
                        return number

    def stale(self) -> None:
        """The exchange says that it knows the last nonce."""
        self._nonce.stale(self._now_ms())

    @asynccontextmanager
    async def token(self) -> AsyncIterator[Permit]:
        """To ask for a token within the block; waits until the exchange allows one more."""
        async with self._tokens.permit() as permit:
            async with self._turn:
                at = self._exchange.now()
                self._asked_at = (*self._asked_at, at)[-TOKENS_MAX:]
                await self._commit(self._nonce.horizon(self._now_ms()))
            try:
                yield permit
            except NotSent:
                self._asked_at = tuple(other for other in self._asked_at if other != at)
                raise

    def would_wait(self) -> bool:
        """Whether a token would have to be waited for."""
        return self._tokens.would_wait()

    async def _commit(self, upto: int) -> None:
        await self._reserve(KeyNotice(nonce=upto, tokens=self._asked_at))
        self._nonce.committed(upto)

    def _now_ms(self) -> int:
        return self._exchange.now() // MILLISECOND
