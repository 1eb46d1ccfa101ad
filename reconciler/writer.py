"""The writer: takes what is queued, applies it in one transaction, acknowledges, and retries.

It owns the one connection that writes, on the one thread behind its hop.  Commits are greedy: while
one is under way the next gathers, so batches grow with the load and an idle event is durable within
milliseconds.  While the database is away the batches stay in hand, the channel fills and the feeds
stall; nothing is dropped.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio
from structlog.typing import FilteringBoundLogger

from reconciler.backoff import delays
from reconciler.clock import Clock
from reconciler.hop import Hop
from reconciler.inbox import Applied, Batch, Outlet
from reconciler.reconcile.rules import Rules
from reconciler.store.apply import Applier
from reconciler.store.engine import Database, DatabaseAway
from reconciler.store.holders import Fenced
from reconciler.store.retention import Retention, Trimmer

if TYPE_CHECKING:
    from sqlalchemy import Connection

FACTS_PER_COMMIT_MAX = 5_000
"""Beyond a thousand rows a commit costs nothing more per row, and it delays every ack in it."""

BACKOFF_MIN_S = 1.0
BACKOFF_MAX_S = 30.0


@dataclass(slots=True, kw_only=True)
class WriterFigures:
    """What the writer has done since the process began; it alone writes here, anyone may read."""

    commits: int = 0
    batches: int = 0
    facts: int = 0
    deals: int = 0
    orders: int = 0
    balances: int = 0
    unreadable: int = 0
    failures: int = 0
    """Commits that failed because the database was away."""
    away_since: int | None = None
    """When the first of the present failures was (microseconds); None while all is well."""
    committed_at: int | None = None

    def add(self, batches: Sequence[Batch], applied: Sequence[Applied]) -> None:
        """Count one commit."""
        self.commits += 1
        self.batches += len(batches)
        self.facts += sum(len(batch.facts) for batch in batches)
        for one in applied:
            self.deals += one.deals
            self.orders += one.orders
            self.balances += one.balances
            self.unreadable += one.unreadable


async def write(
    outlet: Outlet,
    database: Database,
    hop: Hop,
    *,
    clock: Clock,
    chance: random.Random,
    log: FilteringBoundLogger,
    figures: WriterFigures | None = None,
    retention: Retention | None = None,
    rules: Rules | None = None,
    told: Callable[[], None] | None = None,
) -> None:
    """Writes until the channel is closed and empty, and keeps the journal within `retention`;
    balances are judged by `rules`.  Calls `told` after a commit in which there is something for
    people to hear of.

    Cancelled, it finishes the commit that is under way and acknowledges it, or has not begun it;
    what it had taken and not committed is lost with the process, unacknowledged.  A bug, such as a
    violated constraint, is raised: the record is as the last commit left it.
    """
    figures = WriterFigures() if figures is None else figures
    pen = _Pen(database, retention, rules)
    try:
        async with outlet:
            async for batch in outlet:
                batches = [batch, *_queued(outlet, FACTS_PER_COMMIT_MAX - len(batch.facts))]
                batches, applied = await _commit(pen, batches, hop, clock, chance, log, figures)
                # From here to the last ack there is no checkpoint, so no commit is half told.
                if batches:
                    figures.add(batches, applied)
                    figures.committed_at = clock.now()
                if told is not None and any(one.events for one in applied):
                    told()
                for one, changed in zip(batches, applied, strict=True):
                    if one.ack is not None:
                        one.ack(changed)
                await _trim(pen, batches, outlet, hop, clock)
    finally:
        with trio.CancelScope(shield=True):
            await hop(pen.close)


async def _commit(
    pen: "_Pen",
    batches: list[Batch],
    hop: Hop,
    clock: Clock,
    chance: random.Random,
    log: FilteringBoundLogger,
    figures: WriterFigures,
) -> tuple[list[Batch], list[Applied]]:
    """Tries until the batches are committed; says which were, and what each changed.

    Those whose holder is not the account's holder any more are given up, all others are not.
    """
    for delay_s in delays(chance, first=BACKOFF_MIN_S, most=BACKOFF_MAX_S):
        try:
            applied = await hop(pen.commit, batches, clock.now())
        except Fenced as fenced:
            batches = _refused(batches, fenced, log)
            if not batches:
                return [], []
            continue
        except DatabaseAway as away:
            figures.failures += 1
            if figures.away_since is None:
                figures.away_since = clock.now()
                log.error("database.away", reason=str(away), batches=len(batches))
        else:
            if figures.away_since is not None:
                log.info("database.back", away_us=clock.now() - figures.away_since)
                figures.away_since = None
            return batches, applied
        await trio.sleep(delay_s)
    raise AssertionError("the delays never end")


def _refused(batches: list[Batch], fenced: Fenced, log: FilteringBoundLogger) -> list[Batch]:
    """Tells the holders of stale batches; the other ones."""
    for batch in fenced.batches:
        assert batch.hold is not None
        batch.hold.lost()
    log.warning("batch.fenced", why=str(fenced), batches=len(fenced.batches))
    stale = set(map(id, fenced.batches))
    return [batch for batch in batches if id(batch) not in stale]


async def _trim(
    pen: "_Pen", batches: Sequence[Batch], outlet: Outlet, hop: Hop, clock: Clock
) -> None:
    """Brings the journals of these accounts back within their limits: by one small step after a
    commit where that is due, by more of them while nothing waits."""
    for account in dict.fromkeys(batch.account for batch in batches):
        while pen.is_trimming_due(account, clock.now()):
            try:
                await hop(pen.trim, account, clock.now())
            except DatabaseAway:
                return  # The next commit finds it away too, and tells.
            if outlet.statistics().current_buffer_used:
                return


def _queued(outlet: Outlet, facts_max: int) -> Iterator[Batch]:
    """What waits in the channel already, until a commit's worth is gathered."""
    facts = 0
    while facts < facts_max:
        try:
            batch = outlet.receive_nowait()
        except (trio.WouldBlock, trio.EndOfChannel):
            return
        facts += len(batch.facts)
        yield batch


class _Pen:
    """The writing connection; used on the hop's thread only.  After a failure it is opened anew."""

    def __init__(
        self, database: Database, retention: Retention | None, rules: Rules | None
    ) -> None:
        self._database = database
        self._applier = Applier(database, rules)
        self._trimmer = None if retention is None else Trimmer(retention)
        self._connection: Connection | None = None

    def commit(self, batches: Sequence[Batch], now: int) -> list[Applied]:
        """One transaction.  Raises DatabaseAway; anything else is a bug."""
        with self._transaction() as connection:
            return self._applier.apply(connection, batches, now=now)

    def is_trimming_due(self, account: str, now: int) -> bool:
        """Whether `trim` would find something to do."""
        return self._trimmer is not None and self._trimmer.is_due(account, now)

    def trim(self, account: str, now: int) -> None:
        """A small transaction.  Raises DatabaseAway."""
        assert self._trimmer is not None
        try:
            with self._transaction() as connection:
                self._trimmer.step(connection, account, now)
        except BaseException:
            self._trimmer.forget()
            raise

    @contextmanager
    def _transaction(self) -> Iterator["Connection"]:
        try:
            with self._database.told():
                if self._connection is None:
                    self._connection = self._database.connect()
                with self._connection.begin():
                    yield self._connection
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # What is broken can't be rolled back or reset, only dropped.
            connection.invalidate()
            connection.close()
