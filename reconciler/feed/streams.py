"""Every history that the exchange keeps of an account, and how each can be asked for.

The table says what PROTOCOL § 5.1 says, and nothing else: how slices and lists are read is not
decided here.  Orders stand first, as a deal does not tell which wallet it moved, and then deals, as
the rest is of no use without them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.domain.facts import BalanceReport
from reconciler.domain.moments import DAY, SECOND
from reconciler.domain.words import TransactionKind
from reconciler.feed.listener import Listener
from reconciler.feed.pages import Listing
from reconciler.feed.slices import Windowed
from reconciler.wire import rest

DEALS = "deals"
ORDERS = "orders"
TRANSACTIONS = "transactions"

LAG = 10 * SECOND
"""History is written in batches after the push (PROTOCOL § 9, trap 37), so a pass proves nothing
about the last seconds before it; the next one reads them again."""

MINING_LAG = 7 * DAY
"""A reward is listed under the day that it was earned on, and paid later."""

SUB_ACCOUNTS_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One history, by windows of time or as lists."""

    name: str
    windowed: Windowed | None = None
    listings: Callable[[Listener], Awaitable[Sequence[Listing]]] | None = None
    is_limited: bool = False
    """Whether it ends six months ago."""
    lag: int = LAG
    """How long it may take until a row is listed."""
    is_guarded: bool = True
    """Whether a key may do without it."""


async def _transactions(_: Listener) -> Sequence[Listing]:
    return [_transactions_of(kind) for kind in TransactionKind]


def _transactions_of(kind: TransactionKind, ticker: str | None = None) -> Listing:
    return Listing(
        name="transactions",
        rows=500,
        page=partial(rest.transactions, kind, ticker=ticker),
        parts=partial(_by_asset, kind) if ticker is None else None,
    )


async def _by_asset(kind: TransactionKind, on: Listener) -> Sequence[Listing]:
    """One list for each asset that the exchange knows; some are in only one of its two lists."""
    assets = {asset.ticker for asset in await on.rest.ask(rest.assets())}
    for report in await on.rest.ask(rest.main_balances()):
        if isinstance(report, BalanceReport):
            assets.update(balance.asset for balance in report.balances)
    return [_transactions_of(kind, asset) for asset in sorted(assets)]


async def _codes(_: Listener) -> Sequence[Listing]:
    return [Listing(name="codes", rows=100, page=rest.codes)]


async def _sub_transfers(on: Listener) -> Sequence[Listing]:
    """A list for each sub-account; who has none has none."""
    ids: dict[str, None] = {}
    offset = 0
    while found := await on.rest.ask(rest.sub_accounts(offset, SUB_ACCOUNTS_PAGE)):
        ids |= dict.fromkeys(found)
        offset += len(found)
    return [
        Listing(name="sub_transfers", rows=100, page=partial(rest.sub_transfers, id_))
        for id_ in ids
    ]


async def _lending(_: Listener) -> Sequence[Listing]:
    return [
        # An investment that is closed changes the row of its opening.
        Listing(name="fixed_lending", rows=100, page=rest.fixed_lending, to_the_end=True),
        Listing(name="flexible_lending", rows=100, page=partial(rest.flexible_lending, None, None)),
    ]


async def _interest(_: Listener) -> Sequence[Listing]:
    return [Listing(name="interest", rows=100, page=rest.interest)]


async def _mining(on: Listener) -> Sequence[Listing]:
    since_s = (on.since - MINING_LAG) // SECOND
    return [Listing(name="mining", rows=100, page=partial(rest.mining, since_s, None))]


async def _funding(_: Listener) -> Sequence[Listing]:
    return [Listing(name="funding", rows=100, page=rest.funding)]


def _by_window(
    name: str, call: Callable[[int, int | None, int, int], rest.Call[rest.Page]], rows: int
) -> Windowed:
    return Windowed(name=name, rows=rows, call=call)


STREAMS = (
    Stream(
        name=ORDERS,
        windowed=_by_window("order_history", rest.order_history, 500),
        is_limited=True,
        is_guarded=False,
    ),
    Stream(
        name=DEALS,
        windowed=_by_window("deals_history", rest.deals_history, 500),
        is_limited=True,
        is_guarded=False,
    ),
    Stream(name=TRANSACTIONS, listings=_transactions),
    Stream(
        name="conversions",
        windowed=_by_window("conversions", rest.conversions, 100),
        is_limited=True,
    ),
    Stream(name="codes", listings=_codes),
    Stream(name="sub_transfers", listings=_sub_transfers),
    Stream(name="positions", windowed=_by_window("positions", rest.positions, 100)),
    Stream(name="funding", listings=_funding),
    Stream(name="delisting", windowed=_by_window("delisted_orders", rest.delisted_orders, 500)),
    Stream(name="lending", listings=_lending),
    Stream(name="interest", listings=_interest),
    Stream(name="mining", listings=_mining, lag=MINING_LAG),
)
