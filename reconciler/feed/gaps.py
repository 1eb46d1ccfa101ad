"""What a pass says of time that is not proven: the record keeps it, the log tells it once."""

from collections.abc import Mapping

from reconciler.domain.facts import GapNotice
from reconciler.domain.moments import iso
from reconciler.domain.spans import Stretch
from reconciler.domain.words import GapState, Source
from reconciler.feed.listener import Listener
from reconciler.feed.plan import Plan

FIRST_START = "first start"
NOT_RUNNING = "the daemon was not running"
FORGOTTEN = "older than the six months that the exchange remembers"
NOT_ALLOWED = "this API key may not read it"
UNREADABLE = "rows that could not be understood, see v_quarantine"
UNSETTLED = "rows that came differently each time they were asked for"
TOO_MANY = "more rows in one second than the exchange tells"
OUT_OF_LIST = "older than the rows that the exchange lists"


async def tell_missing(on: Listener, plans: Mapping[str, Plan]) -> None:
    """At the beginning of a backfill: what it is going to read, by streams, and what can't be read
    any more.  Coverage closes the former."""
    down = on.figures.last_reason
    notices: list[GapNotice] = []
    for stream, todo in plans.items():
        why = FIRST_START if todo.is_first else f"feed was down: {down}" if down else NOT_RUNNING
        since, until = todo.missing
        if since < until:
            notices.append(GapNotice(stream=stream, since=since, until=until, reason=why))
    await on.commit(Source.BACKFILL, notices)
    for stream, todo in plans.items():
        for gap in todo.lost:
            await miss(on, stream, gap, FORGOTTEN, GapState.UNREACHABLE)


async def miss(
    on: Listener,
    stream: str,
    gap: Stretch,
    reason: str,
    state: GapState = GapState.OPEN,
    *,
    is_news: bool = True,
) -> None:
    """This time is not proven, for a reason."""
    since, until = gap
    if since >= until:
        return
    notice = GapNotice(
        stream=stream, since=since, until=until, reason=reason, state=state, is_news=is_news
    )
    await on.commit(Source.BACKFILL, (notice,))
    if is_news and on.recall.tells_first(stream, reason, gap):
        on.log.warning(
            "backfill.gap",
            stream=stream,
            state=state,
            reason=reason,
            since=iso(since),
            until=iso(until),
        )
