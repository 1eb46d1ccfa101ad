"""Retry or stop: decided here and nowhere else.

A session is one nursery, and any failure ends it whole.  An outage is waited out with growing
pauses, which are reset only after a session was live; refused credentials stop the account; a bug
ends the session like an outage does, but is told and counted as a bug.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import trio

from reconciler.backoff import delays
from reconciler.causes import leaves
from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.domain.words import Phase
from reconciler.feed.link import RequestRefused
from reconciler.feed.listener import Listener
from reconciler.feed.outages import tell_refused
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.feed.session import reason, session
from reconciler.feed.websocket import LinkLost
from reconciler.wire.rest import Unintelligible

REFUSED_PAUSE = 5 * MINUTE
"""After credentials that once worked were refused: a key can be re-enabled, and asking more often
can restrict it (PROTOCOL § 9, traps 103 and 104)."""

_OUTAGES = (LinkLost, RequestRefused, ExchangeAway, CallRefused, Unintelligible)


@dataclass(frozen=True, slots=True)
class Retry:
    """Another session, after a pause."""

    why: str
    bug: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """No other session can help."""

    cause: CredentialsRefused


def decide(error: Exception) -> Retry | Stop:
    """What to do after a session that ended with `error`, groups included."""
    causes = list(leaves(error))
    for cause in causes:
        if isinstance(cause, CredentialsRefused):
            return Stop(cause)
    bugs = [cause for cause in causes if not isinstance(cause, _OUTAGES)]
    return Retry(why=reason(bugs[0] if bugs else causes[0]), bug=bool(bugs))


async def supervise(on: Listener) -> None:
    """Keep the account listened to, for ever.

    Raises CredentialsRefused if no session of this account has ever been live.
    """
    once_live = False
    pause = 0.0
    pauses = _pauses(on)
    while True:
        lives = on.figures.lives
        try:
            await session(on)
        except Exception as error:
            if on.figures.lives > lives:
                once_live, pauses = True, _pauses(on)
            on.figures.tell(Phase.DOWN)
            match decide(error):
                case Stop(cause):
                    await tell_refused(on, str(cause))
                    if not once_live:
                        raise cause from None
                    pause = seconds(REFUSED_PAUSE)
                    on.figures.last_reason = str(cause)
                    on.log.error("auth.rejected", why=str(cause), pause_s=pause)
                case Retry(why, bug):
                    pause = next(pauses)
                    on.figures.last_reason = why
                    if bug:
                        on.figures.bugs += 1
                        on.log.exception("session.bug", why=why, pause_s=round(pause, 3))
                    else:
                        on.log.warning("feed.down", why=why, pause_s=round(pause, 3))
        on.figures.move(round(pause * SECOND))
        await trio.sleep(pause)


def _pauses(on: Listener) -> Iterator[float]:
    return delays(on.world.chance, first=seconds(on.backoff_min), most=seconds(on.backoff_max))
