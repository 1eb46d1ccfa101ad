"""One session: connect, authorize, snapshot, subscribe, backfill, live.

The lines below are the state machine.  Asking first and subscribing then leaves a hole between the
answer and the confirmation; it is closed by asking again after the last confirmation and by reading
over REST, from the last proof on, what no connection told (PROTOCOL § 9, trap 1).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import trio

from reconciler.causes import leaves
from reconciler.domain.facts import Fact, SessionNotice
from reconciler.domain.moments import HOUR, SECOND, seconds
from reconciler.domain.words import Phase, Source
from reconciler.feed import balances
from reconciler.feed.backfill import LAG, backfill
from reconciler.feed.doubts import READ_AGAIN_AFTER, watch
from reconciler.feed.learned import Learned
from reconciler.feed.link import Link, RequestRefused, open_link
from reconciler.feed.listener import Listener
from reconciler.feed.order_lists import BAD_NAMES, OrderLists
from reconciler.feed.rest import ExchangeAway
from reconciler.feed.timekeeping import measure
from reconciler.feed.wanted import Wanted
from reconciler.wire import frames
from reconciler.wire.records import Page

QUERY_MARKETS_MAX = 10
"""Up to so many markets are asked for over the WebSocket; for more, three queries each would use up
the 200 requests a minute, and REST answers for all markets at once."""

QUERY_PAGE = 100
EXECUTED_TYPES = (1, 2)
"""Limit and market, as in the vendor's example; which other numbers pass is not documented, and
finished orders of every type are read over REST anyway."""

MARKETS_INTERVAL = HOUR
"""A market that is listed later is in no list of ours (PROTOCOL § 9, trap 21)."""

FAREWELL_SECONDS_MAX = 2


async def session(on: Listener) -> None:
    """Listen until the connection fails.  Never returns: raises what ended it."""
    session_id = on.world.clock.now()
    notice = partial(_notice, on, session_id)
    on.figures.tell(Phase.CONNECTING)
    connected = False
    try:
        async with AsyncExitStack() as links:
            link = await links.enter_async_context(open_link(on))
            connected = True
            on.figures.sessions += 1
            await notice(connected_at=on.world.clock.now())
            await measure(on)
            await _authorize(on, link)
            await notice(authorized_at=on.world.clock.now())
            on.figures.tell(Phase.AUTHORIZED)
            wanted = Wanted(on)
            lists = OrderLists(link, links, partial(_open_another, on))
            await wanted.read()
            # Coverage ends before the first question: only passes over REST advance it, and the
            # next one is below.  Where it ends is the low watermark, from which that pass reads.
            await balances.look(on, link)
            await _query(on, link, wanted)
            await _subscribe(on, link)
            await lists.follow(wanted)
            # The high watermark is here: what happens from now on is told.
            recovered = await _catch_up(on, link, wanted)
            now = on.world.clock.now()
            await notice(live_at=now, recovered_at=now, recovered_deals=recovered)
            on.figures.lives += 1
            on.figures.tell(Phase.LIVE)
            on.log.info("session.live", session=session_id, recovered_deals=recovered)
            await balances.settle(on, link)
            await _stay_live(on, link, wanted, lists)
    except BaseException as error:
        if connected:
            with trio.move_on_after(FAREWELL_SECONDS_MAX, shield=True):
                await notice(disconnected_at=on.world.clock.now(), reason=reason(error))
        raise


def reason(error: BaseException) -> str:
    """Why a session ended, in one line: the first cause, however deep in groups."""
    cause = next(leaves(error))
    if isinstance(cause, trio.Cancelled):
        return "stopped"
    return str(cause).partition("\n")[0][:300] or type(cause).__name__


async def _notice(on: Listener, session_id: int, **news: int | str) -> None:
    fact = SessionNotice(session_id=session_id, **news)  # type: ignore[arg-type]
    await on.hand_over(Source.STREAM, (fact,))


async def _authorize(on: Listener, link: Link) -> None:
    """Only once connected: a token asked for in vain is one of ten a minute (trap 12)."""
    token = await on.rest.token()
    await link.ask(frames.authorize(token))
    on.rest.authorized()


@asynccontextmanager
async def _open_another(on: Listener) -> AsyncIterator[Link]:
    """Authorization belongs to the connection (trap 22)."""
    async with open_link(on) as link:
        await _authorize(on, link)
        yield link


async def _subscribe(on: Listener, link: Link) -> None:
    """Subscribe to what needs no list, and await each confirmation.  Deals are those of all
    markets, whichever are configured: balances can't be explained by some of them."""
    for wallet in balances.STREAMED:
        if wallet in on.wallets:
            await link.ask(frames.subscribe_balances(wallet))
    await link.ask(frames.subscribe_deals())


