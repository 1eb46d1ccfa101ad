"""All private REST calls: what each path answers, and which are answered with 201."""

from reconciler.simulator.reads import READS, Read
from reconciler.simulator.writes import CREATED_BY_WRITES, WRITES

CALLS: dict[str, Read] = READS | WRITES
"""By path."""

CREATED = CREATED_BY_WRITES
"""Answered with 201."""
