"""Feeds the service manager's watchdog, for as long as every loop gets on.

An event loop that does not turn feeds nothing; for the others `health.stuck` is asked.  Once
something is stuck the feeding stops, and the manager kills the process and starts it again: the
record is safe at every moment, so nothing is lost by it.
"""

import trio

from reconciler.clock import steady
from reconciler.domain.moments import SECOND, seconds
from reconciler.health import Running, stuck
from reconciler.log import Logger
from reconciler.service.notify import Manager

LOOK_EVERY = 10 * SECOND
"""Without a watchdog, or with a patient one."""

FEEDS_PER_PERIOD = 4
"""So a turn of the event loop may come late by three quarters of the period."""


async def keep_watch(running: Running, manager: Manager, log: Logger) -> None:
    """For ever: feed it, or say in the log why not."""
    period = LOOK_EVERY
    if manager.watchdog is not None:
        period = min(LOOK_EVERY, manager.watchdog // FEEDS_PER_PERIOD)
    told: tuple[str, ...] = ()
    while True:
        found = stuck(running, steady())
        if not found:
            manager.tell("WATCHDOG=1")
        elif found != told:
            log.error("daemon.stuck", loops=found, is_watched=manager.watchdog is not None)
        told = found
        await trio.sleep(seconds(period))
