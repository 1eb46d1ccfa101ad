"""How the exchange words a refusal over REST: status, code, message and the field at fault.

Both error envelopes are those of PROTOCOL § 1.7; codes are those of http-trade-v4.yaml and
main_api_v4.yaml, and differ from one family of calls to the next.
"""

from dataclasses import dataclass, field
from typing import Any

from reconciler.simulator.asked import Invalid
from reconciler.simulator.rules import Refused

_CODES = {"market": 31, "amount": 32, "price": 33, "client_order_id": 36, "ioc": 37}
_FIELDS = {
    "client_order_id": "clientOrderId",
    "post_only": "postOnly",
    "liquidity": "market",
    "reduce_only": "reduceOnly",
    "stop_loss": "stopLoss",
    "take_profit": "takeProfit",
}
"""Codes and fields of what the engine refuses; 30 and the word itself where nothing is said."""

_INNER = {
    "balance": (400, 10, "amount"),
    "order": (400, 2, "orderId"),
    "conditional": (400, 2, "id"),
    "oto": (400, 2, "otoId"),
    "transfer": (422, 3, "amount"),
    "main_balance": (422, 5, "amount"),
}
"""What is answered with `Inner validation failed`: status, code and field."""

_SPECIAL = {
    "unique_id": (400, 0, "uniqueId"),
    "code": (400, 0, "code"),
    "conversion_size": (422, 0, "amount"),
    "conversion_market": (422, 0, "from"),
    "conversion_means": (400, 37, "amount"),
    "quote": (422, 0, "quoteId"),
    "quote_age": (400, 20, "quoteId"),
}
"""What is answered with `Validation failed`, but not with 422 and the code of its field."""

_PLAIN = ("/api/v4/main-account/", "/api/v4/sub-account/", "/api/v4/mining/")
"""Families of calls that answer a bad parameter with 400 and code 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status, and what the envelope says."""

    status: int
    code: int
    message: str
    errors: dict[str, list[str]] = field(default_factory=dict)

    def envelope(self) -> dict[str, Any]:
        """As it is printed; the throttle's has no errors."""
        envelope: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.message != "Too Many Attempts.":
            envelope["errors"] = self.errors
        return envelope


def refusal(error: Invalid | Refused, path: str = "") -> Refusal:
    """Of a parameter that is none, or of something that the engine won't do, on the call `path`."""
    if isinstance(error, Invalid):
        status, code = (400, 0) if path.startswith(_PLAIN) else (422, 30)
        return _invalid(status, code, error.field, error.message)
    if error.reason == "business":
        return Refusal(status=403, code=0, message=error.message)
    if error.reason in _INNER:
        status, code, name = _INNER[error.reason]
        errors = {name: [error.message]}
        return Refusal(status=status, code=code, message="Inner validation failed", errors=errors)
    if error.reason in _SPECIAL:
        return _invalid(*_SPECIAL[error.reason], error.message)
    name = _FIELDS.get(error.reason, error.reason)
    return _invalid(422, _CODES.get(error.reason, 30), name, error.message)


def _invalid(status: int, code: int, name: str, message: str) -> Refusal:
    errors = {name: [message]}
    return Refusal(status=status, code=code, message="Validation failed", errors=errors)
