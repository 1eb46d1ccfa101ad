"""Tells the service manager when the daemon is ready, and in one line what it does.

Ready is the first account that is live.  An exchange that is away, a long history or another
process that holds the accounts must not hold up a machine's boot, so after a while the daemon is
ready all the same, and its line says what it waits for.
"""

from collections.abc import Awaitable, Callable

import trio

from reconciler.domain.moments import SECOND, iso, seconds
from reconciler.domain.words import Phase
from reconciler.health import Running, degraded
from reconciler.service.notify import Manager, status
from reconciler.store.engine import DatabaseAway
from reconciler.store.standing import Standing

DEGRADED_AFTER = 30 * SECOND
"""From the start.  A session is live within seconds where there is little to read."""

TELL_EVERY = 5 * SECOND
LOOK_EVERY = SECOND // 5

Ask = Callable[[], Awaitable[Standing]]
"""Asks the record; raises DatabaseAway."""


async def tell_state(running: Running, manager: Manager, ask: Ask) -> None:
    """For ever, if anybody listens."""
    if not manager.address:
        return
    with trio.move_on_after(seconds(DEGRADED_AFTER)):
        await _until_any_is_live(running, manager)
    # It says nothing when it has room again.
    while not manager.tell("READY=1", status(describe(running, None))):  # noqa: ASYNC110
        await trio.sleep(seconds(LOOK_EVERY))
    while True:
        manager.tell(status(await _line(running, ask)))
        await trio.sleep(seconds(TELL_EVERY))


async def _until_any_is_live(running: Running, manager: Manager) -> None:
    while not any(feed.phase is Phase.LIVE for feed in running.feeds.values()):
        manager.tell(status("starting: " + describe(running, None)))
        await trio.sleep(seconds(LOOK_EVERY))


async def _line(running: Running, ask: Ask) -> str:
    try:
        return describe(running, await ask())
    except DatabaseAway:
        return describe(running, None)


def describe(running: Running, standing: Standing | None) -> str:
    """What the daemon does, the most important first, in a line."""
    live = sum(feed.phase is Phase.LIVE for feed in running.feeds.values())
    of = "" if live == len(running.feeds) else f" of {len(running.feeds)}"
    parts = [f"{live}{of} {_plural('account', len(running.feeds))} live"]
    if standing is not None:
        if standing.proven_until is not None:
            parts.append(f"proven until {iso(standing.proven_until)[:19]}Z")
        parts.append(f"{standing.open_drifts} {_plural('drift', standing.open_drifts)}")
    return "; ".join((", ".join(parts), *degraded(running)))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
