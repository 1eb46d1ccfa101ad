"""What no connection told, read over REST until nothing is missing: one pass over every history.

Each stream from its last proof (less the overlap) on; see `slices` for those that can be asked for
by time, `lists` for the others.  Every page is committed before the next is asked for, every row is
idempotent, and coverage advances only in the commit that proves it: killed at any line, the next
pass begins where the proof ends.  A row that could not be understood stays in quarantine and leaves
a gap, as small as can be told, which each backfill reads again; nothing waits for it.
"""

from collections.abc import Sequence
from functools import partial

from reconciler.domain.facts import PassNotice
from reconciler.domain.moments import SECOND
from reconciler.domain.spans import Stretch
from reconciler.domain.words import GapState, Source
from reconciler.feed.gaps import NOT_ALLOWED, miss, tell_missing
from reconciler.feed.learned import Learned
from reconciler.feed.listener import Listener
from reconciler.feed.lists import read_lists
from reconciler.feed.orphans import look_up_orphans
from reconciler.feed.plan import Plan, floor_of, plan
from reconciler.feed.progress import Meter
from reconciler.feed.reader import Reader
from reconciler.feed.slices import read_slices
from reconciler.feed.streams import DEALS, LAG, ORDERS, STREAMS, TRANSACTIONS, Stream
from reconciler.feed.unfinished import Unfinished
from reconciler.feed.unsettled import look_up_unsettled

__all__ = ["DEALS", "LAG", "ORDERS", "backfill"]

TOLD_WITHIN = 5 * SECOND
"""What a stream has not told by then it has lost.  Less than LAG by more than the seconds that
windows are rounded by: a row that a sweep reads would else be known, and uncounted, at the next."""


async def backfill(on: Listener, source: Source, *, until: int | None = None) -> Learned:
    """One pass over every history: as a backfill with the holes that were left, as a sweep without.

    Up to `until`, a moment of the exchange's time, or up to the present; what is proven ends where
    history has surely caught up.  Returns when all of it is committed.
    """
    now = on.now()
    floor = floor_of(now)
    proven = await on.past.coverage(on.account)
    plans = {
        stream: _plan(on, proven.get(stream.name, ()), source, stream, now, until, floor)
        for stream in STREAMS
    }
    notices = await on.past.refused_streams(on.account)
    refused = {notice.stream for notice in notices}
    if source is Source.BACKFILL:
        await tell_missing(on, {s.name: todo for s, todo in plans.items() if s.name not in refused})
    learned = Learned()
    for stream, todo in plans.items():
        meter = Meter(on, stream.name, *todo.rest)
        reader = Reader(on, source, stream.name, now - TOLD_WITHIN, meter)
        read = partial(_read, reader, stream, todo, floor, to_present=until is None)
        try:
            if not stream.is_guarded:
                await read()
            elif await on.circuits.guarded(on, stream.name, read) is None and (
                source is Source.BACKFILL or stream.name not in refused
            ):
                await _tell_refusal(reader, todo)
        finally:
            reader.meter.end()
            if source is Source.SWEEP:
                _count(reader)
        learned += reader.learned
    passed = PassNotice(until=min(now if until is None else until, now - LAG))
    await on.commit(source, (passed,))
    return learned


def _plan(
    on: Listener,
    spans: Sequence[Stretch],
    source: Source,
    stream: Stream,
    now: int,
    until: int | None,
    floor: int,
) -> Plan:
    return plan(
        spans if source is Source.BACKFILL else spans[-1:],
        since=on.since,
        until=min(now if until is None else until, now - stream.lag),
        overlap=on.overlap,
        floor=floor if stream.is_limited else 0,
    )


async def _read(
    reader: Reader, stream: Stream, todo: Plan, floor: int, *, to_present: bool
) -> bool:
    """All of a stream that is to be read.  True: it was not refused."""
    since, until = todo.rest
    unfinished = Unfinished(reader) if stream.name == ORDERS else None
    if unfinished is not None:
        # Before the first slice is proven, as no window may hold an order that is older.
        await unfinished.read_lists()
        await unfinished.look_up(created_before=since)
    if stream.windowed is not None:
        floor = floor if stream.is_limited else 0
        for hole in todo.holes:
            await read_slices(reader, stream.windowed, hole, floor=floor, to_present=False)
        await read_slices(reader, stream.windowed, todo.rest, floor=floor, to_present=to_present)
    if stream.listings is not None:
        listings = await stream.listings(reader.on)
        since = min(since, *(low for low, _ in todo.holes)) if todo.holes else since
        await read_lists(reader, listings, (since, until), is_first=todo.is_first)
    if unfinished is not None:
        await unfinished.look_up()
    if stream.name == DEALS:
        await look_up_orphans(reader, until)
    if stream.name == TRANSACTIONS:
        await look_up_unsettled(reader, created_before=since)
    return True


async def _tell_refusal(reader: Reader, todo: Plan) -> None:
    """Lending and mining are refused to most; without deposits and withdrawals no balance can be
    explained."""
    is_news = reader.stream == TRANSACTIONS
    state = GapState.UNREACHABLE
    await miss(reader.on, reader.stream, todo.missing, NOT_ALLOWED, state, is_news=is_news)


def _count(reader: Reader) -> None:
    """Rows that nothing told before a sweep asked: of deals and orders, what their streams lost."""
    on, learned, stream = reader.on, reader.learned, reader.stream
    is_streamed = stream in (DEALS, ORDERS)
    rows = reader.found if is_streamed else learned.transactions + learned.movements
    if rows:
        on.figures.swept[stream] += rows
        tell = on.log.warning if is_streamed else on.log.info
        tell("sweep.found", stream=stream, rows=rows)
