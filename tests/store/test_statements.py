"""A look-up costs what it finds, however long the record is and whatever SQLite knows of it."""

import pytest
from sqlalchemy import Table

from reconciler.store import schema
from reconciler.store.engine import open_database
from reconciler.store.statements import LookUp


@pytest.mark.parametrize(
    ("table", "by"),
    [
        (schema.postings, ["kind", "reference"]),
        (schema.conclusions, ["kind", "reference"]),
        (schema.deals, ["order_id", "deal_id"]),
        (schema.deals, ["order_id"]),
        (schema.orders, ["order_id"]),
        (schema.transactions, ["kind", "transaction_id"]),
        (schema.movements, ["kind", "movement_id"]),
        (schema.balances, ["wallet", "asset"]),
        (schema.proofs, ["wallet", "asset"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("keys", [1, 5, 100])
def test_sqlite_finds_each_key_by_all_of_it(
    sqlite_url: str, table: Table, by: list[str], keys: int
) -> None:
    with open_database(sqlite_url).reading() as connection:
        said: list[str] = []
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(said.append)
        assert (
            list(LookUp(connection.dialect, table, by=by)(connection, 1, [(1,) * len(by)] * keys))
            == []
        )
        driver.set_trace_callback(None)
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[-1]}")]
    [way] = [step for step in plan if step.startswith(f"SEARCH {table.name} ")]
    assert all(f"{part}=?" in way for part in ["account_id", *by]), way
