"""Retry or stop: decided here and nowhere else.

A session is one nursery, and any failure ends it whole.  An outage is waited out with growing
pauses, which are reset only after a session was live; refused credentials with a long one, and they
end the process only where no account is left; a bug ends the session like an outage does, but is
told and counted as a bug.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import trio

from reconciler.backoff import delays
from reconciler.causes import leaves
from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.domain.words import Phase
from reconciler.feed.figures import Figures
from reconciler.feed.link import RequestRefused
from reconciler.feed.listener import Listener
from reconciler.feed.outages import tell_refused
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.feed.session import reason, session
from reconciler.feed.websocket import LinkLost
from reconciler.wire.rest import Unintelligible

REFUSED_PAUSE = 5 * MINUTE
"""After credentials were refused: a key can be re-enabled, and asking more often can restrict it
(PROTOCOL § 9, traps 103 and 104)."""

_OUTAGES = (LinkLost, RequestRefused, ExchangeAway, CallRefused, Unintelligible)


@dataclass(frozen=True, slots=True)
class Retry:
    """Another session, after a pause that grows."""

    why: str
    bug: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Another session, after a long pause: only a person can help."""

    why: str


def decide(error: Exception) -> Retry | Refused:
    """What to do after a session that ended with `error`, groups included."""
    causes = list(leaves(error))
    for cause in causes:
        if isinstance(cause, CredentialsRefused):
            return Refused(reason(cause))
    bugs = [cause for cause in causes if not isinstance(cause, _OUTAGES)]
    return Retry(why=reason(bugs[0] if bugs else causes[0]), bug=bool(bugs))


async def supervise(on: Listener) -> None:
    """Keep the account listened to, for ever."""
    pause = 0.0
    pauses = _pauses(on)
    while True:
        lives = on.figures.lives
        try:
            await session(on)
        except Exception as error:
            if on.figures.lives > lives:
                pauses = _pauses(on)
            on.figures.tell(Phase.DOWN)
            match decide(error):
                case Refused(why):
                    await tell_refused(on, why)
                    pause = seconds(REFUSED_PAUSE)
                    on.figures.last_reason = why
                    on.log.error("auth.rejected", why=why, pause_s=pause, do=_remedy(on.account))
                    on.figures.tell(Phase.REFUSED)
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


async def until_all_are_refused(feeds: Collection[Figures]) -> None:
    """Wait until there is nothing to do in this process: each account's credentials are refused.

    Raises CredentialsRefused then.  Once any account has been live it never does, since what worked
    can work again; nor while one waits, or can't be reached.
    """
    while not all(feed.phase is Phase.REFUSED for feed in feeds):
        for feed in feeds:
            while feed.phase is not Phase.REFUSED:
                await feed.changed()
    if not any(feed.lives for feed in feeds):
        told = (f"account {feed.account}: {feed.last_reason}" for feed in feeds)
        raise CredentialsRefused("; ".join(told))


def _remedy(account: str) -> str:
    return (
        "look at the key at the exchange: its rights, its addresses, whether it expired; "
        f"or change accounts.{account}.api_key and api_secret and send SIGHUP"
    )


def _pauses(on: Listener) -> Iterator[float]:
    return delays(on.world.chance, first=seconds(on.backoff_min), most=seconds(on.backoff_max))
