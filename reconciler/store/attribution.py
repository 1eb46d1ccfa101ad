"""The candidates that are kept with a drift: found when it is detected or changes, and once more
when it is over, if a record that came late was the reason."""

from decimal import Decimal

import msgspec
from sqlalchemy import Connection, Dialect

from reconciler.domain.moments import DAY
from reconciler.domain.money import minus, plus
from reconciler.reconcile.explain import Candidate, candidates, resolution
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.offsets import differences
from reconciler.reconcile.prefix import Skew, window
from reconciler.store.evidence import Evidences
from reconciler.store.ledger import Place

Parted = tuple[int | None, int]
"""Between which reports, by our clock, reports and ledger parted: the last one that was verified,
and the first one that said otherwise."""


class Attribution:
    """Asks one kind of database.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        self._evidences = Evidences(dialect)

    def of_drift(
        self,
        connection: Connection,
        account_id: int,
        place: Place,
        proof: Proof,
        parted: Parted,
        skew: Skew,
    ) -> tuple[Candidate, ...]:
        """What may be behind the drift that the proof shows."""
        assert proof.base is not None
        assert proof.level is not None
        moved = differences(proof.level, proof.base)
        evidence = self._evidences.gather(connection, account_id, place, *_between(parted, skew))
        return candidates(moved, evidence)

    def of_resolution(
        self,
        connection: Connection,
        account_id: int,
        place: Place,
        difference: Decimal,
        unit: Decimal,
        parted: Parted,
        skew: Skew,
    ) -> tuple[Candidate, ...]:
        """What was learned since of the time when the drift began, and explains it all."""
        room = plus(unit, unit)
        moved = ((minus(difference, room), plus(difference, room)),)
        lines = self._evidences.lines(connection, account_id, place, *_between(parted, skew))
        return resolution(moved, lines)


def encoded(found: tuple[Candidate, ...]) -> str:
    """As a row of `drifts` keeps them."""
    return msgspec.json.encode(found).decode()


def decoded(text: str) -> tuple[Candidate, ...]:
    """Out of a row of `drifts`."""
    return _CANDIDATES.decode(text)


_CANDIDATES = msgspec.json.Decoder(tuple[Candidate, ...])


def _between(parted: Parted, skew: Skew) -> tuple[int, int]:
    """The time of the exchange in which it must have happened."""
    after, until = parted
    _, last = window(until, skew)
    first, _ = window(until - DAY if after is None else after, skew)
    return first, last
