"""How far the record is known to be whole."""

import pytest

from reconciler.domain.facts import ClockNotice, GapNotice, PassNotice
from reconciler.domain.moments import SECOND
from reconciler.domain.words import CANCELED, UNCONFIRMED, TransactionKind
from reconciler.reconcile.prefix import AHEAD, Skew
from reconciler.store.engine import Database
from reconciler.store.horizon import GAP_WAITED_FOR, Horizon
from tests.store.samples import NOON, apply, batch, transaction

SURE = Skew(offset=0, uncertainty=0)
GAP = GapNotice(stream="deals", since=NOON, until=NOON + SECOND, reason="a row unread")


def proven(database: Database) -> int | None:
    with database.reading() as connection:
        return Horizon(database.dialect).proven_until(connection, 1, SURE)


def test_nothing_is_proven_before_a_pass(database: Database) -> None:
    apply(database, batch(ClockNotice(offset=0, uncertainty=0)))
    assert proven(database) is None


def test_a_pass_proves_all_before_it_but_what_comes_after_a_gap(database: Database) -> None:
    apply(database, batch(PassNotice(until=NOON + 60 * SECOND)))
    assert proven(database) == NOON + 60 * SECOND - AHEAD
    apply(database, batch(GAP))
    assert proven(database) == NOON - AHEAD


def test_what_no_pass_can_read_is_not_waited_for_for_ever(database: Database) -> None:
    apply(database, batch(GAP, PassNotice(until=NOON + GAP_WAITED_FOR)))
    assert proven(database) == NOON - AHEAD
    later = NOON + SECOND + GAP_WAITED_FOR
    apply(database, batch(PassNotice(until=later)))
    assert proven(database) == later - AHEAD


@pytest.mark.parametrize("status", [CANCELED, UNCONFIRMED])
def test_a_withdrawal_that_takes_nothing_any_more_gave_it_back_when_it_changed(
    database: Database, status: str
) -> None:
    """Deposits and what is on its way do not count."""
    out = TransactionKind.WITHDRAWAL
    apply(
        database,
        batch(
            transaction("w-1", kind=out, status=status, updated_at=NOON + 5),
            transaction("w-2", kind=out, status="pending", updated_at=NOON + 7),
            transaction("d-1", status=status, updated_at=NOON + 9),
        ),
    )
    with database.reading() as connection:
        horizon = Horizon(database.dialect)
        assert horizon.given_back_at(connection, 1, "USDT", SURE) == NOON + 5
        assert horizon.given_back_at(connection, 1, "BTC", SURE) is None
