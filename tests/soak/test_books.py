"""The books through many lives and many first readings, each from its seed."""

import pytest

from reconciler.store.engine import open_database
from tests.simulation.test_books import live_fully
from tests.store.races import assert_exact, race, run_race

pytestmark = pytest.mark.soak

RACES = 3_000
AT_ONCE = 300


@pytest.mark.parametrize("first", range(0, RACES, AT_ONCE))
def test_openings_are_exact_in_thousands_of_races(sqlite_url: str, first: int) -> None:
    database = open_database(sqlite_url)
    for seed in range(first, first + AT_ONCE):
        run = race(seed)
        run_race(database, run, seed)
        assert_exact(database, run)


@pytest.mark.parametrize("seed", range(1, 17))
def test_two_thousand_operations_of_every_kind_drift_nowhere(sqlite_url: str, seed: int) -> None:
    live_fully(sqlite_url, seed, seconds=400)


@pytest.mark.parametrize("seed", [17, 18])
def test_on_postgresql_too(postgres_url: str, seed: int) -> None:
    live_fully(postgres_url, seed, seconds=400)
