"""Trades on margin at random; a refusal is an ordinary outcome."""

from dataclasses import replace
from decimal import Decimal

from reconciler.simulator.numbers import cut, times
from reconciler.simulator.records import Instruction, Kind, Market, Side, Wallet
from reconciler.simulator.trader import Acts, Trader

RESERVE = Decimal(1_000_000_000)
"""What a bot has for positions."""


class MarginTrader(Trader):
    """Positions, orders that hang on each other, funding, borrowing, now and then a liquidation."""

    def acts(self) -> Acts:
        return [
            (self._quote, 12),
            (self._take, 12),
            (self._stop, 3),
            (self._pair, 4),
            (self._trigger, 4),
            (self._cancel_conditional, 1),
            (self._fund, 1),
            (self._borrow, 1),
            (self._liquidate, 1),
        ]

    def _market(self) -> Market:
        return self.chance.choice([m for m in self.exchange.markets.values() if m.has_margin])

    def _place(
        self,
        account: str,
        market: Market,
        side: Side,
        kind: Kind,
        *,
        price: Decimal | None = None,
        activation_price: Decimal | None = None,
    ) -> None:
        self.exchange.place(
            account,
            Instruction(
                market=market.name,
                side=side,
                kind=kind,
                amount=self.amount(market),
                price=price,
                activation_price=activation_price,
            ),
        )

    def _quote(self) -> None:
        bot, market, side = self.chance.choice(self.bots), self._market(), self.side()
        wallets = self.engine.accounts[bot].wallets
        if wallets.available(Wallet.COLLATERAL, "USDT") < RESERVE:
            self.exchange.deposit(bot, "USDT", RESERVE)
            self.exchange.transfer(bot, "USDT", RESERVE, Wallet.MAIN, Wallet.COLLATERAL)
        self._place(bot, market, side, Kind.MARGIN_LIMIT, price=self.near(market))

    def _take(self) -> None:
        market, side = self._market(), self.side()
        if self.chance.random() < 0.5:
            self._place(self.account().name, market, side, Kind.MARGIN_MARKET)
        else:
            price = self.near(market)
            self._place(self.account().name, market, side, Kind.MARGIN_LIMIT, price=price)

    def _stop(self) -> None:
        market = self._market()
        activation = self.near(market)
        self._place(
            self.account().name,
            market,
            self.side(),
            Kind.MARGIN_STOP_MARKET,
            activation_price=activation,
        )

    def _pair(self) -> None:
        """A limit on the one side of the market and a stop on the other (OCO)."""
        market, side = self._market(), self.side()
        low, high = self._around(market)
        better, worse = (low, high) if side is Side.BUY else (high, low)
        take_profit = Instruction(
            market=market.name,
            side=side,
            kind=Kind.MARGIN_LIMIT,
            amount=self.amount(market),
            price=better,
            reduce_only=self.chance.random() < 0.2,
        )
        stop_loss = replace(
            take_profit, kind=Kind.MARGIN_STOP_LIMIT, price=worse, activation_price=worse
        )
        self.exchange.told(
            self.engine.conditionals.place(
                self.account().name, stop_loss=stop_loss, take_profit=take_profit
            )
        )

    def _trigger(self) -> None:
        """An order that is followed by what closes its position, at one price or at two (OTO)."""
        market, side = self._market(), self.side()
        low, high = self._around(market)
        better, worse = (high, low) if side is Side.BUY else (low, high)
        which = self.chance.choice(("both", "both", "better", "worse"))
        self.exchange.place(
            self.account().name,
            Instruction(
                market=market.name,
                side=side,
                kind=Kind.MARGIN_LIMIT,
                amount=self.amount(market),
                price=self.near(market),
                take_profit=better if which != "worse" else None,
                stop_loss=worse if which != "better" else None,
            ),
        )

    def _around(self, market: Market) -> tuple[Decimal, Decimal]:
        """Prices up to three percent below and above the last."""
        last = self.engine.last_price(market.name)
        low, high = times(last, self.ratio(97, 99)), times(last, self.ratio(101, 103))
        return cut(low, market.money_decimals), cut(high, market.money_decimals)

    def _cancel_conditional(self) -> None:
        account, conditionals = self.account().name, self.engine.conditionals
        pairs, triggers = conditionals.pairs(account), conditionals.triggers(account)
        if pairs:
            legs = self.chance.choice(pairs)
            market, pair_id = legs.take_profit.market, legs.pair.pair_id
            self.exchange.told(conditionals.cancel_pair(account, market, pair_id=pair_id))
        elif triggers:
            order = self.chance.choice(triggers)
            assert order.oto_id is not None
            self.exchange.publish(conditionals.cancel_trigger(account, order.market, order.oto_id))

    def _fund(self) -> None:
        futures = [market for market in self.exchange.markets.values() if market.is_futures]
        if futures:
            market = self.chance.choice(futures).name
            rate = Decimal(self.chance.randint(-300, 300)).scaleb(-8)
            price = self.engine.last_price(market)
            self.exchange.publish(self.engine.margin.fund(market, rate, price))

    def _borrow(self) -> None:
        account, asset = self.account(), self.chance.choice(self.engine.assets)
        owed = account.portfolio.borrows.get(asset)
        amount = owed.amount.copy_negate() if owed else self.ratio(1, 100)
        self.exchange.publish(self.engine.margin.borrow(account.name, asset, amount))

    def _liquidate(self) -> None:
        account = self.account()
        if account.portfolio.open and self.chance.random() < 0.2:
            market = self.chance.choice(list(account.portfolio.open))
            self.exchange.publish(self.engine.enforcement.liquidate(account.name, market))
