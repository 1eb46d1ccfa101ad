"""How amounts and moments lie in a database, and the conversions in both directions.

`Amount` and `Moment` are column types for schema and ordinary queries.  A type decorator costs a
Python call per value, so statements that carry many rows bypass them: they hand over what
`canonical` and `Encoding` make of the values, and the driver takes it as it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Dialect,
    Integer,
    Numeric,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

from reconciler.domain.moments import from_datetime, from_iso, iso, to_datetime
from reconciler.domain.money import canonical

ID_MAX = 2**63 - 1
"""The largest id that either database can hold; the exchange's are below 2·10^12 (2025)."""

Id = BigInteger().with_variant(Integer(), "sqlite")
"""STRICT tables know INTEGER only, which has 64 bits there."""

Flag = Boolean().with_variant(Integer(), "sqlite")


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Amount(TypeDecorator[Decimal]):
    """Exact: canonical text on SQLite, whose NUMERIC is a float; NUMERIC without a scale, which
    would round, on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[int]):
    """Microseconds: an integer on SQLite, TIMESTAMPTZ on PostgreSQL, which keeps just as many."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Integer())
        return dialect.type_descriptor(TIMESTAMP(timezone=True))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | datetime | None:
        return encoding_of(dialect).moment(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        found: int | None = encoding_of(dialect).moment_of(value)
        return found


class Stamp(TypeDecorator[int]):
    """Microseconds as the views show them: ISO 8601 text on SQLite, so that a query by time finds
    the index; TIMESTAMPTZ on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            Text() if dialect.name == "sqlite" else TIMESTAMP(timezone=True)
        )

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | datetime | None:
        return encoding_of(dialect).stamp(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        found: int | None = encoding_of(dialect).stamp_of(value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A database's own spelling of moments and amounts; None stays None.

    Amounts are written as `canonical` text everywhere: PostgreSQL parses it, digit for digit.
    """

    moment: Callable[[int | None], int | datetime | None]
    moment_of: Callable[[Any], Any]
    """An int, or None.  (Untyped, as rows are: which column may be NULL, the schema knows.)"""
    amount_of: Callable[[Any], Any]
    """A Decimal, or None."""
    stamp: Callable[[int | None], str | datetime | None]
    """A moment as a column of the type `Stamp` has it."""
    stamp_of: Callable[[Any], Any]


def amount(value: Decimal | None) -> str | None:
    """An amount as a driver takes it."""
    return None if value is None else canonical(value)


def storable(text: str) -> str:
    """`text` with what no database takes (NUL, lone surrogates) replaced by U+FFFD."""
    if text.isprintable():
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def encoding_of(dialect: Dialect) -> Encoding:
    """The encoding of SQLite or PostgreSQL."""
    return _SQLITE if dialect.name == "sqlite" else _POSTGRESQL


def _same(value: Any) -> Any:
    return value


_SQLITE = Encoding(
    moment=_same,
    moment_of=_same,
    amount_of=lambda text: None if text is None else Decimal(text),
    stamp=lambda moment: None if moment is None else iso(moment),
    stamp_of=lambda text: None if text is None else from_iso(text),
)
_POSTGRESQL = Encoding(
    moment=lambda moment: None if moment is None else to_datetime(moment),
    moment_of=lambda when: None if when is None else from_datetime(when),
    amount_of=_same,
    stamp=lambda moment: None if moment is None else to_datetime(moment),
    stamp_of=lambda when: None if when is None else from_datetime(when),
)
