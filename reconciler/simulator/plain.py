"""The engine's records in plain JSON, for drivers and files: amounts as text, times in µs.

Unlike `dialect` this is our own spelling, and it hides nothing.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import text


def plain(value: Any) -> Any:
    """A record, or what is made of records, ready for JSON."""
    if isinstance(value, Decimal):
        return text(value)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def truth(exchange: Exchange, account: str) -> Any:
    """All there is to know of an account, ready for JSON; balances by wallet and asset."""
    known = exchange.truth(account)
    said = {
        field.name: plain(getattr(known, field.name))
        for field in fields(known)
        if field.name != "balances"
    }
    balances: dict[str, dict[str, Any]] = {}
    for (wallet, asset), balance in known.balances.items():
        balances.setdefault(wallet, {})[asset] = plain(balance)
    return said | {"balances": balances}
