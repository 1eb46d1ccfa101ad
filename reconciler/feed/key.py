"""What one API key uses up, committed before it is used: nonces, and the few tokens of a minute.

Both outlive the process, since the exchange remembers them too.  Whoever has this object has the
key to himself: a configuration with one key in two accounts is refused.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import trio

from reconciler.domain.facts import KeyNotice
from reconciler.domain.moments import MILLISECOND, seconds
from reconciler.domain.words import Source
from reconciler.feed.exchange_clock import ExchangeClock
from reconciler.feed.gate import Gate, Permit
from reconciler.feed.limits import NotSent
from reconciler.feed.nonce import Commit, Nonce, Wait
from reconciler.inbox import Batch, Hold, Inbox, committed

TOKENS_MAX, TOKENS_PERIOD = 10, 60
"""`profile/websocket_token`: so many in so many seconds (PROTOCOL § 1.4)."""

Recall = Callable[[], Awaitable[KeyNotice | None]]
"""Returns the last notice that is durable."""

Reserve = Callable[[KeyNotice], Awaitable[None]]
"""Returns when the notice is durable."""


async def nothing() -> None:
    """Of a key whose use nobody remembers: a look at the exchange, a test."""


async def nowhere(_: KeyNotice) -> None:
    """Of the same."""


def reserving(inbox: Inbox, account: str, hold: Hold | None) -> Reserve:
    """Notices of the account's key go the way of its facts."""

    async def reserve(notice: KeyNotice) -> None:
        batch = Batch(account=account, source=Source.QUERY, facts=(notice,), hold=hold)
        await committed(inbox, batch)

    return reserve


class Key:
    """One source of nonces and tokens, shared by all calls of the key.

    The record is asked for the last use in time for the next one, not before: whether it can be
    asked then is the session's affair.
    """

    def __init__(
        self,
        exchange: ExchangeClock,
        chance: Random,
        recall: Recall = nothing,
        reserve: Reserve = nowhere,
    ) -> None:
        self._exchange = exchange
        self._recall = recall
        self._reserve = reserve
        self._turn = trio.StrictFIFOLock()
        self._nonce: Nonce | None = None
        self._tokens = Gate(TOKENS_MAX, TOKENS_PERIOD, chance)
        self._asked_at: tuple[int, ...] = ()
        """When tokens were asked for, by the exchange's clock."""

    async def nonce(self) -> int:
        """One that was never used, to be sent at once."""
        async with self._turn:
            nonces = await self._known()
            while True:
                match nonces.next(self._now_ms()):
                    case Commit(upto):
                        await self._commit(nonces, upto)
                    case Wait(ms):
                        await trio.sleep(seconds(ms * MILLISECOND))
                    case number:
                        return number

    def stale(self) -> None:
        """The exchange says that it knows the last nonce."""
        if self._nonce is not None:
            self._nonce.stale(self._now_ms())

    @asynccontextmanager
    async def token(self) -> AsyncIterator[Permit]:
        """To ask for a token within the block; waits until the exchange allows one more."""
        async with self._turn:
            await self._known()
        async with self._tokens.permit() as permit:
            async with self._turn:
                nonces, at = await self._known(), self._exchange.now()
                self._asked_at = (*self._asked_at, at)[-TOKENS_MAX:]
                await self._commit(nonces, nonces.horizon(self._now_ms()))
            try:
                yield permit
            except NotSent:
                self._asked_at = tuple(other for other in self._asked_at if other != at)
                raise

    def would_wait(self) -> bool:
        """Whether a token would have to be waited for."""
        return self._tokens.limit.would_wait()

    async def _known(self) -> Nonce:
        """The nonces, once it is known what was used up; only in turn."""
        if self._nonce is None:
            used_up = await self._recall()
            if used_up is not None:
                now, self._asked_at = self._exchange.now(), used_up.tokens
                # One from the future is from a clock that was wrong; it counts as asked for just
                # now, so that no step of a clock keeps us waiting longer than the exchange would.
                self._tokens.limit.count(seconds(max(now - at, 0)) for at in self._asked_at)
            self._nonce = Nonce(used_up.nonce if used_up else 0)
        return self._nonce

    async def _commit(self, nonces: Nonce, upto: int) -> None:
        await self._reserve(KeyNotice(nonce=upto, tokens=self._asked_at))
        nonces.committed(upto)

    def _now_ms(self) -> int:
        return self._exchange.now() // MILLISECOND
