"""One session: connect, authorize, snapshot, subscribe, backfill, live.

The lines below are the state machine.  Asking first and subscribing then leaves a hole between the
answer and the confirmation; it is closed by asking again after the last confirmation and by reading
over REST, from the last proof on, what no connection told (PROTOCOL § 9, trap 1).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial

import trio

from reconciler.causes import leaves
from reconciler.domain.facts import Fact, Market, SessionNotice
from reconciler.domain.moments import SECOND, seconds
from reconciler.domain.words import Phase, Source, Wallet
from reconciler.feed.backfill import LAG, backfill
from reconciler.feed.link import Link, open_link
from reconciler.feed.listener import Listener
from reconciler.feed.rest import ExchangeAway
from reconciler.wire import frames, rest
from reconciler.wire.records import Page

QUERY_MARKETS_MAX = 10
"""Up to so many markets are asked for over the WebSocket; for more, three queries each would use up
the 200 requests a minute, and REST answers for all markets at once."""

NAMES_MAX = 100
"""Markets in one subscription.  No limit is documented; about 700 names were refused
(PROTOCOL § 1.4)."""

QUERY_PAGE = 100
EXECUTED_TYPES = (1, 2)
"""Limit and market, as in the vendor's example; which other numbers pass is not documented, and
finished orders of every type are read over REST anyway."""

BALANCE_READINGS_MAX = 5
BALANCE_INTERVAL = 2 * SECOND
"""The exchange tells changed balances once in 1 s (spot) or 1.5 s (collateral)."""

FAREWELL_SECONDS_MAX = 2

_STREAMED = {Wallet.SPOT: "balanceSpot", Wallet.COLLATERAL: "balanceMargin"}


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
            await _authorize(on, link)
            await notice(authorized_at=on.world.clock.now())
            on.figures.tell(Phase.AUTHORIZED)
            markets = await _markets(on)
            await _snapshot(on, link, markets)
            await _subscribe(on, link)
            for number, names in enumerate(batched(markets, NAMES_MAX)):
                if number == 0:
                    await _subscribe_orders(link, names)
                else:
                    # Lists are always sent whole, since a repeated subscription replaces the one
                    # before; so what does not fit into one needs another connection.
                    other = await links.enter_async_context(open_link(on))
                    await _authorize(on, other)
                    await _subscribe_orders(other, names)
            on.figures.tell(Phase.SUBSCRIBED)
            await _snapshot(on, link, markets)
            learned = await backfill(on, Source.BACKFILL)
            # The backfill is committed, and so is all that was asked before it.
            recovered = learned.deals + link.learned.deals
            now = on.world.clock.now()
            await notice(live_at=now, recovered_at=now, recovered_deals=recovered)
            on.figures.recovered_deals += recovered
            on.figures.tell(Phase.LIVE)
            on.log.info("session.live", session=session_id, recovered_deals=recovered)
            await _prove(on, link)
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
    """Only once connected: a token asked for in vain is one of ten a minute (trap 12).  Attempts
    beyond a stale nonce are the supervisor's, who has the pauses that were agreed on."""
    token = await on.rest.ask(rest.websocket_token(), attempts=2)
    await link.ask(frames.authorize(token))


async def _markets(on: Listener) -> tuple[str, ...]:
    """The markets to listen to; all that are listed go into the record, for the names of assets."""
    page = await on.rest.ask(rest.markets())
    await on.hand_over(Source.QUERY, page.facts)
    listed = [fact.name for fact in page.facts if isinstance(fact, Market)]
    if not on.markets:
        return tuple(listed)
    for name in sorted(set(on.markets).difference(listed)):
        on.log.warning("market.unlisted", market=name)
    wanted = tuple(name for name in on.markets if name in listed)
    if not wanted:
        raise ExchangeAway("the exchange lists none of the configured markets")
    return wanted


async def _snapshot(on: Listener, link: Link, markets: tuple[str, ...]) -> None:
    """Ask for everything there is to ask for.  The answers are in the inbox afterwards."""
    for wallet, channel in _STREAMED.items():
        if wallet in on.wallets:
            await _read_balances(on, link, wallet, channel)
    if len(markets) > QUERY_MARKETS_MAX:
        return
    for market in markets:
        offset, total = 0, 1
        while offset < total:
            ask = frames.query_pending_orders(market, offset, QUERY_PAGE)
            page = await link.read(ask, _page(frames.orders_page))
            offset, total = offset + page.count, (page.total or 0) if page.count else 0
        executed = frames.query_executed_orders(market, EXECUTED_TYPES, 0, QUERY_PAGE)
        await link.read(executed, _page(frames.executed_orders_page))
        await link.read(frames.query_deals(market, 0, QUERY_PAGE), _page(frames.deals_page))


async def _read_balances(on: Listener, link: Link, wallet: Wallet, channel: str) -> None:
    """Read until no update came between question and answer: such a reading is what is now."""
    for _ in range(BALANCE_READINGS_MAX):
        before = link.updates[channel]
        await link.read(
            frames.query_balances(wallet),
            lambda reply, at: (None, frames.balances_result(reply.result, wallet, at)),
        )
        if link.updates[channel] == before:
            return
    on.log.debug("balance.unproven", wallet=wallet)


async def _subscribe(on: Listener, link: Link) -> None:
    """Subscribe to what needs no list, and await each confirmation.  Deals are those of all
    markets, whichever are configured: balances can't be explained by some of them."""
    for wallet in _STREAMED:
        if wallet in on.wallets:
            await link.ask(frames.subscribe_balances(wallet))
    await link.ask(frames.subscribe_deals())


async def _subscribe_orders(link: Link, markets: Sequence[str]) -> None:
    """Subscribe to the orders of these markets, as an empty list may mean none (trap 18)."""
    await link.ask(frames.subscribe_pending_orders(markets))
    await link.ask(frames.subscribe_executed_orders(markets))


async def _prove(on: Listener, link: Link) -> None:
    """While live, read the recent past again: a silently lost frame is found within one turn, and
    coverage advances with each."""
    while True:
        await _settle_balances(on, link)
        await trio.sleep(seconds(on.sweep))
        learned = await backfill(on, Source.SWEEP, until=on.now() - LAG)
        on.figures.swept += learned.deals
        if learned.deals:
            on.log.warning("sweep.found", deals=learned.deals)


async def _settle_balances(on: Listener, link: Link) -> None:
    """Read balances until a reading tells nothing new.

    A reading can catch a state that is gone again before the exchange tells it, and what is as it
    was when last told is not told (PROTOCOL § 10.2, 19).  So a reading that changed anything is not
    the last: the next comes when the exchange has had the time to tell.
    """
    for _ in range(BALANCE_READINGS_MAX):
        await on.commit(Source.QUERY, ())
        before = link.learned.balances
        for wallet, channel in _STREAMED.items():
            if wallet in on.wallets:
                await _read_balances(on, link, wallet, channel)
        # The inbox is first in, first out: when this is committed, so are the readings.
        await on.commit(Source.QUERY, ())
        if link.learned.balances == before:
            return
        await trio.sleep(seconds(BALANCE_INTERVAL))


def batched(names: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """The names in their order, at most so many at a time."""
    for start in range(0, len(names), most):
        yield names[start : start + most]


def _page(
    read: Callable[[bytes, int], Page],
) -> Callable[[frames.Reply, int], tuple[Page, tuple[Fact, ...]]]:
    def page(reply: frames.Reply, received_at: int) -> tuple[Page, tuple[Fact, ...]]:
        found = read(reply.result, received_at)
        return found, found.facts

    return page
