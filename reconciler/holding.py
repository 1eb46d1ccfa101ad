"""Holds accounts: does an account's work while this process is the one that may write it.

Whoever does not hold an account waits, and takes over within seconds of the holder's end.  A lock
that is lost ends the work at once, and it is begun anew when the lock is back; what the work had
handed over and was not committed by then is refused, unless nobody else came in between.
"""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar, TypeVarTuple

import structlog
import trio

from reconciler.clock import Clock
from reconciler.hop import Hop
from reconciler.inbox import Hold
from reconciler.log import Logger
from reconciler.store.engine import Database, DatabaseAway, DatabaseUnusable
from reconciler.store.holders import AccountHeld, holder_of, take
from reconciler.store.lock import Locks, open_locks

POLL_SECONDS = 1
"""How often one who waits asks again."""

CHECK_SECONDS = 2
"""How often a holder makes sure that it still is one."""

DUTY = "({})"
"""A duty that one process has for all is held like an account, by a name that none can have, and
without a token: it may be done twice in a bad moment, and who does it knows that."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@asynccontextmanager
async def open_holding(
    database: Database, hop: Hop, *, name: str, clock: Clock, log: Logger
) -> AsyncIterator["Holding"]:
    """Holds accounts of the database, as `name`, for as long as the block lasts.

    Leaving gives them back, so everything must be committed by then.
    """
    locks = open_locks(database)
    holding = Holding(database, locks, hop, name, clock, log)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(holding.watch)
            yield holding
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await hop(locks.close)


class _Work:
    """What is done for an account, and why it can't go on."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.end = ""

    def lose(self, why: str) -> None:
        self.end = self.end or why
        self.scope.cancel()


class Holding:
    """The accounts that this process holds or waits for."""

    def __init__(
        self, database: Database, locks: Locks, hop: Hop, name: str, clock: Clock, log: Logger
    ) -> None:
        self._database = database
        self._locks = locks
        self._hop = hop
        self._name = name
        self._clock = clock
        self._log = log
        self._works: dict[str, _Work] = {}
        self._tokens: dict[str, int] = {}
        """The last one of each account."""

    async def while_held(
        self,
        account: str,
        work: Callable[[Hold], Awaitable[T]],
        *,
        patience: float = math.inf,
        waits: Callable[[], None] | None = None,
    ) -> T:
        """What `work` returns; it is begun anew whenever the account was lost and is back.

        `waits` is called after each attempt in vain.  Raises AccountHeld, or DatabaseAway, after
        waiting `patience` seconds for the account.
        """
        log = self._log.bind(account=account) if _is_account(account) else _SILENT
        while True:
            token = await self._acquired(account, patience, waits, log)
            log.info("account.held", token=token)
            mine = self._works[account]
            try:
                with mine.scope:
                    fenced = partial(mine.lose, "somebody else has taken it")
                    return await work(Hold(token=token, lost=fenced))
            finally:
                del self._works[account]
            log.warning("account.lost", why=mine.end)
            with suppress(DatabaseAway):
                await self._ask(self._locks.release, account)
            await trio.sleep(POLL_SECONDS)

    async def while_on_duty(
        self,
        duty: str,
        work: Callable[[], Awaitable[T]],
        *,
        waits: Callable[[], None] | None = None,
    ) -> T:
        """The same of a duty, which nobody else of this database has meanwhile."""

        async def held(_: Hold) -> T:
            return await work()

        return await self.while_held(DUTY.format(duty), held, waits=waits)

    async def watch(self) -> None:
        """Notices, for ever, when what is held is held no more."""
        while True:
            await trio.sleep(CHECK_SECONDS)
            if self._works:
                with suppress(DatabaseAway):
                    await self._ask(self._locks.check)

    async def _acquired(
        self, account: str, patience: float, waits: Callable[[], None] | None, log: Logger
    ) -> int:
        """Waits for the account; the token to write it with."""
        give_up_at = trio.current_time() + patience
        told: type[Exception] | None = None
        while True:
            late = trio.current_time() >= give_up_at
            try:
                token = await self._attempt(account)
                if token is not None:
                    return token
                who = None
                if late or told is not AccountHeld:
                    who = await self._hop(holder_of, self._database, account)
                reason: DatabaseUnusable = AccountHeld(account, who)
            except DatabaseAway as away:
                reason = away
            if waits is not None:
                waits()
            if late:
                raise reason
            if told is not type(reason):
                told = type(reason)
                if told is AccountHeld:
                    log.info("account.waiting", why=str(reason))
                else:
                    log.warning("account.waiting", why=str(reason))
            await trio.sleep(POLL_SECONDS)

    async def _attempt(self, account: str) -> int | None:
        """The token, if the account could be had at once."""
        # In place before the lock is, so that no loss of it is missed.
        self._works[account] = _Work()
        try:
            if await self._ask(self._locks.acquire, account):
                self._tokens[account] = await self._hop(self._take, account)
                return self._tokens[account]
        except BaseException:
            del self._works[account]
            with trio.CancelScope(shield=True), suppress(DatabaseAway):
                await self._ask(self._locks.release, account)
            raise
        del self._works[account]
        return None

    def _take(self, account: str) -> int:
        if not _is_account(account):
            return 0
        mine, now = self._tokens.get(account), self._clock.now()
        return take(self._database, account, name=self._name, now=now, mine=mine)

    async def _ask(self, what: Callable[[*Ts], T], *args: *Ts) -> T:
        """The locks' answer.  If there is none, nothing is held any more."""
        try:
            return await self._hop(what, *args)
        except DatabaseAway as away:
            for work in self._works.values():
                work.lose(str(away))
            raise


def _is_account(name: str) -> bool:
    return not name.startswith(DUTY[0])


_SILENT: Logger = structlog.wrap_logger(
    None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)
"""Who has a duty is nobody's concern: somebody has it, or will in a second."""
