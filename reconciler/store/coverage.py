"""Coverage rows: for each account and stream the spans proven complete, never two that touch."""

from sqlalchemy import Connection, Dialect, bindparam, delete, select

from reconciler.domain.spans import union
from reconciler.inbox import Span
from reconciler.store.columns import encoding_of
from reconciler.store.gaps import Gaps
from reconciler.store.schema import coverage
from reconciler.store.statements import Change, Read, Write


class Coverage:
    """Writes it, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        c = coverage.c
        meets = (
            (c.account_id == bindparam("account"))
            & (c.stream == bindparam("stream"))
            & (c.covered_from <= bindparam("until"))
            & (c.covered_until >= bindparam("since"))
        )
        self._encoding = encoding_of(dialect)
        self._meeting = Read(dialect, select(c.covered_from, c.covered_until).where(meets))
        self._forget = Change(dialect, delete(coverage).where(meets))
        self._put = Write(dialect, coverage)
        self._gaps = Gaps(dialect)

    def cover(self, connection: Connection, account_id: int, span: Span, *, now: int) -> None:
        """Adds a span to what is proven, joined with those it meets; closes the gaps in it."""
        moment, moment_of = self._encoding.moment, self._encoding.moment_of
        met = {
            "account": account_id,
            "stream": span.stream,
            "since": moment(span.since),
            "until": moment(span.until),
        }
        known = [(moment_of(a), moment_of(b)) for a, b in self._meeting(connection, **met)]
        if known:
            self._forget(connection, **met)
        for since, until in union([*known, (span.since, span.until)]):
            row = (account_id, span.stream, moment(since), moment(until), moment(now))
            self._put(connection, [row])
            self._gaps.close(connection, account_id, span.stream, (since, until), now)
