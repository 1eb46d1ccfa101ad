"""Reads the balances of the wallets that have a stream, until each asset is proven.

A balance is what is now if it was read while no push told of its asset: then the asset is proven,
and every change after that is told.  The others are unproven, which is a legal state and no alarm;
they alone are read again, a bounded number of times.  The main wallet has no stream, so nothing
can be proven of it here: what is read of it and of its siblings at different moments is for the
reconciliation to compare (PROTOCOL § 9, trap 84).
"""

from collections.abc import Callable

import trio

from reconciler.domain.facts import Fact
from reconciler.domain.moments import SECOND, seconds
from reconciler.domain.words import Wallet
from reconciler.feed.link import Link
from reconciler.feed.listener import Listener
from reconciler.feed.sights import Reading
from reconciler.wire import frames

STREAMED = (Wallet.SPOT, Wallet.COLLATERAL)

READINGS_MAX = 5
INTERVAL = 2 * SECOND
"""The exchange tells changed balances once in 1 s (spot) or 1.5 s (collateral)."""

BALANCES = "balances"
"""Under which lost pushes are counted, beside the streams with a history."""

NAMES_MAX = 100
"""Assets in one question; a list of all of them is refused (PROTOCOL § 9, trap 17)."""


async def look(on: Listener, link: Link) -> None:
    """One reading of each wallet, to begin with: before a subscription it proves nothing."""
    for wallet in STREAMED:
        if wallet in on.wallets:
            await _read(link, wallet, frozenset())


async def prove(on: Listener, link: Link) -> None:
    """Read until each asset was read once with no push between question and answer."""
    await _repeat(on, link, lambda reading: reading.touched, pause=0)


async def settle(on: Listener, link: Link) -> None:
    """Read until a reading tells nothing new.

    A reading can catch a state that is gone again before the exchange tells it, and what is as it
    was when last told is not told (PROTOCOL § 10.2, 19).  So a reading that changed anything is not
    the last: the next comes when the exchange has had the time to tell.  What it has not told by
    then, its stream has lost, which is counted.
    """
    await _repeat(on, link, lambda reading: reading.touched | reading.news, pause=seconds(INTERVAL))


async def _repeat(
    on: Listener, link: Link, again: Callable[[Reading], frozenset[str]], pause: float
) -> None:
    """Read everything once, and then what is to be read again."""
    everything: frozenset[str] = frozenset()
    unproven = {wallet: everything for wallet in STREAMED if wallet in on.wallets}
    told: dict[Wallet, tuple[int, frozenset[str]]] = {}
    for turn in range(READINGS_MAX):
        if turn and pause:
            await trio.sleep(pause)
        for wallet, assets in list(unproven.items()):
            if pause and wallet in told:
                mark, news = told[wallet]
                on.figures.swept[BALANCES] += len(news - link.sights.touched(wallet, mark))
            mark = link.sights.mark
            reading = await _read(link, wallet, assets)
            told[wallet] = mark, reading.news
            left = again(reading)
            unproven[wallet] = left & assets if assets else left
            if not unproven[wallet]:
                del unproven[wallet]
        if not unproven:
            break
    on.figures.unproven = sum(map(len, unproven.values()))


async def _read(link: Link, wallet: Wallet, assets: frozenset[str]) -> Reading:
    """Read these assets, or all if none is named or too many are."""
    names = sorted(assets) if len(assets) <= NAMES_MAX else []
    mark = link.sights.mark

    def read(reply: frames.Reply, received_at: int) -> tuple[Reading, tuple[Fact, ...]]:
        facts = frames.balances_result(reply.result, wallet, received_at, complete=not names)
        return link.sights.compare(wallet, facts, mark), facts

    return await link.read(frames.query_balances(wallet, names), read)
