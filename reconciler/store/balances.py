"""Balance reports become the latest balances, and each change of an amount a row of the history.

Balances have no order of their own, so the order in which reports arrive is theirs.  It is not
taken from `observed_at`: a machine's clock can be set back between two runs, and then the truth
would have to wait for it.  Whether a balance is right is not judged here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace
from sqlalchemy import Connection, Dialect, bindparam, select

from reconciler.domain.facts import Balance, BalanceReport
from reconciler.domain.money import ZERO
from reconciler.domain.words import Wallet
from reconciler.store import schema
from reconciler.store.columns import encoding_of, storable
from reconciler.store.rows import Rows
from reconciler.store.statements import LookUp, Read, Values, Write

Place = tuple[Wallet, str]
"""A wallet, and an asset in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """What is known of one asset in one wallet."""

    balance: Balance
    observed_at: int
    source: str
    """How the amounts were first learned."""


class Balances:
    """Writes balances to one kind of database.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        table = schema.balances
        self._rows = Rows(encoding=encoding_of(dialect))
        self._known = LookUp(dialect, table, by=["wallet", "asset"])
        self._wallet = Read(
            dialect,
            select(table).where(
                table.c.account_id == bindparam("account"), table.c.wallet == bindparam("wallet")
            ),
        )
        amounts = [column.name for column in table.c if not column.primary_key]
        self._put = Write(dialect, table, overwritten=amounts)
        self._add_history = Write(dialect, schema.balance_history, generated=["id"])

    def apply(
        self,
        connection: Connection,
        account_id: int,
        reports: Sequence[BalanceReport],
        source: str,
    ) -> int:
        """Brings the latest balances up to the reports, one after the other.  Returns how many
        amounts changed; each such change is a row of the history."""
        latest = self._latest(connection, account_id, reports)
        touched: dict[Place, None] = {}  # in the order of the reports
        changes: list[Values] = []
        for report in reports:
            for balance in (*map(_storable, report.balances), *_unnamed(report, latest)):
                place = report.wallet, balance.asset
                known = latest.get(place)
                seen = balance if known is None else filled_up(known.balance, balance)
                changed = known is None or differs(known.balance, seen, report.wallet)
                latest[place] = Latest(
                    balance=seen,
                    observed_at=report.observed_at,
                    source=source if known is None or changed else known.source,
                )
                touched[place] = None
                if changed:
                    changes.append(self._row(account_id, place, latest[place]))
        self._put(connection, [self._row(account_id, place, latest[place]) for place in touched])
        self._add_history(connection, changes)
        return len(changes)

    def _latest(
        self, connection: Connection, account_id: int, reports: Iterable[BalanceReport]
    ) -> dict[Place, Latest]:
        """What is known of all that the reports are about."""
        whole = {report.wallet for report in reports if report.complete}
        single = {
            (str(report.wallet), storable(balance.asset))
            for report in reports
            if report.wallet not in whole
            for balance in report.balances
        }
        rows = [
            *self._known(connection, account_id, list(single)),
            *(
                row
                for wallet in whole
                for row in self._wallet(connection, account=account_id, wallet=str(wallet))
            ),
        ]
        return {
            (Wallet(row[1]), row[2]): Latest(
                balance=self._rows.balance_of(row),
                observed_at=self._rows.observed_at(row),
                source=row[8],
            )
            for row in rows
        }

    def _row(self, account_id: int, place: Place, latest: Latest) -> Values:
        wallet, _ = place
        return self._rows.balance(
            account_id, str(wallet), latest.balance, latest.observed_at, latest.source
        )


def _unnamed(report: BalanceReport, latest: dict[Place, Latest]) -> Iterator[Balance]:
    """What a complete report says by not naming it: nothing is left."""
    if not report.complete:
        return
    named = {storable(balance.asset) for balance in report.balances}
    for (wallet, asset), known in list(latest.items()):
        if wallet is report.wallet and asset not in named and not _is_zero(known.balance):
            yield Balance(
                asset=asset,
                available=_zeroed(known.balance.available),
                frozen=_zeroed(known.balance.frozen),
                borrowed=_zeroed(known.balance.borrowed),
                total=ZERO,
            )


def _storable(balance: Balance) -> Balance:
    asset = storable(balance.asset)
    return balance if asset is balance.asset else replace(balance, asset=asset)


def _zeroed(part: Decimal | None) -> Decimal | None:
    return None if part is None else ZERO


def _is_zero(balance: Balance) -> bool:
    return not (balance.available or balance.frozen or balance.borrowed or balance.total)


def filled_up(known: Balance, seen: Balance) -> Balance:
    """What is seen, with the parts that only an earlier report named."""
    if None not in (seen.available, seen.frozen, seen.borrowed):
        return seen
    return Balance(
        asset=seen.asset,
        available=known.available if seen.available is None else seen.available,
        frozen=known.frozen if seen.frozen is None else seen.frozen,
        borrowed=known.borrowed if seen.borrowed is None else seen.borrowed,
        total=seen.total,
    )


def differs(known: Balance, seen: Balance, wallet: Wallet) -> bool:
    """Whether an amount changed.  What collateral has available moves with every price and is no
    change of what is owned."""
    if wallet is Wallet.COLLATERAL:
        return (known.total, known.borrowed) != (seen.total, seen.borrowed)
    return known != seen
