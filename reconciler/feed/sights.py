"""What one connection was told of balances, in the order in which it was told.

A balance has no order of its own, so what a reading proves is judged here by what the connection
told between the question and the answer.  It keeps the last sight of each asset and nothing older;
what to read, and when, is `balances.py`'s to decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.facts import Balance, BalanceReport, Fact, Unreadable
from reconciler.domain.money import ZERO
from reconciler.domain.words import Wallet

Place = tuple[Wallet, str]
"""A wallet, and an asset in it."""

Amounts = tuple[Decimal, Decimal]
"""The two parts of a balance that are books; what collateral has available moves with prices."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer was worth, by assets."""

    touched: frozenset[str]
    """Told of by a push between question and answer: which of the two is newer, nobody can say."""
    news: frozenset[str]
    """Told otherwise than they were told last."""


class Sights:
    """Of one connection."""

    def __init__(self) -> None:
        self._told: dict[Place, Amounts] = {}
        self._pushed: dict[Place, int] = {}
        """The number of the last push that told of it."""
        self._pushes = 0
        self._unread = 0
        """The number of the last push that nobody could read."""

    @property
    def mark(self) -> int:
        """Which push was the last so far."""
        return self._pushes

    def hear(self, facts: Iterable[Fact]) -> None:
        """Facts of a push."""
        for fact in facts:
            if isinstance(fact, BalanceReport):
                self._pushes += 1
                for balance in fact.balances:
                    place = fact.wallet, balance.asset
                    self._told[place] = _amounts(fact.wallet, balance)
                    self._pushed[place] = self._pushes
            elif isinstance(fact, Unreadable):
                self._pushes += 1
                self._unread = self._pushes

    def compare(self, wallet: Wallet, facts: Iterable[Fact], since: int) -> Reading:
        """The worth of an answer to a question that was asked at the mark `since`."""
        news: set[str] = set()
        for fact in facts:
            if isinstance(fact, BalanceReport):
                news |= self._news(fact)
        return Reading(self.touched(wallet, since), frozenset(news))

    def touched(self, wallet: Wallet, since: int) -> frozenset[str]:
        """The assets that pushes after the mark `since` told of."""
        return frozenset(
            asset
            for (where, asset) in self._told
            # What can't be read may have told of any asset.
            if where is wallet and since < max(self._pushed.get((where, asset), 0), self._unread)
        )

    def _news(self, report: BalanceReport) -> set[str]:
        """The assets that the report tells otherwise; it is the last sight of them from now on."""
        seen = {b.asset: _amounts(report.wallet, b) for b in report.balances}
        if report.complete:
            for where, asset in self._told:
                if where is report.wallet:
                    seen.setdefault(asset, _NOTHING)
        news = set()
        for asset, amounts in seen.items():
            if self._told.get((report.wallet, asset), _NOTHING) != amounts:
                news.add(asset)
            self._told[report.wallet, asset] = amounts
        return news


_NOTHING = (ZERO, ZERO)


def _amounts(wallet: Wallet, balance: Balance) -> Amounts:
    if wallet is Wallet.COLLATERAL:
        return balance.total, balance.borrowed or ZERO
    return balance.available or ZERO, balance.frozen or ZERO
