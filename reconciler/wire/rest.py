"""Each REST call that we make: where, with what, and what its answer says.

Ask `Call.failure` first whether an answer is a failure, then `Call.decode` for what it says.  All
calls only read.  They are declared in the `calls_*.py`, by what they are about.
"""

from typing import Any

from reconciler.wire import calls_history, calls_state, calls_trading
from reconciler.wire.call import BODY_BYTES_MAX, Call, Endpoint
from reconciler.wire.calls_history import (
    codes,
    conversions,
    fixed_lending,
    flexible_lending,
    funding,
    interest,
    mining,
    positions,
    sub_accounts,
    sub_transfers,
    transactions,
)
from reconciler.wire.calls_state import (
    assets,
    collateral_balances,
    collateral_totals,
    main_balances,
    markets,
    server_time,
    spot_balances,
    websocket_token,
)
from reconciler.wire.calls_trading import (
    active_order,
    active_orders,
    conditional_orders,
    deals_history,
    deals_of_order,
    delisted_orders,
    oco_orders,
    order_by_id,
    order_history,
)
from reconciler.wire.markets import Asset
from reconciler.wire.records import Page, Unintelligible
from reconciler.wire.refusals import Refused, RestError
from reconciler.wire.signing import Token

__all__ = [
    "BODY_BYTES_MAX",
    "ENDPOINTS",
    "Asset",
    "Call",
    "Page",
    "Refused",
    "RestError",
    "Token",
    "Unintelligible",
    "active_order",
    "active_orders",
    "assets",
    "codes",
    "collateral_balances",
    "collateral_totals",
    "conditional_orders",
    "conversions",
    "deals_history",
    "deals_of_order",
    "delisted_orders",
    "fixed_lending",
    "flexible_lending",
    "funding",
    "interest",
    "main_balances",
    "markets",
    "mining",
    "oco_orders",
    "order_by_id",
    "order_history",
    "positions",
    "server_time",
    "spot_balances",
    "sub_accounts",
    "sub_transfers",
    "transactions",
    "websocket_token",
]

ENDPOINTS: dict[str, Endpoint[Any]] = {
    endpoint.name: endpoint
    for room in (calls_state, calls_trading, calls_history)
    for endpoint in room.ENDPOINTS
}
"""Every one, by its name: what a kept answer names is among them."""
