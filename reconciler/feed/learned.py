"""What a pass, or a connection's answers, told that was not known before."""

from dataclasses import dataclass

from reconciler.inbox import Applied


@dataclass(frozen=True, slots=True)
class Learned:
    """Counts of rows that were new or changed, of what is committed."""

    deals: int = 0
    orders: int = 0
    balances: int = 0
    transactions: int = 0
    movements: int = 0

    def __add__(self, more: "Applied | Learned") -> "Learned":
        return Learned(
            self.deals + more.deals,
            self.orders + more.orders,
            self.balances + more.balances,
            self.transactions + more.transactions,
            self.movements + more.movements,
        )
