"""`reconciler demo`: ends by itself, heals its own cut, tells its drift, and is equal."""

import re

import pytest

from tests.cli.calling import Within
from tests.cli.daemon import ended
from tests.running import run


def test_the_demo_heals_its_cut_is_told_of_its_drift_and_ends_equal() -> None:
    end = run(ended, "demo", "--for", "10s", seconds=120)
    assert end.code == 0, end.out + end.err
    assert "the connection is cut" in end.out
    assert "drift.detected: treasury, spot USDT differs by -15 from what" in end.out, end.out
    recovered = re.search(r"live again: (\d+) deals recovered", end.out)
    assert recovered is not None
    assert int(recovered[1]) > 0
    last = end.out.splitlines()[-1]
    assert re.fullmatch(
        r"database equals exchange: [\d,]+ deals, [\d,]+ orders, \d+ balances", last
    )


@pytest.mark.soak
def test_the_demo_keeps_its_record_where_it_is_told_and_spoils_none(postgres_url: str) -> None:
    arguments = ("demo", "--for", "10s", "--rate", "10", "--database", postgres_url)
    end = run(ended, *arguments, seconds=120)
    assert end.code == 0, end.out + end.err
    assert "latest deals in the database" in end.out
    again = run(ended, "demo", "--for", "10s", "--database", postgres_url)
    assert again.code == 2
    assert "holds a record already" in again.err


def test_a_length_that_makes_no_sense_is_refused(within: Within) -> None:
    end = within(None)("demo", "--for", "soon")
    assert end.code == 2
    assert "'soon' is not a duration" in end.err
