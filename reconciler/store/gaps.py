"""Gaps: for each account and stream the time that is known to be missing, and what became of it.

A notice opens a gap, coverage closes it.  The gaps of a stream that are not closed never overlap:
what a notice says of its time replaces what was said of it before, and what is left of an older gap
stays.  So a feed that fails again and again leaves one open gap, not one for each attempt, and what
turns out to be out of reach does not keep the rest open.
"""

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from reconciler.domain.facts import GapNotice
from reconciler.domain.spans import Stretch
from reconciler.domain.spans import gaps as outside
from reconciler.domain.words import GapState
from reconciler.store.columns import storable
from reconciler.store.schema import coverage, gaps


def note(connection: Connection, account_id: int, notice: GapNotice, *, now: int) -> bool:
    """Keeps what a notice says, unless its time is proven complete already.

    Returns whether people should hear of it: it is out of reach, and was not known to be.
    """
    stream, reason, state = storable(notice.stream), storable(notice.reason), notice.state
    since, until = notice.since, notice.until
    assert since <= until, f"a gap that ends before it begins: {since} … {until}"
    if since == until or _is_covered(connection, account_id, stream, (since, until)):
        return False
    is_news = notice.is_news and state is GapState.UNREACHABLE
    g = gaps.c
    meets = _not_closed(account_id, stream) & (g.gap_from <= until) & (g.gap_until >= since)
    older = connection.execute(select(gaps).where(meets)).all()
    connection.execute(delete(gaps).where(meets))
    for gap in older:
        # What lies out of reach for one reason is one gap, though its beginning moves: a history
        # of "180 days" begins later at each start.  An open one is not joined, as each part has to
        # close by itself.
        if gap.state == state == GapState.UNREACHABLE and gap.reason == reason:
            since, until = min(since, gap.gap_from), max(until, gap.gap_until)
            is_news = False
    for gap in older:
        for left in outside([(since, until)], gap.gap_from, gap.gap_until):
            done = _is_covered(connection, account_id, stream, left)
            was = GapState.CLOSED if done else GapState(gap.state)
            _put(connection, account_id, stream, left, gap.reason, was, now)
    _put(connection, account_id, stream, (since, until), reason, state, now)
    return is_news


def close(connection: Connection, account_id: int, stream: str, proven: Stretch, now: int) -> None:
    """Closes every gap that lies wholly in a time proven complete, in whatever state it was."""
    since, until = proven
    connection.execute(
        update(gaps)
        .where(
            _not_closed(account_id, stream),
            gaps.c.gap_from >= since,
            gaps.c.gap_until <= until,
        )
        .values(state=str(GapState.CLOSED), closed_at=now)
    )


def _put(
    connection: Connection,
    account_id: int,
    stream: str,
    time: Stretch,
    reason: str,
    state: GapState,
    now: int,
) -> None:
    since, until = time
    g = gaps.c
    same = (g.account_id == account_id) & (g.stream == stream)
    same &= (g.gap_from == since) & (g.gap_until == until)
    connection.execute(delete(gaps).where(same))
    connection.execute(
        insert(gaps).values(
            account_id=account_id,
            stream=stream,
            gap_from=since,
            gap_until=until,
            reason=reason,
            state=str(state),
            closed_at=now if state is GapState.CLOSED else None,
        )
    )


def _not_closed(account_id: int, stream: str) -> ColumnElement[bool]:
    g = gaps.c
    of_stream = (g.account_id == account_id) & (g.stream == stream)
    return of_stream & (g.state != str(GapState.CLOSED))


def _is_covered(connection: Connection, account_id: int, stream: str, time: Stretch) -> bool:
    """Whether one span holds it: spans never touch, so several can't."""
    since, until = time
    c = coverage.c
    holds = (c.account_id == account_id) & (c.stream == stream)
    holds &= (c.covered_from <= since) & (c.covered_until >= until)
    return connection.execute(select(c.stream).where(holds)).first() is not None
