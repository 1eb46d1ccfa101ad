"""One pass over all that can be asked for: what `sync` does for an account.

No connection is opened and nothing is listened to.  It begins where the last proof ended, whoever
made it, and is a daemon's work in little: the next daemon, or the next pass, goes on from here.
"""

from reconciler.domain.words import Source, Wallet
from reconciler.feed.backfill import backfill
from reconciler.feed.learned import Learned
from reconciler.feed.listener import Listener
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
    await measure(on)
    await Wanted(on).read()
    learned = Learned()
    # Balances come first, so that the histories tell all that led to them.
    for wallet, call in BALANCES.items():
        if wallet in on.wallets:
            answer = await on.rest.read(call())
            learned += await on.commit(Source.QUERY, answer.value, frames=(answer.frame,))
    return learned + await backfill(on, Source.BACKFILL)
