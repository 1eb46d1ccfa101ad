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
}
"""Codes and fields of what the engine refuses; 30 and the word itself where nothing is said."""

_INNER = {
    "balance": (400, 10, "amount"),
    "order": (400, 2, "orderId"),
    "transfer": (422, 3, "amount"),
    "means": (422, 1, "amount"),
    "code": (422, 2, "code"),
    "quote": (422, 1, "quoteId"),
    "position": (422, 2, "positionId"),
    "sub_account": (422, 1, "id"),
    "unique_id": (422, 4, "uniqueId"),
}
"""What is answered with `Inner validation failed`: status, code and field."""


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


def refusal(error: Invalid | Refused) -> Refusal:
    """Of a parameter that is none, or of something that the engine won't do."""
    if isinstance(error, Invalid):
        errors = {error.field: [error.message]}
        return Refusal(status=422, code=30, message="Validation failed", errors=errors)
    if error.reason == "b2b":
        return Refusal(status=403, code=0, message=error.message)
    if error.reason in _INNER:
        status, code, name = _INNER[error.reason]
        message = "Inner validation failed"
    else:
        status, code, message = 422, _CODES.get(error.reason, 30), "Validation failed"
        name = _FIELDS.get(error.reason, error.reason)
    return Refusal(status=status, code=code, message=message, errors={name: [error.message]})
