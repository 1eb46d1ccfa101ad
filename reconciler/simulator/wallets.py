"""The three wallets of one account: who may spend what, and what open orders have frozen.

Every change keeps both parts of every balance at or above zero; the engine checks before it moves,
so a negative balance here is a bug and fails an assertion.
"""

from decimal import Decimal

from reconciler.simulator.numbers import ZERO, minus, negative, plus
from reconciler.simulator.records import Balance, Wallet


class Wallets:
    """The balances of one account, exact."""

    def __init__(self) -> None:
        self._available: dict[tuple[Wallet, str], Decimal] = {}
        self._frozen: dict[str, Decimal] = {}

    def available(self, wallet: Wallet, asset: str) -> Decimal:
        """What can be spent or moved."""
        return self._available.get((wallet, asset), ZERO)

    def frozen(self, asset: str) -> Decimal:
        """What open spot orders hold."""
        return self._frozen.get(asset, ZERO)

    def balance(self, wallet: Wallet, asset: str) -> Balance:
        """Both parts."""
        frozen = self.frozen(asset) if wallet is Wallet.SPOT else ZERO
        return Balance(available=self.available(wallet, asset), frozen=frozen)

    def change(self, wallet: Wallet, asset: str, amount: Decimal) -> None:
        """Adds to what is available, or takes from it."""
        left = plus(self.available(wallet, asset), amount)
        assert left >= 0, f"{wallet} {asset} would fall to {left}"
        self._available[wallet, asset] = left

    def freeze(self, asset: str, amount: Decimal) -> None:
        """For an order that goes on the book."""
        self.change(Wallet.SPOT, asset, negative(amount))
        self._frozen[asset] = plus(self.frozen(asset), amount)

    def thaw(self, asset: str, amount: Decimal) -> None:
        """For an order that leaves the book unfilled."""
        self.spend_frozen(asset, amount)
        self.change(Wallet.SPOT, asset, amount)

    def spend_frozen(self, asset: str, amount: Decimal) -> None:
        """For a fill of an order on the book."""
        left = minus(self.frozen(asset), amount)
        assert left >= 0, f"frozen {asset} would fall to {left}"
        self._frozen[asset] = left

    def balances(self) -> dict[tuple[Wallet, str], Balance]:
        """All that were ever touched, by wallet and asset, in alphabetical order."""
        return {key: self.balance(*key) for key in sorted(self._available)}
