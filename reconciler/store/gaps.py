"""Gaps: for each account and stream the time that is known to be missing, and what became of it.

A notice opens a gap, coverage closes it.  The gaps of a stream that are not closed never overlap:
what a notice says of its time replaces what was said of it before, and what is left of an older gap
stays.  So a feed that fails again and again leaves one open gap, not one for each attempt, and what
turns out to be out of reach does not keep the rest open.
"""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Dialect,
    Text,
    bindparam,
    delete,
    literal_column,
    select,
    update,
)

from reconciler.domain.facts import GapNotice
from reconciler.domain.spans import Stretch
from reconciler.domain.spans import gaps as outside
from reconciler.domain.words import GapState
from reconciler.store.columns import encoding_of, storable
from reconciler.store.schema import coverage, gaps
from reconciler.store.statements import Change, Read, Write

_CLOSED = literal_column(f"'{GapState.CLOSED}'", Text)
"""Not a parameter: those of prepared statements have names."""


class Gaps:
    """Writes them, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        g, c = gaps.c, coverage.c
        since: BindParameter[int] = bindparam("since")
        until: BindParameter[int] = bindparam("until")
        of_stream = (g.account_id == bindparam("account")) & (g.stream == bindparam("stream"))
        not_closed = of_stream & (g.state != _CLOSED)
        meets = not_closed & (g.gap_from <= until) & (g.gap_until >= since)
        within = not_closed & (g.gap_from >= since) & (g.gap_until <= until)
        holds = (c.account_id == bindparam("account")) & (c.stream == bindparam("stream"))
        holds &= (c.covered_from <= since) & (c.covered_until >= until)
        self._meeting = Read(
            dialect, select(g.gap_from, g.gap_until, g.reason, g.state).where(meets)
        )
        self._forget = Change(dialect, delete(gaps).where(meets))
        self._close = Change(
            dialect,
            update(gaps).where(within).values(state=_CLOSED, closed_at=bindparam("now")),
        )
        self._put = Write(dialect, gaps, overwritten=["reason", "state", "closed_at"])
        self._covering = Read(dialect, select(c.stream).where(holds))

    def note(self, connection: Connection, account_id: int, notice: GapNotice, *, now: int) -> bool:
        """Keeps what a notice says, unless its time is proven complete already.

        Returns whether people should hear of it: it is out of reach, and was not known to be.
        """
        stream, reason, state = storable(notice.stream), storable(notice.reason), notice.state
        since, until = notice.since, notice.until
        assert since <= until, f"a gap that ends before it begins: {since} … {until}"
        if since == until or self._is_covered(connection, account_id, stream, (since, until)):
            return False
        is_news = notice.is_news and state is GapState.UNREACHABLE
        met = self._where(account_id, stream, (since, until))
        moment_of = self._encoding.moment_of
        older = [
            ((moment_of(begin), moment_of(end)), why, GapState(was))
            for begin, end, why, was in self._meeting(connection, **met)
        ]
        if older:
            self._forget(connection, **met)
        for (begin, end), why, was in older:
            # What lies out of reach for one reason is one gap, though its beginning moves: a
            # history of "180 days" begins later at each start.  An open one is not joined, as each
            # part has to close by itself.
            if was is state is GapState.UNREACHABLE and why == reason:
                since, until = min(since, begin), max(until, end)
                is_news = False
        for time, why, was in older:
            for left in outside([(since, until)], *time):
                done = self._is_covered(connection, account_id, stream, left)
                is_now = GapState.CLOSED if done else was
                self._keep(connection, account_id, stream, left, why, is_now, now)
        self._keep(connection, account_id, stream, (since, until), reason, state, now)
        return is_news

    def close(
        self, connection: Connection, account_id: int, stream: str, proven: Stretch, now: int
    ) -> None:
        """Closes every gap that lies wholly in a time proven complete, in whatever state it was."""
        within = self._where(account_id, stream, proven)
        self._close(connection, **within, now=self._encoding.moment(now))

    def _keep(
        self,
        connection: Connection,
        account_id: int,
        stream: str,
        time: Stretch,
        reason: str,
        state: GapState,
        now: int,
    ) -> None:
        moment = self._encoding.moment
        closed_at = moment(now) if state is GapState.CLOSED else None
        row = (account_id, stream, *map(moment, time), reason, str(state), closed_at)
        self._put(connection, [row])

    def _is_covered(
        self, connection: Connection, account_id: int, stream: str, time: Stretch
    ) -> bool:
        """Whether one span holds it: spans never touch, so several can't."""
        where = self._where(account_id, stream, time)
        return next(self._covering(connection, **where), None) is not None

    def _where(self, account_id: int, stream: str, time: Stretch) -> dict[str, Any]:
        since, until = map(self._encoding.moment, time)
        return {"account": account_id, "stream": stream, "since": since, "until": until}
