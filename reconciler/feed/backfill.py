"""What a connection did not say, read over REST until nothing is missing.

Deals and finished orders by windows, page by page; then the active orders, and each order that the
record believes open and the exchange no longer lists, by its id.  Every page is committed before
the next is asked for, every row is idempotent, and coverage advances only in the commit that proves
it: killed at any line, the next run begins where the proof ends.
"""

from collections.abc import Callable, Iterator

from reconciler.domain.facts import Order
from reconciler.domain.moments import DAY, SECOND
from reconciler.domain.words import Source
from reconciler.feed.learned import Learned
from reconciler.feed.listener import Listener
from reconciler.inbox import Span
from reconciler.wire import rest

DEALS = "deals"
ORDERS = "orders"

WINDOW_MAX = 30 * DAY
"""`order/history` takes at most 31 days (PROTOCOL § 5.4)."""

REACH = 180 * DAY
"""The exchange keeps history for six months."""

LAG = 10 * SECOND
"""History is written in batches after the push (PROTOCOL § 9, trap 37), so a pass proves nothing
about the last seconds before it; the next one reads them again."""

PAGE = 500
PAGE_CAP = 100
"""Asked for 500, some deployments give 100 at most (PROTOCOL § 9, trap 27), so a page of exactly
100 proves no end."""

ACTIVE_PAGE = 100


async def backfill(on: Listener, source: Source, *, until: int | None = None) -> Learned:
    """One pass over deals and orders, each from its last proof (less the overlap) on.

    Up to `until`, a moment of the exchange's time, or up to the present.  Returns when all of it is
    committed.
    """
    proven = on.now() - LAG if until is None else until
    learned = Learned()
    for stream, call in ((DEALS, rest.deals_history), (ORDERS, rest.order_history)):
        since = await _begin(on, stream)
        for start, end in windows(since, until if until is not None else on.now()):
            last = end if until is not None or end < on.now() // SECOND else None
            learned += await _pages(on, source, call, start, last)
        if stream == ORDERS:
            learned += await _unfinished(on, source)
        if proven > since:
            span = Span(stream=stream, since=since, until=proven)
            await on.commit(source, (), (span,))
    return learned


def windows(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Whole seconds (start, end) that cover since <= moment < until, oldest first.

    The exchange takes seconds and does not say whether the ends belong to a window, so each begins
    a second early and ends no earlier than needed if its end is left out; what is read twice is
    merged.
    """
    at = since
    while at < until:
        end = min(at + WINDOW_MAX, until)
        yield at // SECOND - 1, -(-end // SECOND)
        at = end


async def _begin(on: Listener, stream: str) -> int:
    covered = await on.past.covered_until(on.account, stream)
    since = on.since if covered is None else covered - on.overlap
    return max(since, on.now() - REACH)


async def _pages(
    on: Listener,
    source: Source,
    call: Callable[[int, int | None, int, int], rest.Call[rest.Page]],
    start: int,
    end: int | None,
) -> Learned:
    """All pages of one window.  Newest first: rows that arrive meanwhile push others onto later
    pages, where they are read again, so none is missed."""
    learned, offset = Learned(), 0
    while True:
        page = await on.rest.ask(call(start, end, offset, PAGE))
        if page.facts:
            learned += await on.commit(source, page.facts)
        if page.count < PAGE and page.count != PAGE_CAP:
            return learned
        offset += page.count


async def _unfinished(on: Listener, source: Source) -> Learned:
    """Active orders as they stand, and how the others ended that we still believe open.

    `order/history` may go by the time of creation (trap 34), so an order older than the window that
    ended within it is found only by its id.
    """
    believed = {order.order_id for order in await on.past.open_orders(on.account)}
    learned = Learned()
    listed: set[int] = set()
    offset = 0
    while True:
        page = await on.rest.ask(rest.active_orders(offset, ACTIVE_PAGE))
        listed.update(fact.order_id for fact in page.facts if isinstance(fact, Order))
        if page.facts:
            learned += await on.commit(source, page.facts)
        if page.count < ACTIVE_PAGE:
            break
        # Orders that end meanwhile move later ones forward, past an offset that only grows: step
        # by half a page.  One that slips through all the same is looked up by its id below.
        offset += ACTIVE_PAGE // 2
    for order_id in sorted(believed - listed):
        page = await on.rest.ask(rest.order_by_id(order_id))
        if page.facts:
            learned += await on.commit(source, page.facts)
        else:
            on.log.info("order.unaccounted", order_id=order_id)
    return learned
