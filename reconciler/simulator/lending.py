"""Money that earns: lending for a fixed term or a flexible one, and payouts of the mining pool.

What is lent lies outside the three wallets.  Clients see rows of it only if they are business
accounts (PROTOCOL § 5.13); to others it is money that comes and goes.
"""

from dataclasses import replace
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.ids import Ids
from reconciler.simulator.numbers import ZERO, minus, negative, plus
from reconciler.simulator.papers import Action, Investment, LendingRow, MiningReward
from reconciler.simulator.records import Event, Wallet
from reconciler.simulator.treasury import Treasury


class Lending:
    """Of one exchange."""

    def __init__(self, accounts: dict[str, Account], ids: Ids, treasury: Treasury) -> None:
        self._accounts = accounts
        self._ids = ids
        self._treasury = treasury

    def invest(
        self, account: str, asset: str, amount: Decimal, *, is_flexible: bool = False
    ) -> tuple[Investment, list[Event]]:
        """Takes the amount from the main wallet.  Raises Refused."""
        events = self._pay(account, asset, negative(amount), "investment")
        now = self._ids.stamp()
        investment = Investment(
            investment_id=self._ids.uuid(),
            plan_id=f"{'flex' if is_flexible else 'fixed'}-{asset}",
            asset=asset,
            is_flexible=is_flexible,
            amount=amount,
            interest=ZERO,
            is_open=True,
            created_at=now,
            updated_at=now,
        )
        if is_flexible:
            self._row(account, investment, amount, Action.OPEN)
        self._accounts[account].papers.investments[investment.investment_id] = investment
        return investment, events

    def earn(self, account: str, investment_id: str, amount: Decimal) -> list[Event]:
        """Interest: to the main wallet of a fixed investment, into the plan of a flexible one."""
        old = self._open_investment(account, investment_id)
        events: list[Event] = []
        if not old.is_flexible:
            events = self._pay(account, old.asset, amount, "interest")
        self._row(account, old, amount, Action.EARN)
        self._keep(account, replace(old, interest=plus(old.interest, amount)))
        return events

    def close(self, account: str, investment_id: str) -> list[Event]:
        """Gives back what was lent; of a flexible investment with what it earned."""
        old = self._open_investment(account, investment_id)
        amount = plus(old.amount, old.interest) if old.is_flexible else old.amount
        events = self._pay(account, old.asset, amount, "investment")
        if old.is_flexible:
            self._row(account, old, amount, Action.CLOSE)
        self._keep(account, replace(old, is_open=False))
        return events

    def mine(
        self,
        account: str,
        asset: str,
        total: Decimal,
        *,
        fee: Decimal = ZERO,
        is_outside: bool = False,
        status: str = "successful",
    ) -> tuple[MiningReward, list[Event]]:
        """A payout; only a successful one to the main wallet moves money."""
        now = self._ids.stamp()
        is_paid = status == "successful"
        reward = MiningReward(
            pool_account=f"{account}-pool",
            asset=asset,
            total=total,
            fee=fee,
            reward=minus(total, fee),
            is_outside=is_outside,
            status=status,
            earned_at=now,
            paid_at=now if is_paid else None,
        )
        self._accounts[account].papers.mining.append(reward)
        if not is_paid or is_outside:
            return reward, []
        return reward, self._pay(account, asset, reward.reward, "mining")

    def _open_investment(self, account: str, investment_id: str) -> Investment:
        investment = self._accounts[account].papers.investments[investment_id]
        assert investment.is_open
        return investment

    def _keep(self, account: str, investment: Investment) -> None:
        investment = replace(investment, updated_at=self._ids.stamp())
        self._accounts[account].papers.investments[investment.investment_id] = investment

    def _row(self, account: str, investment: Investment, amount: Decimal, action: Action) -> None:
        self._accounts[account].papers.lending.append(
            LendingRow(
                transaction_id=self._ids.uuid(),
                plan_id=investment.plan_id,
                investment_id=investment.investment_id,
                asset=investment.asset,
                amount=amount,
                action=action,
                is_flexible=investment.is_flexible,
                created_at=self._ids.stamp(),
            )
        )

    def _pay(self, account: str, asset: str, amount: Decimal, reason: str) -> list[Event]:
        leg = (self._accounts[account], Wallet.MAIN, asset, amount)
        return self._treasury.move([leg], reason)
