"""What a call about the past sees of its account when the exchange writes late, or when the fault
plan has it look at something else: an older state, a list that moved between two pages, a past that
shrank or was restated.

The account itself and its truth stay as they are; what the call gets shares their rows.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

from reconciler.simulator.accounts import Account
from reconciler.simulator.acts import Lag, Point, Restate, Shift, Shrink
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.history import Sight

SECOND = 1_000_000

HISTORIES = frozenset(
    f"/api/v4/{path}"
    for path in (
        "trade-account/order",
        "trade-account/order/history",
        "trade-account/order/history/query",
        "trade-account/executed-history",
        "main-account/history",
        "main-account/codes/my",
        "main-account/codes/history",
        "main-account/smart/investments",
        "main-account/smart/interest-payment-history",
        "main-account/smart-flex/investments",
        "main-account/smart-flex/investments/history",
        "main-account/smart-flex/investments/payment-history",
        "convert/history",
        "sub-account/transfer/history",
        "mining/rewards",
        "collateral-account/funding-history",
        "collateral-account/positions/history",
        "collateral-account/positions/closed-pnl",
    )
)
"""The calls that ask for what was; others ask for what is."""

_PAPERS: Mapping[str, Callable[[Any], int]] = {
    "transactions": attrgetter("created_at"),
    "code_uses": attrgetter("used_at"),
    "conversions": attrgetter("converted_at"),
    "sub_transfers": attrgetter("moved_at"),
    "investments": attrgetter("created_at"),
    "lending": attrgetter("created_at"),
    "mining": attrgetter("earned_at"),
    "delisted": attrgetter("finished_at"),
}
_POSITIONS: Mapping[str, Callable[[Any], int]] = {
    "closed": attrgetter("modified_at"),
    "changes": attrgetter("position.modified_at"),
    "fundings": attrgetter("paid_at"),
}
"""The other lists, each in the order of this moment.  A transaction's status is always the present
one, as only its creation is known."""


def seen(
    exchange: Exchange, account: Account, path: str, values: dict[str, Any]
) -> tuple[Account, dict[str, Any]]:
    """The account and the call's parameters, as the call shall see them."""
    act = exchange.faults.at(Point.READ, account.name, path)
    if path not in HISTORIES and not isinstance(act, Shift):
        return account, values
    lag_s = exchange.histories.lag_s
    sight = Sight()
    match act:
        case Lag(seconds):
            lag_s = max(lag_s, seconds)
        case Shift(rows) if isinstance(offset := values.get("offset"), int) and offset:
            values = values | {"offset": max(0, offset - rows)}
        case Shrink(rows):
            sight = Sight(gone=rows)
        case Restate(rows, factor):
            sight = Sight(restated=rows, factor=factor)
    if lag_s:
        sight = replace(sight, horizon=exchange.now() - int(lag_s * SECOND))
    return (account if sight == Sight() else _through(account, sight)), values


def _through(account: Account, sight: Sight) -> Account:
    return replace(
        account,
        history=account.history.through(sight),
        papers=replace(account.papers, **_shown(account.papers, _PAPERS, sight)),
        portfolio=replace(account.portfolio, **_shown(account.portfolio, _POSITIONS, sight)),
    )


def _shown(kept: Any, moments: Mapping[str, Callable[[Any], int]], sight: Sight) -> dict[str, Any]:
    return {name: _rows(getattr(kept, name), moment, sight) for name, moment in moments.items()}


def _rows(rows: Any, moment: Callable[[Any], int], sight: Sight) -> Any:
    """Of a list, or of a map by id, in the order of time."""
    if isinstance(rows, dict):
        return dict(_rows(list(rows.items()), lambda item: moment(item[1]), sight))
    until = len(rows)
    if sight.horizon is not None:
        until = bisect_right(rows, sight.horizon, key=moment)
    return rows[sight.gone : until]
