"""What people hear of an account that is not listened to: that it is down, once that lasts, and
that its key is refused.

That it is live again needs no notice of a session that says so in the record anyway.  A cut that
heals within seconds is the supervisor's business, and the log's.
"""

import trio

from reconciler.domain.events import Event
from reconciler.domain.facts import FeedNotice
from reconciler.domain.moments import SECOND, seconds
from reconciler.domain.words import Phase, Source
from reconciler.feed.listener import Listener

DOWN_AFTER = 30 * SECOND
"""Time without a subscription.  A first backfill of hours is no outage; sessions that come and go
without ever being live add up to one."""

REFUSED_SECONDS_MAX = 5
"""A database that is away must not keep a daemon from leaving."""

REASON_CHARS_MAX = 300


async def tell_outages(on: Listener) -> None:
    """Tells, for ever, when the account has been down for a while."""
    while True:
        since = on.world.clock.now()
        if await _stays_down(on):
            await on.commit(Source.STREAM, (_notice(Event.FEED_DOWN, since, _why(on)),))
        await on.figures.until_live()
        while on.figures.phase is Phase.LIVE:
            await on.figures.changed()


async def tell_refused(on: Listener, why: str) -> None:
    """Tells that the account's key is refused; on record when it returns, if it can be."""
    with trio.move_on_after(REFUSED_SECONDS_MAX):
        notice = _notice(Event.AUTH_REJECTED, on.world.clock.now(), why)
        await on.commit(Source.STREAM, (notice,))


async def tell_mended(on: Listener) -> None:
    """Tells that the account is listened to, where no session does."""
    now = on.world.clock.now()
    await on.commit(Source.STREAM, (_notice(Event.FEED_RECOVERED, now, ""),))


async def _stays_down(on: Listener) -> bool:
    """Whether the account is not heard of for so long; False as soon as it is live."""
    left = seconds(DOWN_AFTER)
    while on.figures.phase is not Phase.LIVE:
        is_heard = on.figures.phase is Phase.SUBSCRIBED
        began = trio.current_time()
        with trio.move_on_after(float("inf") if is_heard else left) as patience:
            await on.figures.changed()
        if patience.cancelled_caught:
            return True
        if not is_heard:
            left -= trio.current_time() - began
    return False


def _notice(event: Event, since: int, why: str) -> FeedNotice:
    return FeedNotice(event=event, since=since, reason=why[:REASON_CHARS_MAX])


def _why(on: Listener) -> str:
    return on.figures.last_reason or "no connection since the start"
