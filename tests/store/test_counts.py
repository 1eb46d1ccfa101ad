"""What a glance says of deals and orders is how many there are, however often they are told."""

from reconciler.store.counts import Counts
from reconciler.store.engine import Database
from reconciler.store.reads import Reads
from tests.store.samples import apply, batch, deal, order, rows


def test_deals_and_orders_are_counted_once(database: Database) -> None:
    apply(database, batch(deal(1), deal(1), deal(2), order(10)))
    apply(database, batch(deal(2), deal(3), order(10, final=True), order(11)))
    (status,) = Reads(database).status()
    assert (status.deals, status.orders) == (3, 2)


def test_rows_written_by_another_way_are_counted_again(database: Database) -> None:
    apply(database, batch(deal(1), deal(2), order(10)))
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM deals WHERE deal_id = 1")
        Counts(database.dialect).count_again(connection, 1)
    assert rows(database, "SELECT deals, orders FROM counts") == [(1, 1)]
