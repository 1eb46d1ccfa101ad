"""Exact decimals of the simulated exchange, and the ways in which it prints them.

Arithmetic runs in a context in which a lost digit raises; nothing is ever rounded except for
display, where the exchange cuts digits off.
"""

from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=400, traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow])

SHOWN_DECIMALS = 8
"""Spot and collateral balances are cut to this many places (ViaBTC's `me_server.c`)."""

MAIN_DECIMALS = 16
"""Main balances were seen with this many (ccxt issue 22559)."""

ZERO = Decimal(0)

_EXPONENT_BELOW = Decimal("0.000001")


def plus(a: Decimal, b: Decimal) -> Decimal:
    """a + b, exactly."""
    return EXACT.add(a, b)


def minus(a: Decimal, b: Decimal) -> Decimal:
    """a − b, exactly."""
    return EXACT.subtract(a, b)


def times(a: Decimal, b: Decimal) -> Decimal:
    """a · b, exactly."""
    return EXACT.multiply(a, b)


def negative(number: Decimal) -> Decimal:
    """−number, exactly; the bare operator would round to 28 digits."""
    return number.copy_negate()


def cut(number: Decimal, decimals: int) -> Decimal:
    """`number` without the digits behind `decimals` places (towards zero)."""
    return EXACT.subtract(number, EXACT.remainder(number, Decimal(1).scaleb(-decimals)))


def affordable(money: Decimal, price: Decimal, decimals: int) -> Decimal:
    """The largest amount of `decimals` places that costs no more than `money` at `price`."""
    step = Decimal(1).scaleb(-decimals)
    return EXACT.multiply(EXACT.divide_int(money, EXACT.multiply(price, step)), step)


def text(number: Decimal) -> str:
    """Plain notation without an exponent or trailing zeros."""
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain == "-0" else plain


def shown(number: Decimal, decimals: int = SHOWN_DECIMALS) -> str:
    """A balance as the exchange prints it: cut, and with an exponent below 10⁻⁶ (`9.5e-07`,
    seen live in ccxt issue 17018)."""
    rest = cut(number, decimals)
    if not rest:
        return "0"
    if rest.copy_abs() >= _EXPONENT_BELOW:
        return text(rest)
    digits = f"{rest.normalize(EXACT):e}"
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa}e-{abs(int(exponent)):02d}"
