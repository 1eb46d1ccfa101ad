"""A long past in a short time: half a year of deals, orders, papers and positions, from a seed.

The exchange's clock is held while it is lived through and let go afterwards, so that its time goes
on as if nothing had been.  Nothing is made up: it is the engine that trades, so every law holds.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.life import BOTS, Traders
from reconciler.simulator.numbers import affordable, times
from reconciler.simulator.pursuits import Pursuit, acts
from reconciler.simulator.records import Market, Wallet
from reconciler.simulator.trader import act_once

SECOND = 1_000_000
DAY = 86_400 * SECOND

WORTH = Decimal(10_000_000)
"""What an account begins with of each asset, in money at the reference price."""

_SHARES = ((Wallet.SPOT, Decimal("0.7")), (Wallet.COLLATERAL, Decimal("0.1")))
"""How much of it is moved where; the rest stays in the main wallet."""

FUNDING_US = 8 * 3_600 * SECOND

_PARTS_MAX = 5
"""Deals of one order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How much of what happened, over how long."""

    days: int = 180
    deals: int = 100_000
    """On spot, those of bursts among them; the acts below bring some more."""
    bursts: int = 4
    """Seconds in each of which …"""
    burst_deals: int = 2_000
    """… so many of the deals were made, as far as there are enough; in every other burst all in one
    microsecond."""
    orders: int = 3_000
    """Acts on the books: orders that rest, change, wait, are met, are cancelled."""
    papers: int = 3_000
    """Deposits and withdrawals with their statuses, codes, conversions, lending, mining, transfers
    to sub-accounts: acts, of which some move one that was begun before."""
    margin: int = 2_000
    """Orders on margin, borrowing, liquidations; with any, funding every eight hours."""
    deposits: int = 0
    """Besides, each of them credited at once."""
    delisted: tuple[str, ...] = ()
    """Markets that vanish about the middle of it."""


def past_of(days: int, deals: int) -> Past:
    """With so many deals, and of everything else as much as goes with them."""
    some = max(deals // 30, 1)
    return Past(
        days=days, deals=deals, burst_deals=deals // 50, orders=some, papers=some, margin=some
    )


def live_through(exchange: Exchange, past: Past, accounts: Sequence[str], *, seed: int = 0) -> None:
    """Gives the accounts funds and a past that ends now.  The exchange must have none yet: accounts
    are opened before, without funds."""
    known = exchange.engine.accounts.values()
    assert not any(account.movements for account in known), "the exchange has a past already"
    chance = random.Random(f"past {seed}")
    until = exchange.now() - SECOND
    since = until - past.days * DAY
    with exchange.clock.held() as set_to:
        set_to(since)
        for name in accounts:
            _fund(exchange, name)
        for moment, act in _plan(exchange, past, accounts, chance, since + SECOND, until):
            set_to(moment)
            act()


Planned = tuple[int, Callable[[], object]]


def _plan(
    exchange: Exchange,
    past: Past,
    accounts: Sequence[str],
    chance: random.Random,
    since: int,
    until: int,
) -> list[Planned]:
    """All that happens, in the order of time."""
    traders = Traders(exchange, chance=chance, accounts=accounts, pursuits=[Pursuit.ORDERS])
    papers = acts([Pursuit.PAPERS], exchange, chance, accounts, BOTS)
    margin = acts([Pursuit.MARGIN], exchange, chance, accounts, BOTS)

    def some_time() -> int:
        return chance.randrange(since, until)

    plan: list[Planned] = []
    in_burst = min(past.burst_deals, past.deals // past.bursts) if past.bursts else 0
    for number in range(past.bursts):
        second = some_time() // SECOND * SECOND
        width = SECOND if number % 2 == 0 else 1
        parts = _parts(in_burst, chance)
        plan += [(second + chance.randrange(width), _deal(traders, some)) for some in parts]
    rest = past.deals - past.bursts * in_burst
    plan += [(some_time(), _deal(traders, some)) for some in _parts(rest, chance)]
    plan += [(some_time(), traders.step) for _ in range(past.orders)]
    plan += [(some_time(), lambda: act_once(papers, chance)) for _ in range(past.papers)]
    plan += [(some_time(), _deposit(exchange, accounts, chance)) for _ in range(past.deposits)]
    if past.margin and any(market.has_margin for market in exchange.markets.values()):
        fund = _funding(exchange, chance)
        plan += [(some_time(), lambda: act_once(margin, chance)) for _ in range(past.margin)]
        plan += [(at, fund) for at in range(since, until, FUNDING_US)]
    middle = (since + until) // 2
    plan += [(middle + at, _delist(exchange, name)) for at, name in enumerate(past.delisted)]
    return sorted(plan, key=lambda planned: planned[0])


def _parts(deals: int, chance: random.Random) -> list[int]:
    """Deals by order."""
    parts: list[int] = []
    while deals:
        parts.append(min(deals, chance.randint(1, _PARTS_MAX)))
        deals -= parts[-1]
    return parts


def _deal(traders: Traders, parts: int) -> Callable[[], object]:
    return lambda: traders.deal(parts)


def _deposit(
    exchange: Exchange, accounts: Sequence[str], chance: random.Random
) -> Callable[[], object]:
    def deposit() -> None:
        amount = Decimal(chance.randint(1, 10**8)).scaleb(-8)
        exchange.deposit(chance.choice(accounts), chance.choice(exchange.engine.assets), amount)

    return deposit


def _funding(exchange: Exchange, chance: random.Random) -> Callable[[], object]:
    def fund() -> None:
        for market in [market.name for market in exchange.markets.values() if market.is_futures]:
            rate = Decimal(chance.randint(-300, 300)).scaleb(-8)
            price = exchange.engine.last_price(market)
            exchange.publish(exchange.engine.margin.fund(market, rate, price))

    return fund


def _delist(exchange: Exchange, market: str) -> Callable[[], object]:
    return lambda: exchange.publish(exchange.engine.enforcement.delist(market))


def _fund(exchange: Exchange, account: str) -> None:
    for asset, amount in _funds(exchange.markets.values()).items():
        exchange.deposit(account, asset, amount)
        for wallet, share in _SHARES:
            exchange.transfer(account, asset, times(amount, share), Wallet.MAIN, wallet)


def _funds(markets: Iterable[Market]) -> dict[str, Decimal]:
    """By asset."""
    funds: dict[str, Decimal] = {}
    for market in markets:
        funds.setdefault(
            market.stock, max(affordable(WORTH, market.reference_price, 0), Decimal(1))
        )
    for market in markets:
        funds.setdefault(market.money, WORTH)
    return funds
