"""An exchange put together from a description: markets, accounts with keys and funds, traders, a
script, a recording; and all of it opened at once.

Everything follows from the seed, the keys too, so that a configuration can be kept.
"""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Context, Decimal
from typing import BinaryIO

import trio

from reconciler.simulator.control import serve_control
from reconciler.simulator.deeds import Deed
from reconciler.simulator.exchange import HOUSE, Exchange
from reconciler.simulator.hand import Hand
from reconciler.simulator.life import BOTS, Traders
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.past import Past, live_through
from reconciler.simulator.pulse import Pulse
from reconciler.simulator.recorder import Recorder
from reconciler.simulator.records import Market, Wallet
from reconciler.simulator.rules import Refused
from reconciler.simulator.script import Script, play
from reconciler.simulator.server import Server, serve

FUNDS = {
    "USDT": Decimal(1_000_000),
    "BTC": Decimal(20),
    "ETH": Decimal(300),
    "SOL": Decimal(5_000),
    "DUSDT": Decimal(100_000),
    "DBTC": Decimal(5),
}
"""What every simulated account begins with, of the assets that are traded."""

ALL_MARKETS = (*DEFAULT_MARKETS, *FUTURES)
"""What is open unless markets are named."""

WORTH = Decimal(100_000)
"""What it begins with of other assets, in money at the reference price."""

_DIGITS = 6
"""Significant digits of the prices of a market that we make up."""

_ROUGH = Context(prec=28, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to open."""

    markets: Sequence[Market] = ALL_MARKETS
    accounts: int = 1
    seed: int = 1
    rate: float = 5.0
    """Operations of life per second."""
    warm_up: int = 0
    """Operations of life before the doors open."""
    past: Past | None = None
    """What happened before; nothing, without one."""
    script: Script = field(default_factory=Script)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account that clients may use."""

    name: str
    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booth:
    """An open exchange.  `control_url` is None without a control port."""

    exchange: Exchange
    server: Server
    logins: tuple[Login, ...]
    control_url: str | None


def market_named(text: str) -> Market:
    """A market by its name (`BTC_USDT`), or one made up from a name and a reference price
    (`XRP_USDT=0.6`).  Raises ValueError."""
    name, _, price = text.partition("=")
    for market in ALL_MARKETS:
        if market.name == name and not price:
            return market
    stock, _, money = name.partition("_")
    if not (stock.isalnum() and money.isalnum() and name.isupper()):
        raise ValueError(f"{name!r} is no name of a market, as BTC_USDT is")
    if not price:
        known = ", ".join(market.name for market in ALL_MARKETS)
        raise ValueError(f"{name} needs a reference price, {name}=1.5; known are {known}")
    try:
        reference = Decimal(price)
    except ArithmeticError:
        raise ValueError(f"{price!r} is no price") from None
    if not reference.is_finite() or not Decimal("1e-9") <= reference <= Decimal("1e9"):
        raise ValueError(f"{price!r} is no price between 0.000000001 and 1000000000")
    money_decimals = min(max(_DIGITS - 1 - reference.adjusted(), 0), 12)
    stock_decimals = min(max(reference.adjusted() + 2, 0), 8)
    return Market(
        name=name,
        stock=stock,
        money=money,
        stock_decimals=stock_decimals,
        money_decimals=money_decimals,
        amount_min=Decimal(1).scaleb(-stock_decimals),
        total_min=Decimal(5),
        reference_price=reference,
    )


def logins(seed: int, accounts: int) -> tuple[Login, ...]:
    """Names and keys, the same for the same seed."""
    chance = random.Random(f"keys {seed}")
    return tuple(
        Login(
            name=f"account-{number + 1}",
            key=f"{chance.getrandbits(128):032x}",
            secret=f"{chance.getrandbits(128):032x}",
        )
        for number in range(accounts)
    )


@asynccontextmanager
async def open_booth(
    plan: Plan,
    *,
    now: Callable[[], int],
    host: str = "127.0.0.1",
    port: int = 0,
    control_port: int | None = None,
    record: BinaryIO | None = None,
    refused: Callable[[Deed, Refused], None] = lambda *_: None,
) -> AsyncIterator[Booth]:
    """Opens everything while the block lasts.  `refused` hears of steps of the script that the
    exchange won't do.  Raises OSError when a port is taken."""
    exchange = Exchange(plan.markets, now=now, seed=plan.seed)
    recorder = Recorder(exchange, record) if record else None
    known = logins(plan.seed, plan.accounts)
    names = [login.name for login in known]
    for login in known:
        exchange.open_account(login.name, login.key, login.secret)
    if plan.past:
        live_through(exchange, plan.past, names, seed=plan.seed)
    for name in names:
        for asset, amount in _funds(plan.markets).items():
            exchange.deposit(name, asset, amount)
            exchange.transfer(name, asset, amount, Wallet.MAIN, Wallet.SPOT)
    traders = Traders(exchange, chance=random.Random(f"life {plan.seed}"), accounts=names)
    pulse = Pulse(traders, plan.rate)
    hand = Hand(exchange, pulse)
    if recorder:
        recorder.follow(*names, *BOTS, HOUSE)
        recorder.watch(hand)
    exchange.faults.load(plan.script)
    pulse.advance(plan.warm_up)
    async with serve(exchange, host=host, port=port) as server, trio.open_nursery() as nursery:
        async with _control(exchange, hand, control_port) as control_url:
            nursery.start_soon(pulse.run, trio.sleep)
            nursery.start_soon(play, plan.script, hand, exchange.faults, trio.sleep, refused)
            yield Booth(exchange=exchange, server=server, logins=known, control_url=control_url)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _control(exchange: Exchange, hand: Hand, port: int | None) -> AsyncIterator[str | None]:
    if port is None:
        yield None
    else:
        async with serve_control(exchange, hand, port=port) as url:
            yield url


def _funds(markets: Sequence[Market]) -> dict[str, Decimal]:
    """The usual ones; of an asset that has none, what `WORTH` buys, or as much if it is money."""
    funds: dict[str, Decimal] = {}
    for market in markets:
        funds.setdefault(market.money, FUNDS.get(market.money, WORTH))
    for market in markets:
        worth = _ROUGH.divide(WORTH, market.reference_price).quantize(Decimal(1), ROUND_DOWN)
        funds.setdefault(market.stock, FUNDS.get(market.stock, max(worth, Decimal(1))))
    return funds
