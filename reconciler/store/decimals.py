"""Exact decimal functions for SQLite, by the names that its own shell gives them.

`decimal_sum` (aggregate and window), `decimal_add`, `decimal_sub`, `decimal_mul`, `decimal_cmp` and
`decimal` take decimal text and give decimal text, as SQLite's decimal extension does; PostgreSQL
gets functions of the same names from the migration, so one query runs in psql, in the sqlite3
shell and here.  (All but `decimal`, which is a type there.)  NULL in, NULL out; a sum leaves NULLs
out and is NULL when nothing is left.  Text that is no number raises instead of counting as zero.
"""

import re
import sqlite3
from decimal import Decimal

from reconciler.domain.money import EXACT, ZERO, NotANumber, canonical, minus, plus, times

Value = str | int | float | None

_FORM = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_TEXT_MAX = 300


def register(connection: sqlite3.Connection) -> None:
    """Teach one SQLite connection the functions."""
    for name, arity, function in (
        ("decimal", 1, decimal),
        ("decimal_add", 2, decimal_add),
        ("decimal_sub", 2, decimal_sub),
        ("decimal_mul", 2, decimal_mul),
        ("decimal_cmp", 2, decimal_cmp),
        ("canonical_add", 2, canonical_add),
    ):
        connection.create_function(name, arity, function, deterministic=True)
    connection.create_window_function("decimal_sum", 1, DecimalSum)


def decimal(value: Value) -> str | None:
    """The number in plain notation, with the decimals that it came with."""
    return None if value is None else _text(_number(value))


def decimal_add(a: Value, b: Value) -> str | None:
    """a + b."""
    return None if a is None or b is None else _text(plus(_number(a), _number(b)))


def decimal_sub(a: Value, b: Value) -> str | None:
    """a − b."""
    return None if a is None or b is None else _text(minus(_number(a), _number(b)))


def decimal_mul(a: Value, b: Value) -> str | None:
    """a · b; trailing zeros only as far as both factors have decimals, as in the shell."""
    if a is None or b is None:
        return None
    x, y = _number(a), _number(b)
    text = _text(times(x, y))
    spare = _decimals(x) + _decimals(y) - min(_decimals(x), _decimals(y))
    while spare and text[-1] == "0":
        text, spare = text[:-1], spare - 1
    return text.removesuffix(".")


def decimal_cmp(a: Value, b: Value) -> int | None:
    """−1, 0 or 1 as a is below, equal to or above b, by value.  (The shell of SQLite 3.40 says
    that 1 is below 1.0; canonical text never shows the difference.)"""
    if a is None or b is None:
        return None
    x, y = _number(a), _number(b)
    return (x > y) - (x < y)


def canonical_add(a: Value, b: Value) -> str | None:
    """a + b as amounts are stored, without trailing zeros.  (Ours alone; no view needs it.)"""
    return None if a is None or b is None else canonical(plus(_number(a), _number(b)))


class DecimalSum:
    """The exact sum of what is in the window."""

    def __init__(self) -> None:
        self._sum = ZERO
        self._count = 0

    def step(self, value: Value) -> None:
        if value is not None:
            self._sum = EXACT.add(self._sum, _number(value))
            self._count += 1

    def inverse(self, value: Value) -> None:
        if value is not None:
            self._sum = EXACT.subtract(self._sum, _number(value))
            self._count -= 1

    def value(self) -> str | None:
        return _text(self._sum) if self._count else None

    finalize = value


def _number(value: Value) -> Decimal:
    """Of a REAL the shortest text that means it.  A sum may be longer than what is accepted from
    the exchange, so form and size are checked more generously than `money.amount` does."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _TEXT_MAX or _FORM.fullmatch(text) is None:
        raise NotANumber(text)
    return Decimal(text)


def _text(number: Decimal) -> str:
    text = format(number, "f")
    return text if number else text.removeprefix("-")


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)