async def _catch_up(on: Listener, link: Link, wanted: Wanted) -> int:
    """Learn what happened before the last confirmation; committed when it returns.

    Returns how many deals were not known.  Balances are read until they are proven; orders need
    no such care, since sights of an order are joined whatever comes first.
    """
    on.figures.tell(Phase.SUBSCRIBED)
    await balances.prove(on, link)
    await _query(on, link, wanted)
    learned = await backfill(on, Source.BACKFILL)
    # The backfill is committed, and so is all that was asked before it.
    answered, link.learned = link.learned, Learned()
    recovered = learned.deals + answered.deals
    on.figures.recovered_deals += recovered
    return recovered


async def _query(on: Listener, link: Link, wanted: Wanted) -> None:
    """Ask for orders and deals market by market, if there are few.  The answers are in the inbox
    afterwards."""
    if len(wanted.names) > QUERY_MARKETS_MAX:
        return
    for market in wanted.names:
        try:
            await _query_market(link, market)
        except RequestRefused as refusal:
            if refusal.code not in BAD_NAMES:
                raise
            # Whether it is gone, its list will tell; all that is asked here, REST knows as well.
            on.log.debug("market.refused", market=market, why=str(refusal))


async def _query_market(link: Link, market: str) -> None:
    offset, total = 0, 1
    while offset < total:
        ask = frames.query_pending_orders(market, offset, QUERY_PAGE)
        page = await link.read(ask, _page(frames.orders_page))
        offset, total = offset + page.count, (page.total or 0) if page.count else 0
    executed = frames.query_executed_orders(market, EXECUTED_TYPES, 0, QUERY_PAGE)
    await link.read(executed, _page(frames.executed_orders_page))
    await link.read(frames.query_deals(market, 0, QUERY_PAGE), _page(frames.deals_page))


async def _stay_live(on: Listener, link: Link, wanted: Wanted, lists: OrderLists) -> None:
    """While live, read the recent past again: a silently lost frame is found within one turn, and
    coverage advances with each.

    An exchange that answers nothing over REST is no reason to give up the stream: the next turn
    begins where the proof ends.
    """
    markets_due = trio.current_time() + seconds(MARKETS_INTERVAL)
    again = seconds(LAG + READ_AGAIN_AFTER)
    # The first turn comes as soon as history must know what was before the high watermark.
    pause = min(again, seconds(on.sweep))
    while True:
        is_changed = False
        on.figures.move(round(pause * SECOND))
        try:
            await watch(on, link, until_sweep=pause, lag=again)
            pause = seconds(on.sweep)
            await backfill(on, Source.SWEEP, until=on.now() - LAG)
            if trio.current_time() >= markets_due:
                is_changed = await wanted.read()
                markets_due = trio.current_time() + seconds(MARKETS_INTERVAL)
        except ExchangeAway as error:
            on.log.warning("sweep.failed", why=str(error))
        if is_changed:
            await _change_lists(on, link, wanted, lists)
        await balances.settle(on, link)


async def _change_lists(on: Listener, link: Link, wanted: Wanted, lists: OrderLists) -> None:
    """A small reconnect: the lists that change are replaced, and what was not told meanwhile is
    read as after a lost connection."""
    await lists.follow(wanted)
    recovered = await _catch_up(on, link, wanted)
    on.figures.tell(Phase.LIVE)
    on.log.info("session.relisted", markets=len(wanted.names), recovered_deals=recovered)


def _page(
    read: Callable[[bytes, int], Page],
) -> Callable[[frames.Reply, int], tuple[Page, tuple[Fact, ...]]]:
    def page(reply: frames.Reply, received_at: int) -> tuple[Page, tuple[Fact, ...]]:
        found = read(reply.result, received_at)
        return found, found.facts

    return page
