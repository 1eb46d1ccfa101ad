"""How long the journal is kept: its oldest rows go, by age and by size, some at a time.

What is left remains a chain, since its first row has the digest of the one before it.  The newest
row of an account always stays: the next one goes on from it.  Nothing else is ever deleted from the
record.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, select

from reconciler.domain.moments import MINUTE
from reconciler.store.schema import accounts, frames

PAUSE = 1 * MINUTE
"""Between two looks at what has become too old or too much."""

ROWS_DELETED_MAX, BYTES_DELETED_MAX = 500, 1 << 20
"""At once: a few milliseconds, so that no commit waits noticeably."""

ROWS_COUNTED_MAX = 10_000
"""At once.  A process that begins has all rows to count, and does it between its commits."""

ROW_BYTES = 200
"""What a row takes besides its body, about, with its places in the indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is kept of each account's journal."""

    keep: int
    """How old it becomes (microseconds)."""
    size: int
    """How many bytes of the database it takes, about."""


@dataclass(slots=True, kw_only=True)
class _Counted:
    """How much an account's rows hold, from the first up to the last that was counted."""

    first: int
    last: int
    bytes: int = 0


class Trimmer:
    """Keeps the journals within their limits, in small steps.

    It remembers what it has counted; a journal that somebody else has trimmed it counts anew.
    """

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._counted: dict[str, _Counted] = {}
        self._next: dict[str, int] = {}

    def is_due(self, account: str, now: int) -> bool:
        """Whether there is a step to be made."""
        return self._next.get(account, now) <= now

    def forget(self) -> None:
        """What was counted: a transaction in which a step was made has failed."""
        self._counted.clear()

    def step(self, connection: Connection, account: str, now: int) -> None:
        """Counts some rows and deletes some, in the caller's transaction."""
        number = select(accounts.c.account_id).where(accounts.c.name == account).scalar_subquery()
        ours = frames.c.account_id == number
        ends = select(func.min(frames.c.seq), func.max(frames.c.seq)).where(ours)
        first, newest = connection.execute(ends).one()
        if first is None:
            self._next[account] = now + PAUSE
            return
        counted = self._counted.get(account)
        if counted is None or counted.first != first:
            counted = self._counted[account] = _Counted(first=first, last=first - 1)
        _count(connection, ours, counted)
        deleted = self._delete(connection, ours, counted, newest, now)
        is_done = counted.last == newest and not deleted
        self._next[account] = now + PAUSE if is_done else now

    def _delete(
        self,
        connection: Connection,
        ours: ColumnElement[bool],
        counted: _Counted,
        newest: int,
        now: int,
    ) -> bool:
        """Whether there was something to delete."""
        oldest = (
            select(frames.c.seq, frames.c.recorded_at, func.length(frames.c.body))
            .where(ours, frames.c.seq < newest, frames.c.seq <= counted.last)
            .order_by(frames.c.seq)
            .limit(ROWS_DELETED_MAX)
        )
        freed, end = 0, counted.first
        for seq, recorded_at, body_bytes in connection.execute(oldest):
            is_old = recorded_at < now - self._retention.keep
            is_much = counted.bytes - freed > self._retention.size
            if freed >= BYTES_DELETED_MAX or not (is_old or is_much):
                break
            freed, end = freed + body_bytes + ROW_BYTES, seq + 1
        if not freed:
            return False
        connection.execute(delete(frames).where(ours, frames.c.seq < end))
        counted.first, counted.bytes = end, counted.bytes - freed
        return True


def _count(connection: Connection, ours: ColumnElement[bool], counted: _Counted) -> None:
    """Adds some of the rows that came since."""
    rows = (
        select(frames.c.seq, func.length(frames.c.body).label("body_bytes"))
        .where(ours, frames.c.seq > counted.last)
        .order_by(frames.c.seq)
        .limit(ROWS_COUNTED_MAX)
        .subquery()
    )
    totals = select(func.count(), func.max(rows.c.seq), func.sum(rows.c.body_bytes))
    number, last, body_bytes = connection.execute(totals.select_from(rows)).one()
    if number:
        counted.last = last
        counted.bytes += int(body_bytes) + number * ROW_BYTES
