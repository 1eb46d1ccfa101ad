"""Money that moves without a deal: in and out, between wallets, between accounts.

Whatever the exchange would have on paper is filed with the account.  Each operation returns the
events that it caused, and raises Refused where the exchange would refuse.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from reconciler.simulator.accounts import Account
from reconciler.simulator.ids import Ids
from reconciler.simulator.margin import MONEY, Margin
from reconciler.simulator.numbers import ZERO, minus, negative, plus
from reconciler.simulator.papers import Code, CodeUse, Direction, SubTransfer
from reconciler.simulator.records import Event, Movement, Wallet
from reconciler.simulator.rules import Refused
from reconciler.simulator.told import Told
from reconciler.simulator.transactions import CONFIRMING, PENDING, SUCCESS, Method, Transaction

Leg: TypeAlias = tuple[Account, Wallet, str, Decimal]
"""Whose, where, what, and how much: signed."""


class Treasury:
    """Of one exchange."""

    def __init__(self, accounts: dict[str, Account], ids: Ids, margin: Margin) -> None:
        self._accounts = accounts
        self._margin = margin
        self._ids = ids
        self._codes: dict[str, Code] = {}

    # In and out

    def deposit(self, account: str, asset: str, amount: Decimal) -> list[Event]:
        """To the main wallet, credited at once."""
        transaction, _ = self.expect_deposit(account, asset, amount)
        return self.advance(account, transaction.transaction_id, SUCCESS)[1]

    def expect_deposit(
        self,
        account: str,
        asset: str,
        amount: Decimal,
        *,
        fee: Decimal = ZERO,
        is_fee_included: bool = True,
        memo: str = "",
        confirmations: int = 6,
    ) -> tuple[Transaction, list[Event]]:
        """One that waits for so many confirmations; `advance` credits it."""
        assert amount > fee >= 0
        return self._file(
            account,
            Transaction(
                transaction_id=self._ids.uuid(),
                unique_id=None,
                method=Method.DEPOSIT,
                asset=asset,
                amount=amount,
                fee=fee,
                is_fee_included=is_fee_included,
                status=CONFIRMING,
                created_at=self._ids.stamp(),
                address=self._accounts[account].address(asset),
                memo=memo,
                network=None,
                transaction_hash=self._ids.word(256),
                confirmations=(0, confirmations),
            ),
        )

    def withdraw(self, account: str, asset: str, amount: Decimal) -> list[Event]:
        """From the main wallet, sent at once."""
        transaction, asked = self.request_withdrawal(account, asset, amount)
        return asked + self.advance(account, transaction.transaction_id, SUCCESS)[1]

    def request_withdrawal(
        self,
        account: str,
        asset: str,
        amount: Decimal,
        *,
        fee: Decimal = ZERO,
        is_fee_included: bool = True,
        address: str = "",
        memo: str = "",
        network: str | None = None,
        unique_id: str | None = None,
        status: int = PENDING,
    ) -> tuple[Transaction, list[Event]]:
        """One that waits to be sent, debited already unless its user has yet to confirm it."""
        assert amount > 0
        taken = {known.unique_id for known in self._accounts[account].papers.transactions.values()}
        if unique_id is not None and unique_id in taken:
            raise Refused("unique_id", "The unique id has already been taken.")
        return self._file(
            account,
            Transaction(
                transaction_id=self._ids.uuid(),
                unique_id=unique_id or self._ids.word(64),
                method=Method.WITHDRAWAL,
                asset=asset,
                amount=amount,
                fee=fee,
                is_fee_included=is_fee_included,
                status=status,
                created_at=self._ids.stamp(),
                address=address or self._ids.word(160),
                memo=memo,
                network=network,
                transaction_hash=None,
            ),
        )

    def advance(
        self,
        account: str,
        transaction_id: str,
        status: int,
        *,
        processed: tuple[Decimal, Decimal] | None = None,
    ) -> tuple[Transaction, list[Event]]:
        """The next status of a deposit or withdrawal, and the money that goes with it.

        `processed` is what was sent of a withdrawal that succeeds in part: amount and fee.  Raises
        Refused if there is no such transaction, or it never goes that way.
        """
        papers = self._accounts[account].papers
        old = papers.transactions.get(transaction_id)
        if old is None or not old.leads_to(status):
            raise Refused("status", f"{old and old.status} does not lead to {status}")
        sent = old.method is Method.WITHDRAWAL and status in (SUCCESS, 7, 18)
        new = replace(
            old,
            status=status,
            processed=processed,
            confirmations=old.confirmations if status == CONFIRMING else None,
            transaction_hash=self._ids.word(256) if sent else old.transaction_hash,
        )
        events = self._carry_out(account, new, minus(new.effect(), old.effect()))
        return new, events

    def confirm(self, account: str, transaction_id: str) -> Transaction:
        """One confirmation more for a deposit that waits for them; the last is not the credit."""
        papers = self._accounts[account].papers
        old = papers.transactions[transaction_id]
        assert old.confirmations is not None
        actual, required = old.confirmations
        new = replace(old, confirmations=(min(actual + 1, required), required))
        papers.transactions[transaction_id] = new
        return new

    def _file(self, account: str, new: Transaction) -> tuple[Transaction, list[Event]]:
        return new, self._carry_out(account, new, new.effect())

    def _carry_out(self, account: str, new: Transaction, effect: Decimal) -> list[Event]:
        known = self._accounts[account]
        events: list[Event] = []
        if effect:
            reason = new.method.name.lower()
            events = self.move([(known, Wallet.MAIN, new.asset, effect)], reason)
        known.papers.transactions[new.transaction_id] = new
        return events

    # Between wallets and accounts

    def transfer(
        self, account: str, asset: str, amount: Decimal, origin: Wallet, target: Wallet
    ) -> list[Event]:
        """Between own wallets; no record of it is ever shown."""
        assert amount > 0
        known = self._accounts[account]
        legs = [(known, origin, asset, negative(amount)), (known, target, asset, amount)]
        return self.move(legs, "transfer")

    def sub_transfer(
        self, master: str, sub_id: str, direction: Direction, asset: str, amount: Decimal
    ) -> tuple[SubTransfer, list[Event]]:
        """Between the main wallets of a master and of its sub-account."""
        known = self._accounts[master]
        sub = next((s for s in self.sub_accounts(master) if s.sub_id == sub_id), None)
        if sub is None:
            raise Refused("sub_account", "Sub account not found.")
        giver, taker = (known, sub) if direction is Direction.TO_SUB else (sub, known)
        events = self.move(
            [(giver, Wallet.MAIN, asset, negative(amount)), (taker, Wallet.MAIN, asset, amount)],
            "sub_transfer",
        )
        row = SubTransfer(
            transaction_id=self._ids.uuid(),
            sub_id=sub_id,
            direction=direction,
            asset=asset,
            amount=amount,
            moved_at=self._ids.stamp(),
        )
        known.papers.sub_transfers.append(row)
        return row, events

    def sub_accounts(self, master: str) -> list[Account]:
        """Those that belong to it."""
        return [account for account in self._accounts.values() if account.master == master]

    def create_code(
        self, account: str, asset: str, amount: Decimal, passphrase: str = ""
    ) -> tuple[CodeUse, list[Event]]:
        """The main wallet pays for it at once."""
        assert amount > 0
        known = self._accounts[account]
        events = self.move([(known, Wallet.MAIN, asset, negative(amount))], "code")
        code = Code(
            code=f"WB{self._ids.uuid()}{asset}",
            asset=asset,
            amount=amount,
            creator=account,
            passphrase=passphrase,
        )
        return self._use_code(known, code, negative(amount)), events

    def apply_code(
        self, account: str, code: str, passphrase: str = ""
    ) -> tuple[CodeUse, list[Event]]:
        """To the main wallet, also of the account that created it: its history would show both."""
        known = self._codes.get(code)
        if known is None or known.passphrase != passphrase:
            raise Refused("code", "Incorrect code or passphrase")
        if known.is_applied:
            raise Refused("code", "Code already applied")
        taker = self._accounts[account]
        events = self.move([(taker, Wallet.MAIN, known.asset, known.amount)], "code")
        return self._use_code(taker, replace(known, is_applied=True), known.amount), events

    def is_applied(self, code: str) -> bool:
        """Has somebody got its money?  KeyError if there is no such code."""
        return self._codes[code].is_applied

    def _use_code(self, account: Account, code: Code, amount: Decimal) -> CodeUse:
        self._codes[code.code] = code
        use = CodeUse(
            code=code.code,
            asset=code.asset,
            amount=amount,
            external_id=self._ids.uuid(),
            used_at=self._ids.stamp(),
        )
        account.papers.code_uses.append(use)
        return use

    # Without a reason, and with any

    def phantom(self, account: str, wallet: Wallet, asset: str, amount: Decimal) -> list[Event]:
        """Money that comes or goes without a reason: what a reconciler is there to find."""
        return self.move([(self._accounts[account], wallet, asset, amount)], "phantom")

    def spendable(self, account: Account, wallet: Wallet, asset: str) -> Decimal:
        """What may leave the wallet: of the collateral, what no position needs."""
        there = account.wallets.available(wallet, asset)
        if wallet is Wallet.COLLATERAL and asset == MONEY:
            return max(ZERO, min(there, self._margin.free(account)))
        return there

    def _movable(self, account: Account, wallet: Wallet, asset: str, reason: str) -> Decimal:
        if reason == "phantom":  # what has no reason asks for no leave
            return account.wallets.available(wallet, asset)
        return self.spendable(account, wallet, asset)

    def move(self, legs: Iterable[Leg], reason: str) -> list[Event]:
        """All legs or, if one of them can't be paid, none."""
        legs = list(legs)
        for account, wallet, asset, amount in legs:
            if amount < 0 and plus(self._movable(account, wallet, asset, reason), amount) < 0:
                raise Refused("balance", "Not enough balance.")
        told, moved_at = Told(), self._ids.stamp()
        for account, wallet, asset, amount in legs:
            account.wallets.change(wallet, asset, amount)
            account.movements.append(
                Movement(
                    wallet=wallet, asset=asset, amount=amount, reason=reason, moved_at=moved_at
                )
            )
            told.balance(account.name, asset, wallet)
        return told.events()
