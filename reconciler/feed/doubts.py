"""What the writer doubts of an account's balances, and when: the feed looks again when it does.

A reported balance that nothing explains is most often a deal that is a moment late, or one half of
a transfer between own wallets, of which the exchange keeps no record.  Reading all wallets again
tells the other half, and an early sweep the deal; what they don't explain is a drift, which is not
decided here.
"""

import trio

from reconciler.domain.moments import SECOND, seconds
from reconciler.domain.words import Source, Wallet
from reconciler.feed import balances
from reconciler.feed.link import Link
from reconciler.feed.listener import Listener
from reconciler.wire import rest

LOOK_AGAIN_EVERY = 2 * SECOND
"""As often as the exchange tells changed balances anyway."""

READ_AGAIN_AFTER = 3 * SECOND
"""A sweep proves what is older than its lag; it begins so much later, to prove the moment of the
doubt as well, however the two clocks stand."""


async def look_again(on: Listener, link: Link) -> None:
    """Reads every wallet as a whole, one right after the other: a transfer that happens between two
    readings is seen at the next."""
    if Wallet.MAIN in on.wallets:
        answer = await on.rest.read(rest.main_balances())
        await on.hand_over(Source.QUERY, answer.value, frames=(answer.frame,))
    await balances.look(on, link)


async def watch(on: Listener, link: Link, *, until_sweep: float, lag: float) -> None:
    """Return when it is time to sweep: after `until_sweep` seconds, or earlier if a doubt does not
    end by looking again.

    Raises what `Rest.read` and `Link.read` raise.
    """
    regular = trio.current_time() + until_sweep
    with trio.move_on_at(regular) as waiting:
        while True:
            await on.figures.until_doubtful()
            waiting.deadline = min(regular, trio.current_time() + lag)
            while on.figures.doubts:
                await look_again(on, link)
                await trio.sleep(seconds(LOOK_AGAIN_EVERY))
            waiting.deadline = regular
