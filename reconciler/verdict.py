"""The record against the truth: does the database hold exactly what happened on the exchange?

Only a simulated exchange can be asked for its truth.  The demo and the tests end with this
comparison; it knows both sides and is used by neither.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from reconciler.domain.facts import Deal, Order
from reconciler.domain.money import ZERO, canonical, truncated
from reconciler.domain.words import Wallet
from reconciler.simulator import records as exchange
from reconciler.store.reads import KnownBalance, Reads

SHOWN_DECIMALS = 8
"""The exchange cuts each part of a balance there before it shows it."""

Row = Mapping[str, object]
K = TypeVar("K", bound=tuple[object, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was compared, and where the two differ."""

    deals: int
    orders: int
    balances: int
    differences: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        counts = f"{self.deals:,} deals, {self.orders:,} orders, {self.balances} balances"
        if self.is_equal:
            return f"database equals exchange: {counts}"
        return f"database differs from exchange in {len(self.differences)} of {counts}"


def compare(reads: Reads, account: str, truth: exchange.Truth) -> Verdict:
    """Row by row, value by value.  Blocks: it reads the whole record of the account."""
    deals = {(deal.order_id, deal.deal_id): _deal(deal) for deal in reads.deals(account)}
    orders = {(order.order_id,): _order(order) for order in reads.orders(account)}
    balances = {
        (str(known.wallet), known.balance.asset): _balance(known)
        for known in reads.balances(account)
    }
    true_deals = {(deal.order_id, deal.deal_id): _deal(deal) for deal in truth.deals}
    true_orders = {(order.order_id,): _true_order(order) for order in truth.orders}
    true_balances = {
        (str(wallet), asset): _true_balance(wallet, balance)
        for (wallet, asset), balance in truth.balances.items()
    }
    return Verdict(
        deals=len(true_deals),
        orders=len(true_orders),
        balances=len(true_balances),
        differences=(
            *_differences("deal", deals, true_deals),
            *_differences("order", orders, true_orders),
            *_differences("balance", _nonzero(balances), _nonzero(true_balances)),
        ),
    )


def _differences(what: str, record: Mapping[K, Row], truth: Mapping[K, Row]) -> Iterable[str]:
    for key in sorted(record.keys() | truth.keys(), key=str):
        name = f"{what} {' '.join(map(str, key))}"
        if key not in record:
            yield f"{name}: missing in the database"
        elif key not in truth:
            yield f"{name}: unknown to the exchange"
        else:
            known, true = record[key], truth[key]
            for field in true:
                if known[field] != true[field]:
                    yield f"{name}: {field} is {known[field]}, should be {true[field]}"


def _deal(deal: Deal | exchange.Deal) -> Row:
    return {
        "market": deal.market,
        "side": deal.side,
        "role": deal.role,
        "price": _text(deal.price),
        "amount": _text(deal.amount),
        "total": _text(deal.total),
        "fee": _text(deal.fee),
        "fee_asset": deal.fee_asset,
        "client_order_id": deal.client_order_id or None,
        "executed_at": deal.executed_at,
    }


def _order(order: Order) -> Row:
    return {
        "market": order.market,
        "side": order.side,
        "type": order.type,
        "status": order.status,
        "final": order.final,
        "price": _text(order.price),
        "amount": _text(order.amount),
        "filled_amount": _text(order.filled_amount),
        "filled_total": _text(order.filled_total),
        "fee": _text(order.fee),
        "client_order_id": order.client_order_id,
        "created_at": order.created_at,
        "finished_at": (order.finished_at or order.updated_at) if order.final else None,
    }


def _true_order(order: exchange.Order) -> Row:
    return {
        "market": order.market,
        "side": order.side,
        "type": order.kind,
        "status": order.status,
        "final": order.finished_at is not None,
        "price": _text(order.price),
        "amount": _text(order.amount),
        "filled_amount": _text(order.filled_amount),
        "filled_total": _text(order.filled_total),
        "fee": _text(order.fee),
        "client_order_id": order.client_order_id or None,
        "created_at": order.created_at,
        "finished_at": order.finished_at,
    }


def _balance(known: KnownBalance) -> Row:
    balance = known.balance
    frozen = balance.frozen or ZERO
    # What collateral has available depends on positions and prices; what is there does not.
    is_owned = balance.available is None or known.wallet is Wallet.COLLATERAL
    available = balance.total if is_owned else balance.available
    return {"available": _text(available), "frozen": _text(frozen)}


def _true_balance(wallet: exchange.Wallet, balance: exchange.Balance) -> Row:
    return {
        "available": _text(truncated(balance.available, SHOWN_DECIMALS)),
        "frozen": _text(truncated(balance.frozen, SHOWN_DECIMALS)),
    }


def _nonzero(rows: Mapping[K, Row]) -> dict[K, Row]:
    """A balance of nothing may or may not have been reported."""
    return {key: row for key, row in rows.items() if set(row.values()) != {"0"}}


def _text(number: Decimal | None) -> str | None:
    return None if number is None else canonical(number)
