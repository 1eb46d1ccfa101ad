"""The trading floor: how an order lives, from the moment it is taken to its last state.

Orders meet on the books, wait among the stops, and end; money moves with each fill.  Who may ask
for what is the engine's business: here everything is allowed already.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.clearing import Fill, settle
from reconciler.simulator.freezing import hold, price_of, release
from reconciler.simulator.ids import Ids
from reconciler.simulator.margin import Margin
from reconciler.simulator.matching import Book, LiveOrder
from reconciler.simulator.numbers import ZERO, negative, times
from reconciler.simulator.protection import protection
from reconciler.simulator.records import (
    Deal,
    DealMade,
    Instruction,
    Market,
    OrderSeen,
    Pair,
    PositionsMoved,
    Role,
    Side,
    Status,
    Step,
    Stp,
    Wallet,
)
from reconciler.simulator.rules import Refused
from reconciler.simulator.stops import Stops
from reconciler.simulator.told import Told


class Floor:
    """The books and stops of all markets, and the accounts that trade there."""

    def __init__(self, markets: Iterable[Market], accounts: dict[str, Account], ids: Ids) -> None:
        self._accounts = accounts
        self._ids = ids
        self.markets = {market.name: market for market in markets}
        self.books = {name: Book(market) for name, market in self.markets.items()}
        self.stops = {name: Stops() for name in self.markets}
        self.last = {market.name: market.reference_price for market in self.markets.values()}
        """The price of the last deal of each market; before the first, its reference price."""
        self.margin = Margin(accounts, self.last.__getitem__, ids)
        self._triggers: deque[LiveOrder] = deque()
        """Filled orders whose consequences are still to be placed."""

    def begin(self, account: str, asked: Instruction) -> LiveOrder:
        """An order with an id, of which nobody has heard yet."""
        now = self._ids.stamp()
        triggers = asked.stop_loss is not None or asked.take_profit is not None
        return LiveOrder(
            order_id=self._ids.order(),
            account=account,
            market=self.markets[asked.market],
            asked=asked,
            created_at=now,
            updated_at=now,
            remaining=asked.amount,
            oto_id=self._ids.order() if triggers else None,
        )

    def enter(self, order: LiveOrder, told: Told) -> None:
        """A stop waits; any other order is matched as far as it can be, and rests or ends."""
        if order.is_waiting:
            self.stops[order.market.name].add(order)
            self.open(order, told)
        else:
            self._match(order, told)
        self.activate_stops(order.market.name, told)

    def enter_pair(
        self, stop_loss: LiveOrder, take_profit: LiveOrder, client_order_id: str, told: Told
    ) -> Pair:
        """Both wait for the market; whichever executes first cancels the other."""
        pair = Pair(
            pair_id=self._ids.order(),
            client_order_id=client_order_id,
            stop_loss_id=stop_loss.order_id,
            take_profit_id=take_profit.order_id,
        )
        for leg in (stop_loss, take_profit):
            leg.pair, leg.is_quiet = pair, True
        self.stops[stop_loss.market.name].add(stop_loss)
        self.open(stop_loss, told)
        self.enter(take_profit, told)
        return pair

    def open(self, order: LiveOrder, told: Told) -> None:
        """The order is among the open ones now; what it needs is frozen."""
        account = self._accounts[order.account]
        hold(order, account)
        if order.frozen:
            told.balance(order.account, order.given_asset)
        if order.order_id not in account.open_orders:
            account.open_orders[order.order_id] = order
            _tell(order, Step.NEW, told)
        elif order.filled_amount:
            _tell(order, Step.UPDATE, told)

    def withdraw(self, order: LiveOrder, status: Status, told: Told) -> None:
        """An open order is taken off the book, or from among the stops, and ends."""
        if order.finished_at is not None:
            return  # with its partner
        if order.is_waiting:
            self.stops[order.market.name].remove(order)
        else:
            self.books[order.market.name].remove(order)
        self._let_go(order, told)
        order.updated_at = self._ids.stamp()
        self._end(order, status, told)

    def fill(
        self, maker: LiveOrder, taker: LiveOrder, amount: Decimal, told: Told
    ) -> tuple[Deal, Deal]:
        """One deal at the maker's price; the maker's side and the taker's."""
        for order in (maker, taker):
            self._execute(order, told)
        fill = Fill(
            deal_id=self._ids.deal(),
            price=maker.limit,
            amount=amount,
            total=times(maker.limit, amount),
            executed_at=self._ids.stamp(),
        )
        gives, takes = self._accounts[maker.account], self._accounts[taker.account]
        made = settle(gives, maker, taker, Role.MAKER, fill, self.margin)
        taken = settle(takes, taker, maker, Role.TAKER, fill, self.margin)
        hold(maker, gives)
        self.last[maker.market.name] = fill.price
        if maker.remaining:
            _tell(maker, Step.UPDATE, told)
        else:
            self._end(maker, Status.FILLED, told)
        for order, deal in ((maker, made), (taker, taken)):
            told.say(DealMade(order.account, deal))
            if order.asked.kind.is_margin:
                told.balance(order.account, order.market.money, Wallet.COLLATERAL)
                told.say(PositionsMoved(order.account))
                self._drop_reductions(order, told)
            else:
                told.balance(order.account, order.market.money)
                told.balance(order.account, order.market.stock)
        return made, taken

    def rest_or_end(self, taker: LiveOrder, told: Told) -> None:
        """What becomes of an order that meets nobody any more."""
        book = self.books[taker.market.name]
        if not taker.remaining:
            self._end(taker, Status.FILLED, told)
        elif taker.asked.kind.has_limit and not taker.asked.ioc:
            self.open(taker, told)
            book.add(taker)
        elif taker.asked.source == "liquidation" and taker.filled_amount:
            self._end(taker, Status.PARTIALLY_FILLED, told)
        elif taker.counts_money and book.best(Side.SELL):
            self._end(taker, Status.FILLED, told)  # what is left buys nothing: dust
        else:
            self._end(taker, Status.CANCELED, told)

    def activate_stops(self, market: str, told: Told) -> None:
        """Those that the last price has reached, one by one: each may move the price further.  What
        filled orders trigger comes first, and after each of them."""
        self._place_triggered(told)
        while order := self.stops[market].due(self.last[market]):
            self._activate(order, told)
            self._place_triggered(told)

    def _activate(self, order: LiveOrder, told: Told) -> None:
        """It is seen new for the second time, with the same id (PROTOCOL § 6.3).  One whose account
        can't pay any more is cancelled."""
        self._execute(order, told)
        self.stops[order.market.name].remove(order)
        self._let_go(order, told)
        order.is_activated = True
        order.updated_at = self._ids.stamp()
        _tell(order, Step.NEW, told)
        if self._can_pay(order):
            self._match(order, told)
        else:
            self._end(order, Status.CANCELED, told)

    def _place_triggered(self, told: Told) -> None:
        while self._triggers:
            self._protect(self._triggers.popleft(), told)

    def _protect(self, filled: LiveOrder, told: Told) -> None:
        """Places what closes the position of a filled order again, at the prices that it named."""
        position = self._accounts[filled.account].portfolio.open.get(filled.market.name)
        asked = protection(filled.seen(), position.amount if position else ZERO)
        orders = [self.begin(filled.account, one) for one in asked]
        match orders:
            case [stop_loss, take_profit]:
                self.enter_pair(stop_loss, take_profit, "", told)
            case [alone]:
                self.enter(alone, told)

    def close(self, market: str) -> None:
        """The market is no more; none of its orders may be open."""
        del self.markets[market], self.books[market], self.stops[market]

    def _match(self, taker: LiveOrder, told: Told) -> None:
        book = self.books[taker.market.name]
        while taker.remaining and (match := book.next_match(taker)):
            maker, amount = match
            if maker.account == taker.account and taker.asked.stp is not Stp.NO:
                if taker.asked.stp is not Stp.NEW:
                    self.withdraw(maker, Status.CANCELED_STP, told)
                if taker.asked.stp is not Stp.OLD:
                    self._end(taker, Status.CANCELED_STP, told)
                    return
            else:
                self.fill(maker, taker, amount, told)
                if not maker.remaining:
                    book.remove(maker)
        self.rest_or_end(taker, told)

    def _can_pay(self, order: LiveOrder) -> bool:
        account = self._accounts[order.account]
        if order.asked.kind.is_margin:
            try:
                self.margin.check(account, order.asked, order)
            except Refused:
                return False
            return True
        needed = price_of(order.asked, order.remaining, account)
        return account.wallets.available(Wallet.SPOT, order.given_asset) >= needed

    def _drop_reductions(self, order: LiveOrder, told: Told) -> None:
        """Orders that shall only reduce a position end when they would do more."""
        account = self._accounts[order.account]
        position = account.portfolio.open.get(order.market.name)
        held = position.amount if position else ZERO
        for other in list(account.open_orders.values()):
            if other.market is order.market and other.asked.reduce_only:
                left = held if other.asked.side is Side.SELL else negative(held)
                if other.remaining > left:
                    self.withdraw(other, Status.AUTO_CANCELED_REDUCE_ONLY, told)

    def _execute(self, order: LiveOrder, told: Told) -> None:
        """Of a pair, it is the one that does; an ordinary order from now on."""
        order.is_quiet = False
        if partner := self._part(order):
            self.withdraw(partner, Status.CANCELED, told)

    def _part(self, order: LiveOrder) -> LiveOrder | None:
        """The partner, which is none any more."""
        if order.pair is None:
            return None
        open_orders = self._accounts[order.account].open_orders
        partner = open_orders.get(order.pair.other(order.order_id))
        order.pair = None
        if partner is not None:
            partner.pair = None
        return partner

    def _let_go(self, order: LiveOrder, told: Told) -> None:
        if order.frozen:
            release(order, self._accounts[order.account])
            told.balance(order.account, order.given_asset)

    def _end(self, order: LiveOrder, status: Status, told: Told) -> None:
        partner = self._part(order)
        order.status = status
        order.finished_at = order.updated_at
        seen = order.seen()
        self._accounts[order.account].finish(seen)
        told.say(OrderSeen(order.account, Step.FINISH, seen, order.is_quiet))
        if partner is not None:  # it ends without having executed
            self.withdraw(partner, status, told)
        if order.oto_id is not None and status is Status.FILLED:
            self._triggers.append(order)


def _tell(order: LiveOrder, step: Step, told: Told) -> None:
    told.say(OrderSeen(order.account, step, order.seen(), order.is_quiet))
