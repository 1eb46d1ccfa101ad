"""One pass over all that can be asked for: what `sync` does for an account.

No connection is opened and nothing is listened to.  It begins where the last proof ended, whoever
made it, and is a daemon's work in little: the next daemon, or the next pass, goes on from here.
"""

import trio

from reconciler.domain.moments import seconds
from reconciler.domain.words import Source, Wallet
from reconciler.feed.backfill import LAG, backfill
from reconciler.feed.doubts import READ_AGAIN_AFTER
from reconciler.feed.learned import Learned
from reconciler.feed.listener import Listener
from reconciler.feed.outages import tell_mended, tell_refused
from reconciler.feed.rest import CredentialsRefused
from reconciler.feed.timekeeping import measure
from reconciler.feed.wanted import Wanted
from reconciler.wire import rest

BALANCES = {
    Wallet.SPOT: rest.spot_balances,
    Wallet.MAIN: rest.main_balances,
    Wallet.COLLATERAL: rest.collateral_balances,
}
"""The call that reads a wallet."""


async def sync_once(on: Listener) -> Learned:
    """Returns what was not known; all of it is committed.

    Raises what `Rest.read` raises.
    """
    try:
        return await _sync(on)
    except CredentialsRefused as refused:
        await tell_refused(on, str(refused))
        raise


async def _sync(on: Listener) -> Learned:
    await measure(on)
    await Wanted(on).read()
    learned = await _pass(on)
    # The key is good, should anybody have heard that it is not.
    await tell_mended(on)
    if on.figures.doubts:
        # History may be late.  What it does not explain once it must know is a drift.
        on.log.info("balance.doubted", assets=on.figures.doubts)
        await trio.sleep(seconds(LAG + READ_AGAIN_AFTER))
        learned += await _pass(on)
    return learned


async def _pass(on: Listener) -> Learned:
    """Balances first, so that the histories tell all that led to them."""
    learned = Learned()
    for wallet, call in BALANCES.items():
        if wallet in on.wallets:
            answer = await on.rest.read(call())
            learned += await on.commit(Source.QUERY, answer.value, frames=(answer.frame,))
    return learned + await backfill(on, Source.BACKFILL)
