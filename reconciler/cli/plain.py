"""Values of a row as people read them, the same from both databases."""

from datetime import datetime
from decimal import Decimal

from reconciler.domain.moments import from_datetime, iso
from reconciler.domain.money import canonical


def plain(value: object) -> object:
    """Canonical amounts and ISO times in place of PostgreSQL's types; bytes in hexadecimal."""
    if isinstance(value, Decimal):
        return canonical(value) if value.is_finite() else str(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return iso(from_datetime(value))
    if isinstance(value, bytes):
        return value.hex()
    return value
