"""One login at the exchange: its terms, its money, its orders and its past."""

import hashlib
from copy import copy
from dataclasses import dataclass, field, fields

from reconciler.simulator.history import History
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.papers import Papers
from reconciler.simulator.positions import Portfolio
from reconciler.simulator.records import (
    Fees,
    Freezing,
    Movement,
    Order,
    Status,
    Truth,
)
from reconciler.simulator.wallets import Wallets


@dataclass(slots=True, kw_only=True)
class Account:
    """What the engine keeps of an account.

    `records_cancels=False` makes it one of those (B2B) whose cancelled orders are in no history
    (PROTOCOL § 6.3); `unrecorded` remembers them for the truth's sake.
    """

    name: str
    fees: Fees
    records_cancels: bool = True
    freezing: Freezing = field(default_factory=Freezing)
    is_business: bool = False
    """Lending is shown to business accounts only."""
    master: str | None = None
    """Whose sub-account it is."""
    wallets: Wallets = field(default_factory=Wallets)
    open_orders: dict[int, LiveOrder] = field(default_factory=dict)
    history: History = field(default_factory=History)
    movements: list[Movement] = field(default_factory=list)
    unrecorded: list[Order] = field(default_factory=list)
    papers: Papers = field(default_factory=Papers)
    portfolio: Portfolio = field(default_factory=Portfolio)

    @property
    def sub_id(self) -> str:
        """What its master calls it."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))

    def address(self, asset: str) -> str:
        """Where deposits of the asset come in; always the same."""
        return hashlib.sha256(f"{self.name} {asset}".encode()).hexdigest()[:40]

    def finish(self, seen: Order) -> None:
        """The order left the book, or never got there; `seen` is its last state."""
        self.open_orders.pop(seen.order_id, None)
        if seen.status is not Status.FILLED and not self.records_cancels:
            self.unrecorded.append(seen)
        else:
            self.history.finish(seen)

    def truth(self) -> Truth:
        """All there is to know of the account, now."""
        orders = [*self.history.finished, *self.unrecorded]
        orders += [order.seen() for order in self.open_orders.values()]
        return Truth(
            deals=tuple(sorted(self.history.deals, key=lambda d: (d.deal_id, d.order_id))),
            orders=tuple(sorted(orders, key=lambda order: order.order_id)),
            movements=tuple(self.movements),
            balances=self.wallets.balances(),
            papers=_papers_now(self.papers),
            portfolio=_portfolio_now(self.portfolio),
        )


def _papers_now(papers: Papers) -> Papers:
    return Papers(**{part.name: copy(getattr(papers, part.name)) for part in fields(papers)})


def _portfolio_now(kept: Portfolio) -> Portfolio:
    return Portfolio(**{part.name: copy(getattr(kept, part.name)) for part in fields(kept)})
