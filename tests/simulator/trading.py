"""Three traders with means, and short words for what they ask and what they are told."""

import random
from collections.abc import Callable, Iterable
from decimal import Decimal

from reconciler.simulator.engine import Engine
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.records import (
    Balance,
    Deal,
    DealMade,
    Event,
    Fees,
    Freezing,
    Instruction,
    Kind,
    Market,
    Order,
    OrderSeen,
    Side,
    Step,
    Stp,
    Wallet,
)
from tests.simulator.client import Now

D = Decimal


def an_engine(
    *,
    fees: Fees | None = None,
    now: Callable[[], int] | None = None,
    freezing: Freezing | None = None,
    markets: Iterable[Market] = DEFAULT_MARKETS,
) -> Engine:
    engine = Engine(markets, now=now or Now(), chance=random.Random(1))
    for name in ("alice", "bob", "carol"):
        engine.open_account(name, fees, freezing=freezing)
        for asset, amount in (("BTC", D(10)), ("USDT", D(1_000_000)), ("DOGE", D(100_000))):
            engine.treasury.deposit(name, asset, amount)
            engine.treasury.transfer(name, asset, amount, Wallet.MAIN, Wallet.SPOT)
    return engine


def limit(
    side: str,
    amount: str,
    price: str,
    market: str = "BTC_USDT",
    *,
    ioc: bool = False,
    post_only: bool = False,
    stp: str = "no",
) -> Instruction:
    return Instruction(
        market=market,
        side=Side(side),
        amount=D(amount),
        price=D(price),
        ioc=ioc,
        post_only=post_only,
        stp=Stp(stp),
    )


def stop(
    side: str,
    amount: str,
    activation: str,
    price: str | None = None,
    *,
    market: str = "BTC_USDT",
    client_order_id: str = "",
) -> Instruction:
    """A stop-limit with a price, a stop-market without."""
    return Instruction(
        market=market,
        side=Side(side),
        kind=Kind.STOP_MARKET if price is None else Kind.STOP_LIMIT,
        amount=D(amount),
        price=None if price is None else D(price),
        activation_price=D(activation),
        client_order_id=client_order_id,
    )


def market(side: str, amount: str, kind: Kind = Kind.MARKET) -> Instruction:
    return Instruction(market="BTC_USDT", side=Side(side), kind=kind, amount=D(amount))


def margin(
    side: str, amount: str, price: str | None = None, *, reduce_only: bool = False
) -> Instruction:
    """On `BTC_PERP`; at the market without a price."""
    return Instruction(
        market="BTC_PERP",
        side=Side(side),
        kind=Kind.MARGIN_MARKET if price is None else Kind.MARGIN_LIMIT,
        amount=D(amount),
        price=None if price is None else D(price),
        reduce_only=reduce_only,
    )


FUTURES_MARKETS = (*DEFAULT_MARKETS, *FUTURES)


def a_futures_engine() -> Engine:
    """As `an_engine`, with futures, and with collateral for all."""
    engine = an_engine(markets=FUTURES_MARKETS)
    for name in engine.accounts:
        engine.treasury.phantom(name, Wallet.COLLATERAL, "USDT", D(100_000))
    return engine


def collateral(engine: Engine, account: str) -> Decimal:
    """In money."""
    return engine.accounts[account].wallets.available(Wallet.COLLATERAL, "USDT")


def deals(events: list[Event], account: str) -> list[Deal]:
    return [e.deal for e in events if isinstance(e, DealMade) and e.account == account]


def seen(events: list[Event], account: str) -> list[tuple[Step, Order]]:
    return [(e.step, e.order) for e in events if isinstance(e, OrderSeen) and e.account == account]


def spot(engine: Engine, account: str, asset: str) -> Balance:
    return engine.accounts[account].wallets.balance(Wallet.SPOT, asset)
