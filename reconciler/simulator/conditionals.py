"""Orders that hang on each other: pairs of which one cancels the other (OCO), and orders that
trigger others when they are filled (OTO).

How they live is the floor's business; here they are placed, listed and cancelled.  On margin only
(PROTOCOL § 5.7).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.simulator.accounts import Account
from reconciler.simulator.floor import Floor
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.records import Event, Instruction, Order, Pair, Status
from reconciler.simulator.rules import Refused
from reconciler.simulator.told import Told

NOT_FOUND = "Unexecuted order was not found."


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """Both orders of a pair at one moment."""

    pair: Pair
    stop_loss: Order
    take_profit: Order


class Conditionals:
    """Of one exchange."""

    def __init__(
        self,
        accounts: dict[str, Account],
        floor: Floor,
        check: Callable[[str, Instruction], None],
    ) -> None:
        self._accounts = accounts
        self._floor = floor
        self._check = check

    def place(
        self, account: str, *, stop_loss: Instruction, take_profit: Instruction
    ) -> tuple[Legs, list[Event]]:
        """A stop and a limit order that are otherwise alike; a client id belongs to the pair.

        Raises Refused if either breaks a rule; then nothing has changed.
        """
        assert stop_loss.kind.is_stop
        assert not take_profit.kind.is_stop
        name, market = take_profit.client_order_id, take_profit.market
        taken = {(one.pair.client_order_id, one.stop_loss.market) for one in self.pairs(account)}
        if name and (name, market) in taken:
            message = "This client order id is already used by the current account."
            raise Refused("client_order_id", message)
        for asked in (stop_loss, take_profit):
            self._check(account, asked)
        told = Told()
        stop, limit = (
            self._floor.begin(account, replace(asked, client_order_id=""))
            for asked in (stop_loss, take_profit)
        )
        pair = self._floor.enter_pair(stop, limit, name, told)
        return Legs(pair=pair, stop_loss=stop.seen(), take_profit=limit.seen()), told.events()

    def pairs(self, account: str) -> list[Legs]:
        """Of which neither has executed, newest first."""
        open_orders = self._accounts[account].open_orders
        return [
            Legs(
                pair=pair,
                stop_loss=open_orders[pair.stop_loss_id].seen(),
                take_profit=open_orders[pair.take_profit_id].seen(),
            )
            for pair in self._pairs(account)
        ]

    def triggers(self, account: str) -> list[Order]:
        """Open orders that trigger others, newest first."""
        open_orders = self._accounts[account].open_orders.values()
        found = [order.seen() for order in open_orders if order.oto_id is not None]
        return sorted(found, key=lambda order: -(order.oto_id or 0))

    def cancel_pair(
        self, account: str, market: str, *, pair_id: int | None = None, client_order_id: str = ""
    ) -> tuple[Legs, list[Event]]:
        """By one of its ids.  Raises Refused if it is not there, or not any more."""
        for pair in self._pairs(account):
            if pair.pair_id == pair_id or (
                client_order_id and pair.client_order_id == client_order_id
            ):
                open_orders = self._accounts[account].open_orders
                stop, limit = open_orders[pair.stop_loss_id], open_orders[pair.take_profit_id]
                if limit.market.name == market:
                    events = self._end(limit)
                    ended = Legs(pair=pair, stop_loss=stop.seen(), take_profit=limit.seen())
                    return ended, events
        raise Refused("order", NOT_FOUND)

    def cancel_trigger(self, account: str, market: str, oto_id: int) -> list[Event]:
        """What it would have triggered never comes.  Raises Refused as `cancel_pair` does."""
        for order in self._accounts[account].open_orders.values():
            if order.oto_id == oto_id and order.market.name == market:
                return self._end(order)
        raise Refused("order", NOT_FOUND)

    def _end(self, order: LiveOrder) -> list[Event]:
        told = Told()
        self._floor.withdraw(order, Status.CANCELED, told)
        return told.events()

    def _pairs(self, account: str) -> list[Pair]:
        open_orders = self._accounts[account].open_orders.values()
        found = {order.pair.pair_id: order.pair for order in open_orders if order.pair is not None}
        return [found[pair_id] for pair_id in sorted(found, reverse=True)]
