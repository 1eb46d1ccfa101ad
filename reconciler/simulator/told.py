"""What one operation of the engine says: orders and deals at once, balances at its end.

Each asset that moved is named once per operation, however often it moved.
"""

from reconciler.simulator.records import BalanceMoved, Event, Wallet


class Told:
    """The events of one operation, as they come to be."""

    def __init__(self) -> None:
        self._said: list[Event] = []
        self._moved: dict[tuple[str, Wallet], dict[str, None]] = {}

    def say(self, event: Event) -> None:
        """Now, and in this order."""
        self._said.append(event)

    def balance(self, account: str, asset: str, wallet: Wallet = Wallet.SPOT) -> None:
        """The asset has a new balance: said at the end."""
        self._moved.setdefault((account, wallet), {})[asset] = None

    def events(self) -> list[Event]:
        """All that was said."""
        moved = [
            BalanceMoved(account, wallet, tuple(assets))
            for (account, wallet), assets in self._moved.items()
        ]
        return [*self._said, *moved]
