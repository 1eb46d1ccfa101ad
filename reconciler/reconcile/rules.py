"""How balances are to be judged, as it was configured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.domain.moments import SECOND
from reconciler.domain.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`settle` in microseconds."""

    settle: int = 5 * SECOND
    display_decimals: int = 8
    tolerance: Decimal = ZERO
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)
    """By asset."""

    def tolerance_of(self, asset: str) -> Decimal:
        return self.tolerances.get(asset, self.tolerance)
