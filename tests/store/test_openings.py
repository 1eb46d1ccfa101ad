"""The first report races with deals, and the opening is exact all the same."""

import pytest

from reconciler.store.engine import Database
from tests.grids import corners
from tests.store.races import assert_exact, race, run_race


@pytest.mark.parametrize("first", corners([0], [0, 20]))
def test_an_opening_is_exact_whatever_races_with_the_first_reports(
    database: Database, first: int
) -> None:
    """Thousands more: tests/soak/test_books.py."""
    for seed in range(first, first + 8):
        run = race(seed)
        run_race(database, run, seed)
        assert_exact(database, run)
