"""All private REST calls: what each path answers, and which are answered with 201."""

from reconciler.simulator.collateral_calls import COLLATERAL_CALLS
from reconciler.simulator.conditional_calls import CONDITIONAL_CALLS
from reconciler.simulator.convert_calls import CONVERT_CALLS
from reconciler.simulator.lending_calls import LENDING_CALLS
from reconciler.simulator.main_calls import MAIN_CALLS, MAIN_CREATED
from reconciler.simulator.reads import READS, Read
from reconciler.simulator.sub_calls import SUB_CALLS
from reconciler.simulator.writes import WRITES

CALLS: dict[str, Read] = (
    READS
    | WRITES
    | MAIN_CALLS
    | COLLATERAL_CALLS
    | CONDITIONAL_CALLS
    | CONVERT_CALLS
    | SUB_CALLS
    | LENDING_CALLS
)
"""By path."""

CREATED = frozenset(MAIN_CREATED)
"""Answered with 201."""
