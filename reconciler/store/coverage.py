"""Coverage rows: for each account and stream the spans proven complete, never two that touch."""

from sqlalchemy import Connection, delete, insert, select

from reconciler.domain.spans import union
from reconciler.inbox import Span
from reconciler.store import gaps
from reconciler.store.schema import coverage


def cover(connection: Connection, account_id: int, span: Span, *, now: int) -> None:
    """Adds a span to what is proven, joined with those it meets; closes the gaps in it."""
    c = coverage.c
    meets = (
        (c.account_id == account_id)
        & (c.stream == span.stream)
        & (c.covered_from <= span.until)
        & (c.covered_until >= span.since)
    )
    known = [
        (since, until)
        for since, until in connection.execute(select(c.covered_from, c.covered_until).where(meets))
    ]
    joined = union([*known, (span.since, span.until)])
    connection.execute(delete(coverage).where(meets))
    for since, until in joined:
        connection.execute(
            insert(coverage).values(
                account_id=account_id,
                stream=span.stream,
                covered_from=since,
                covered_until=until,
                verified_at=now,
            )
        )
        gaps.close(connection, account_id, span.stream, (since, until), now)
