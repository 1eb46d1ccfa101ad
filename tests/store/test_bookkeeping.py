"""Which transactions may have been read wrongly, as the balance is to tell."""

from decimal import Decimal

from reconciler.domain.moments import SECOND
from reconciler.store.bookkeeping import Bookkeeping
from reconciler.store.engine import Database
from reconciler.store.ledger import Ledger
from tests.store.samples import NOON, apply, batch, transaction


def test_a_fee_is_asked_about_when_its_transaction_changed_however_old_it_is(
    database: Database,
) -> None:
    """Here a deposit that is credited after many that were made later."""
    fee = Decimal("0.1")
    made = [
        transaction(
            f"d-{n}",
            fee=fee,
            status="success",
            created_at=NOON + n * SECOND,
            updated_at=NOON + (n or 60) * SECOND,
        )
        for n in range(20)
    ]
    apply(database, batch(*made))
    dialect = database.dialect
    with database.reading() as connection:
        asked = Bookkeeping(dialect, Ledger(dialect)).other_readings(connection, 1, "USDT")
    assert (asked[0].key, asked[0].more) == ("deposit:d-0", fee)
    assert (asked[0].since, asked[0].until) == (NOON, NOON + 60 * SECOND)
