"""Writes what happens, a JSON object a line: what the engine says, which faults struck, what was
done by hand.

Lines carry the exchange's time in µs and no other clock, so that the same seed and the same
operations give the same bytes.
"""

from dataclasses import fields
from typing import Any, BinaryIO

import msgspec

from reconciler.simulator.acts import Rule
from reconciler.simulator.deeds import Deed
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.hand import Hand
from reconciler.simulator.plain import plain
from reconciler.simulator.records import BalanceMoved, Event


class Recorder:
    """Of one exchange; accounts that are opened later are recorded once they are followed."""

    def __init__(self, exchange: Exchange, to: BinaryIO) -> None:
        self._exchange = exchange
        self._to = to

    def follow(self, *accounts: str) -> None:
        """Records what happens to these from now on."""
        for account in accounts:
            self._exchange.listen(account, self)

    def watch(self, hand: Hand) -> None:
        """Records faults that strike and deeds that are done."""
        self._exchange.faults.told = self._struck
        hand.told = self._done

    def hear(self, event: Event, frames: dict[str, str]) -> None:
        """An event of the engine."""
        said = {field.name: getattr(event, field.name) for field in fields(event)}
        if isinstance(event, BalanceMoved):
            wallets = self._exchange.engine.accounts[event.account].wallets
            said["assets"] = {asset: wallets.balance(event.wallet, asset) for asset in event.assets}
        self._write(type(event).__name__, plain(said))

    def _struck(self, rule: Rule, account: str | None, name: str | None) -> None:
        said = {"point": rule.point, "act": rule.act, "account": account, "name": name}
        self._write("FaultStruck", said | {"rule": rule.number})

    def _done(self, deed: Deed) -> None:
        self._write("DeedDone", {"deed": deed})

    def _write(self, what: str, said: dict[str, Any]) -> None:
        line = {"at": self._exchange.now(), "event": what} | said
        self._to.write(msgspec.json.encode(line) + b"\n")
