"""Grids of cases: their corners in every run, all the rest in `make soak`."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def corners(often: Sequence[Any], grid: Iterable[Any]) -> list[Any]:
    """The parameters of a test.  Of a grid of pairs each is a tuple."""
    cases = list(grid)
    assert all(corner in cases for corner in often), "a corner lies in the grid"
    return [case if case in often else _seldom(case) for case in cases]


def _seldom(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.soak)


mostly_sqlite = pytest.mark.parametrize(
    "database_url", corners(["sqlite"], ["sqlite", "postgres"]), indirect=True
)
"""For what goes through the whole daemon: that its SQL means the same on both databases is shown
by the tests of `store`, and by one test of each kind of accident on both."""
