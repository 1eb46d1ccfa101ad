"""Deposits and withdrawals that may still change, however deep they lie in the history.

The exchange sorts them by their creation and never moves them (PROTOCOL § 9, trap 36): a deposit
that becomes a success after weeks of checks is nowhere near the top.  So they are looked for until
they are settled, one that hangs for long ever more seldom unless a balance is in doubt.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import partial

from reconciler.domain.facts import Fact
from reconciler.domain.words import TransactionKind
from reconciler.feed.pages import End, Listing, read_on
from reconciler.feed.reader import Reader
from reconciler.feed.rows import key_of, keys_of
from reconciler.wire import rest

PATIENCE = 100
"""A transaction is asked for again after a hundredth of its age: one of an hour in 36 s, one of
three weeks in five hours."""


async def look_up_unsettled(reader: Reader, created_before: int) -> None:
    """Those that were created before what the pass has read anyway."""
    on = reader.on
    unsettled = {
        key_of(transaction): transaction for transaction in await on.past.unsettled(on.account)
    }
    now = on.world.clock.now()
    looked_up = on.recall.looked_up
    for gone in looked_up.keys() - unsettled.keys():
        del looked_up[gone]
    wanted: dict[tuple[TransactionKind, str], set[Hashable]] = defaultdict(set)
    for key, transaction in unsettled.items():
        age = now - transaction.created_at
        is_due = now - looked_up.get(key, 0) >= age // PATIENCE or on.figures.doubts > 0
        if is_due and transaction.created_at < created_before:
            wanted[transaction.kind, transaction.asset].add(key)
    for (kind, asset), keys in sorted(wanted.items()):
        await _find(reader, kind, asset, keys.copy())
        looked_up |= dict.fromkeys(keys, now)


async def _find(reader: Reader, kind: TransactionKind, asset: str, keys: set[Hashable]) -> None:
    """Reads on until all are seen, striking them out.  Not filtered by status: rows would leave the
    list (trap 24)."""

    def is_enough(facts: Sequence[Fact]) -> bool:
        keys.difference_update(keys_of(facts))
        return not keys

    listing = Listing(
        name="transactions",
        rows=500,
        page=partial(rest.transactions, kind, ticker=asset),
    )
    end = await read_on(reader, listing, is_enough=is_enough)
    if end is not End.ENOUGH:
        reader.on.log.info("transaction.unaccounted", kind=kind, asset=asset, count=len(keys))
