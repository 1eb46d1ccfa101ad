"""Exact decimals: from text, to canonical text, and the arithmetic between.

Python's default decimal context rounds at 28 digits in silence, and a price times an amount
times a fee rate can be longer.  So nothing here (and nothing that uses it) computes with the bare
operators: `plus`, `minus` and `times` run in a context of our own in which a lost digit raises.
"""

import re
from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

DIGITS_MAX = 64
"""Significant digits accepted from outside. The longest number seen live has 21 (a main balance);
the exchange's engine keeps at most 30 (ViaBTC's `me_balance`)."""

EXPONENT_MAX = 40
"""A number from outside lies in 10^-40 … 10^40, so that none can be a bomb of zeros."""

EXACT = Context(
    prec=1000,
    Emin=-100_000,
    Emax=100_000,
    traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, Clamped],
)
"""Wide enough for any product of three accepted numbers; a result that would not fit raises."""

ZERO = Decimal(0)

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_TEXT_MAX = DIGITS_MAX + EXPONENT_MAX + 8


class NotANumber(ValueError):
    """Text that is no finite decimal number within the limits."""

    def __init__(self, text: str) -> None:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        super().__init__(f"{shown!r} is not a decimal number within the limits")


def amount(text: str) -> Decimal:
    """The number that `text` spells: `"0.5"`, `"100.00"`, `"-1"`, `"9.5e-07"`.

    Raises NotANumber for `NaN`, `Infinity`, underscores, blanks, non-ASCII digits, more than
    `DIGITS_MAX` digits or a magnitude beyond `EXPONENT_MAX`; `Decimal()` would accept them all.
    """
    if len(text) > _TEXT_MAX or _NUMBER.fullmatch(text) is None:
        raise NotANumber(text)
    return checked(Decimal(text))


def checked(number: Decimal) -> Decimal:
    """`number`, if it is finite and within the limits; for decoders that build Decimals.

    Raises NotANumber.  Looks at the exponent before anything is computed: `1E+999999999` costs
    nothing to hold and everything to write out.
    """
    if number.is_finite():
        if not number:
            return ZERO
        if (
            -EXPONENT_MAX <= number.adjusted() <= EXPONENT_MAX
            and len(number.as_tuple().digits) <= DIGITS_MAX
        ):
            return number
    raise NotANumber(str(number)[:64])


def canonical(number: Decimal) -> str:
    """Plain notation, no exponent, no trailing zeros, no negative zero: one text per value."""
    text = str(number)
    if text == "0" or (text[-1] != "0" and "E" not in text):
        return text  # as nearly all are: a third of the cost, and rows are made of these
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def plus(a: Decimal, b: Decimal) -> Decimal:
    """a + b, exactly."""
    return EXACT.add(a, b)


def minus(a: Decimal, b: Decimal) -> Decimal:
    """a − b, exactly."""
    return EXACT.subtract(a, b)


def times(a: Decimal, b: Decimal) -> Decimal:
    """a · b, exactly."""
    return EXACT.multiply(a, b)


def truncated(number: Decimal, decimals: int) -> Decimal:
    """What is shown of `number` when everything behind `decimals` places is cut off."""
    unit = Decimal(1).scaleb(-decimals)
    return minus(number, EXACT.remainder(number, unit))
