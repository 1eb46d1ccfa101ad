"""Carries deeds out, on the exchange, its fault plan and its pulse."""

from collections.abc import Callable
from typing import Any

import msgspec

from reconciler.simulator.acts import Rule
from reconciler.simulator.deeds import (
    Add,
    Advance,
    Cancel,
    Deed,
    Deposit,
    Down,
    Fill,
    Hangup,
    Open,
    Pause,
    Phantom,
    Place,
    Remove,
    Resume,
    Retell,
    Say,
    Skew,
    Stall,
    Transfer,
    Up,
    Withdraw,
)
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.plain import plain
from reconciler.simulator.pulse import Pulse
from reconciler.simulator.records import Histories, Instruction
from reconciler.simulator.rules import Refused

STEPS_MAX = 100_000
"""Of life, in one go."""


class Hand:
    """Carries deeds out.  Without a pulse there is no life to pause."""

    def __init__(self, exchange: Exchange, pulse: Pulse | None = None) -> None:
        self._exchange = exchange
        self._pulse = pulse
        self._down: list[Rule] = []
        self.told: Callable[[Deed], None] | None = None
        """Called with each deed that was done."""

    def do(self, deed: Deed) -> Any:
        """What came of it, ready for JSON.  Raises Refused, also for an unknown account or
        market."""
        self._known(deed)
        came = self._do(deed)
        if self.told:
            self.told(deed)
        return came

    def _known(self, deed: Deed) -> None:
        fields = msgspec.structs.asdict(deed)
        account, market = fields.get("account"), fields.get("market")
        is_new = isinstance(deed, Open)
        if account is not None and (account in self._exchange.engine.accounts) is is_new:
            raise Refused("account", f"{account!r} {'exists' if is_new else 'is unknown'}")
        if market is not None and market not in self._exchange.markets:
            raise Refused("market", f"{market!r} is unknown")
        assets = [fields.get("asset"), *fields.get("funds", ())]
        for asset in assets:
            if asset is not None and asset not in self._exchange.engine.assets:
                raise Refused("asset", f"{asset!r} is unknown")
        if isinstance(deed, Deposit | Withdraw | Transfer) and deed.amount <= 0:
            raise Refused("amount", "must be positive")

    def _do(self, deed: Deed) -> Any:
        exchange, faults = self._exchange, self._exchange.faults
        match deed:
            case Open():
                exchange.open_account(deed.account, deed.key, deed.secret, deed.funds)
            case Fill():
                terms = msgspec.structs.asdict(deed)
                made = [exchange.fill(**terms) for _ in range(terms.pop("times"))]
                return plain(made[-1])
            case Place():
                terms = msgspec.structs.asdict(deed)
                account = terms.pop("account")
                return plain(exchange.place(account, Instruction(**terms)))
            case Cancel():
                return plain(exchange.cancel(deed.account, deed.market, deed.order_id))
            case Deposit():
                exchange.deposit(deed.account, deed.asset, deed.amount)
            case Withdraw():
                exchange.withdraw(deed.account, deed.asset, deed.amount)
            case Transfer():
                exchange.transfer(deed.account, deed.asset, deed.amount, deed.origin, deed.target)
            case Phantom():
                exchange.phantom(deed.account, deed.asset, deed.amount, deed.wallet)
            case Hangup():
                return faults.cut(deed.account, how=deed.how)
            case Stall():
                return faults.stall(deed.account)
            case Say():
                return faults.send_raw(deed.frame, deed.account)
            case Down():
                self._up()
                self._down = faults.go_down(deed.act)
            case Up():
                self._up()
            case Skew():
                faults.skew_us = int(deed.seconds * 1_000_000)
            case Retell():
                exchange.histories = Histories(**msgspec.structs.asdict(deed))
            case Add():
                # A deed may be done again; the plan counts a rule down.
                return faults.add(msgspec.structs.replace(deed.rule)).number
            case Remove():
                return self._remove(deed.number)
            case Pause() | Resume() | Advance():
                return self._live(deed)
        return None

    def _up(self) -> None:
        for rule in self._down:
            self._exchange.faults.remove(rule)
        self._down = []

    def _remove(self, number: int | None) -> int:
        rules = [r for r in self._exchange.faults.rules if number in (None, r.number)]
        for rule in rules:
            self._exchange.faults.remove(rule)
        return len(rules)

    def _live(self, deed: Pause | Resume | Advance) -> None:
        if self._pulse is None:
            raise Refused("life", "there is none")
        match deed:
            case Pause():
                self._pulse.pause()
            case Resume():
                self._pulse.resume(deed.rate)
            case Advance():
                if not 0 <= deed.steps <= STEPS_MAX:
                    raise Refused("steps", f"must be between 0 and {STEPS_MAX}")
                self._pulse.advance(deed.steps)
