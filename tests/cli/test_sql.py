"""`reconciler sql`: reads exactly, prints three ways, and writes nothing."""

import csv
import json

import pytest

from tests.cli.calling import Call, is_one_line


def test_a_view_that_is_empty_has_its_columns(call: Call) -> None:
    ended = call("sql", "SELECT * FROM v_balances", "--format", "csv")
    assert ended.code == 0
    assert ended.out == (
        "account,wallet,asset,available,frozen,borrowed,total,observed_at,source\n"
    )


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        (("0.1", "0.2"), "0.3"),
        (("1000000000000000000000000000", "0.000000000001"), f"1{'0' * 27}.{'0' * 11}1"),
    ],
)
def test_decimal_sum_is_exact_on_both_databases(
    call: Call, database_url: str, amounts: tuple[str, str], total: str
) -> None:
    kind = "TEXT" if database_url.startswith("sqlite") else "NUMERIC"
    rows = " UNION ALL ".join(f"SELECT CAST('{amount}' AS {kind}) AS a" for amount in amounts)
    ended = call("sql", f"SELECT decimal_sum(a) AS total FROM ({rows}) x", "--format", "json")
    assert json.loads(ended.out) == [{"total": total}]


def test_the_three_formats_say_the_same(call: Call) -> None:
    query = "SELECT 7 AS number, 'a, \"b\"' AS text, NULL AS missing, '5%' AS share"
    [row] = json.loads(call("sql", query, "--format", "json").out)
    assert row == {"number": 7, "text": 'a, "b"', "missing": None, "share": "5%"}
    lines = [*csv.reader(call("sql", query, "--format", "csv").out.splitlines())]
    assert lines == [["number", "text", "missing", "share"], ["7", 'a, "b"', "", "5%"]]
    table = call("sql", query).out
    assert table.splitlines()[0].split() == ["number", "text", "missing", "share"]
    assert 'a, "b"' in table
    assert "1 row" in table


def test_a_query_may_be_piped_in(call: Call) -> None:
    ended = call("sql", "--format", "csv", piped="SELECT 1 AS one\n")
    assert (ended.code, ended.out) == (0, "one\n1\n")


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM deals",
        "UPDATE accounts SET name = 'x'",
        "INSERT INTO accounts (name) VALUES ('x')",
        "DROP VIEW v_deals",
        "CREATE TABLE t (i INTEGER)",
        "SET TRANSACTION READ WRITE; DELETE FROM deals",
        "COMMIT; BEGIN; DELETE FROM deals",
    ],
)
def test_nothing_is_written(call: Call, query: str) -> None:
    ended = call("sql", query)
    assert ended.code == 2
    assert is_one_line(ended), ended
    assert any(why in ended.err for why in ("read", "one statement", "multiple commands", "syntax"))
    assert call("sql", "SELECT * FROM v_deals").code == 0


@pytest.mark.parametrize("query", ["SELEC 1", "SELECT nope", "SELECT * FROM nope", "", "  "])
def test_a_wrong_query_is_one_line_and_two(call: Call, query: str) -> None:
    ended = call("sql", query)
    assert ended.code == 2
    assert is_one_line(ended), ended


def test_bytes_are_printed_in_hexadecimal(call_fresh: Call) -> None:
    call_fresh("db", "upgrade")
    for format_ in ("csv", "json", "table"):
        assert "00ff" in call_fresh("sql", "SELECT x'00ff' AS b", "--format", format_).out


def test_a_schema_that_is_missing_is_told_with_its_remedy(call_fresh: Call) -> None:
    ended = call_fresh("sql", "SELECT 1")
    assert ended.code == 4
    assert is_one_line(ended), ended
    assert "reconciler db upgrade" in ended.err
