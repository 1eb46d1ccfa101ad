"""Proofs as rows: one asset in one wallet, while it is judged.

Which of them a transaction needs is asked here by what they are (in doubt, unopened, of an asset);
what becomes of them is decided in `proofs`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, literal_column, select

from reconciler.domain.money import ZERO, canonical, minus
from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof
from reconciler.store import schema
from reconciler.store.columns import amount, encoding_of
from reconciler.store.ledger import Place
from reconciler.store.statements import LookUp, Read, Values, Write

_PROOF = msgspec.json.Decoder(Proof)


@dataclass(slots=True)
class Case:
    """One asset in one wallet, while it is judged."""

    place: Place
    proof: Proof
    decimals: int
    reported: Decimal = ZERO
    was: str | None = None
    """The state in which it was found; None of a new one."""
    expected: Decimal | None = None
    difference: Decimal | None = None
    verified_at: int | None = None

    @property
    def wallet(self) -> Wallet:
        return Wallet(self.place[0])

    @property
    def unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.decimals)

    def agrees(self, expected: Decimal) -> None:
        """The proof is verified; the ledger then expects so much."""
        self.expected = expected
        self.difference = minus(self.reported, expected)
        self.verified_at = self.proof.verified_at

    @property
    def state(self) -> str:
        """As the row has it; the view shows `opening` as pending and `moving` as a drift."""
        if self.proof.base is None:
            return "opening"
        if self.proof.has_drifted:
            return "drift" if self.proof.step is None else "moving"
        return "verified" if self.proof.step is None else "pending"


class Cases:
    """The proofs in one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        proofs = schema.proofs
        values = [column.name for column in proofs.c if not column.primary_key]
        self._put = Write(dialect, proofs, overwritten=values)
        self._known = LookUp(dialect, proofs, by=["wallet", "asset"])
        of_account = select(proofs).where(proofs.c.account_id == bindparam("account"))
        self._of_wallet = Read(dialect, of_account.where(proofs.c.wallet == bindparam("wallet")))
        self._of_asset = Read(dialect, of_account.where(proofs.c.asset == bindparam("asset")))
        self._in_doubt = Read(
            dialect,
            of_account.where(
                schema.is_unverified,
                proofs.c.state.in_([literal_column("'pending'"), literal_column("'moving'")]),
            ),
        )
        self._unopened = Read(
            dialect,
            of_account.where(schema.is_unverified, proofs.c.state == literal_column("'opening'")),
        )

    def in_doubt(self, connection: Connection, account_id: int) -> list[Case]:
        """Those with a step that nothing explains yet."""
        return [*map(self._case, self._in_doubt(connection, account=account_id))]

    def unopened(self, connection: Connection, account_id: int) -> list[Case]:
        """Those of which the opening is not known."""
        return [*map(self._case, self._unopened(connection, account=account_id))]

    def known(self, connection: Connection, account_id: int, places: Sequence[Place]) -> list[Case]:
        """Those of these places that there are."""
        unique = {
            case.place: case
            for case in map(self._case, self._known(connection, account_id, places))
        }
        return [*unique.values()]

    def of_asset(self, connection: Connection, account_id: int, asset: str) -> list[Case]:
        """The asset in all wallets."""
        return [*map(self._case, self._of_asset(connection, account=account_id, asset=asset))]

    def siblings(
        self, connection: Connection, account_id: int, asset: str, cases: Mapping[Place, Case]
    ) -> list[Case]:
        """The asset in all wallets, where they are among `cases` as they are there."""
        known = {case.place: case for case in self.of_asset(connection, account_id, asset)}
        return [case for place, case in (known | dict(cases)).items() if place[1] == asset]

    def assets(self, connection: Connection, account_id: int, wallet: str) -> set[str]:
        """All that was ever reported of the wallet."""
        rows = self._of_wallet(connection, account=account_id, wallet=wallet)
        return {row[2] for row in rows}

    def put(self, connection: Connection, account_id: int, cases: Iterable[Case]) -> None:
        """Writes them as they are now."""
        self._put(connection, [self._row(account_id, case) for case in cases])

    def _case(self, row: Values) -> Case:
        number = self._encoding.amount_of
        return Case(
            place=(row[1], row[2]),
            proof=_PROOF.decode(row[3]),
            decimals=row[4],
            was=row[5],
            expected=number(row[6]),
            reported=number(row[7]),
            difference=number(row[8]),
            verified_at=self._encoding.moment_of(row[9]),
        )

    def _row(self, account_id: int, case: Case) -> Values:
        return (
            account_id,
            *case.place,
            msgspec.json.encode(case.proof).decode(),
            case.decimals,
            case.state,
            amount(case.expected),
            canonical(case.reported),
            amount(case.difference),
            self._encoding.moment(case.verified_at),
        )
