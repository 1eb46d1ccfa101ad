import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.money import canonical, minus, plus, times
from reconciler.store import decimals
from reconciler.store.engine import Database
from tests.store.samples import rows

numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**25), max_value=10**25, places=15
)


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        decimals.register(opened)
        yield opened


@given(numbers, numbers)
def test_arithmetic_is_python_s_own_and_exact(
    connection: sqlite3.Connection, a: Decimal, b: Decimal
) -> None:
    query = "SELECT decimal_add(:a, :b), decimal_sub(:a, :b), decimal_mul(:a, :b)"
    found = connection.execute(query, {"a": canonical(a), "b": canonical(b)}).fetchone()
    assert [Decimal(text) for text in found] == [plus(a, b), minus(a, b), times(a, b)]


@given(st.lists(st.none() | numbers, max_size=20))
def test_a_sum_is_exact_and_leaves_nulls_out(
    connection: sqlite3.Connection, values: list[Decimal | None]
) -> None:
    table = " UNION ALL ".join(["SELECT ? AS x"] * len(values)) or "SELECT 1 AS x WHERE false"
    texts = [None if value is None else canonical(value) for value in values]
    (found,) = connection.execute(f"SELECT decimal_sum(x) FROM ({table})", texts).fetchone()
    present = [value for value in values if value is not None]
    if not present:
        assert found is None
    else:
        total = Decimal(0)
        for value in present:
            total = plus(total, value)
        assert Decimal(found) == total


def test_a_running_sum_forgets_what_leaves_its_window(database: Database) -> None:
    found = rows(
        database,
        """
        WITH t(n, x) AS (
            SELECT 1, CAST('0.1' AS NUMERIC) WHERE 1 = 0
            UNION ALL SELECT 1, NULL
            UNION ALL SELECT 2, 2
            UNION ALL SELECT 3, 30
            UNION ALL SELECT 4, NULL
            UNION ALL SELECT 5, NULL
        )
        SELECT decimal_sum(x) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t
        """,
    )
    assert [None if x is None else Decimal(str(x)) for (x,) in found] == [None, 2, 32, 30, None]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("decimal_add('0.1', '0.2')", "0.3"),
        ("decimal_sub('1', '0.000000000000000001')", "0.999999999999999999"),
        ("decimal_mul('123456789012345678901234567890', '0.000000000000000000001')", None),
        ("decimal_cmp('10', '9')", "1"),
        ("decimal_cmp('1.0', '1')", "0"),
        ("decimal_cmp('-2', '1')", "-1"),
        ("coalesce(decimal_add(NULL, '1'), '7')", "7"),
        ("(SELECT coalesce(decimal_sum(fee), '7') FROM v_deals)", "7"),
    ],
)
def test_one_query_says_the_same_on_both_databases(
    database: Database, expression: str, value: str | None
) -> None:
    ((found,),) = rows(database, f"SELECT {expression}")
    assert Decimal(str(found)) == Decimal(value or "123456789.012345678901234567890")


def test_text_that_is_no_number_is_an_error_not_a_zero(connection: sqlite3.Connection) -> None:
    for text in ("abc", "", "NaN", "1e999", "0x1"):
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("SELECT decimal_add(?, 1)", [text])


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 shell on this machine")
@pytest.mark.parametrize(
    "expression",
    [
        "decimal('1.50')",
        "decimal('-0')",
        "decimal('0.00')",
        "decimal('.5')",
        "decimal('1e3')",
        "decimal('007')",
        "decimal_add('1.5', '1.5')",
        "decimal_sub('1', '1.00')",
        "decimal_mul('1.50', '2.0')",
        "decimal_mul('1.50', '2')",
        "decimal_mul('0.25', '0.4')",
        "decimal_cmp('2', '10')",
        "decimal_add(NULL, '1')",
        "(SELECT decimal_sum(x) FROM (SELECT '0.10' AS x UNION ALL SELECT '2'))",
    ],
)
def test_the_spelling_is_that_of_sqlite_s_shell(
    connection: sqlite3.Connection, expression: str
) -> None:
    shell = subprocess.run(
        ["sqlite3", ":memory:", f"SELECT {expression}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (found,) = connection.execute(f"SELECT {expression}").fetchone()
    assert ("" if found is None else str(found)) == shell
