"""Keeps the exchange's clock measured: coverage and nonces are told in its time.

How an answer narrows down what is known of it is `exchange_clock.py`'s; here is only when to ask.
A measurement that fails is told and ends nothing, as the last one goes on being good.
"""

import trio

from reconciler.domain.facts import ClockNotice
from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.domain.words import Source
from reconciler.feed.listener import Listener
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway

INTERVAL = 10 * MINUTE
SAMPLES = 4
"""Each halves what is not known of a second."""


async def keep_time(on: Listener) -> None:
    """Measure it now and again, for ever."""
    while True:
        await measure(on, samples=SAMPLES)
        await trio.sleep(seconds(INTERVAL))


async def measure(on: Listener, *, samples: int = 1) -> None:
    """Measure it, as well as that is possible now."""
    try:
        await on.rest.calibrate(samples=samples)
    except (ExchangeAway, CallRefused, CredentialsRefused) as error:
        on.log.warning("clock.unmeasured", why=str(error))
    else:
        notice = ClockNotice(
            offset=on.rest.exchange.offset, uncertainty=on.rest.exchange.uncertainty or SECOND
        )
        await on.hand_over(Source.QUERY, (notice,))
