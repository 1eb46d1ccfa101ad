"""What a REST call sees of its account when the fault plan has it look at something else: an older
state, a list that moved between two pages, a history that shrank or was restated.

Works on copies; the account itself and its truth stay as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from reconciler.simulator.accounts import Account
from reconciler.simulator.acts import Lag, Point, Restate, Shift, Shrink
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.history import History
from reconciler.simulator.numbers import times
from reconciler.simulator.records import Deal, Order

SECOND = 1_000_000


def seen(
    exchange: Exchange, account: Account, path: str, values: dict[str, Any]
) -> tuple[Account, dict[str, Any]]:
    """The account and the call's parameters, as the call shall see them."""
    match exchange.faults.at(Point.READ, account.name, path):
        case Lag(seconds):
            horizon = exchange.now() - int(seconds * SECOND)
            return _with_history(account, *_until(account.history, horizon)), values
        case Shift(rows) if isinstance(offset := values.get("offset"), int) and offset:
            return account, values | {"offset": max(0, offset - rows)}
        case Shrink(rows):
            deals, orders = account.history.deals[rows:], account.history.finished[rows:]
            return _with_history(account, deals, orders), values
        case Restate(rows, factor):
            deals = account.history.deals
            first = max(0, len(deals) - rows)
            restated = [replace(deal, fee=times(deal.fee, factor)) for deal in deals[first:]]
            deals = deals[:first] + restated
            return _with_history(account, deals, account.history.finished), values
        case _:
            return account, values


def _until(history: History, horizon: int) -> tuple[list[Deal], list[Order]]:
    return (
        [deal for deal in history.deals if deal.executed_at <= horizon],
        [order for order in history.finished if (order.finished_at or 0) <= horizon],
    )


def _with_history(account: Account, deals: Iterable[Deal], orders: Iterable[Order]) -> Account:
    history = History()
    _each(history.add_deal, deals)
    _each(history.finish, orders)
    return replace(account, history=history)


def _each(file: Callable[[Any], None], rows: Iterable[Any]) -> None:
    for row in rows:
        file(row)
