"""JSON text to exact numbers, within limits that are checked before any work is done.

Relies on `domain.money` and `domain.moments` for what a number may be.  Nothing here passes through
a float: a number reaches us as its own text, be it bare in the JSON or quoted.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Raw

from reconciler.domain.moments import MOMENT_MAX, from_seconds
from reconciler.domain.money import EXACT, ZERO, amount

NESTING_MAX = 32
"""Levels of brackets in one text.  The deepest documented answer (assets) has five; the decoder
recurses once a level, so this also keeps it far from the interpreter's limit."""

ID_MAX = 2**63 - 1
"""The largest id that both databases hold.  The largest seen live has 41 bits (PROTOCOL § 6.2)."""

Id = Annotated[int, Meta(ge=0, le=ID_MAX)]
"""An id as a bare JSON number."""

EXCERPT_BYTES_MAX = 2048
"""What is kept of a text that can't be understood."""

_SHORT_MAX = 40
_MILLISECONDS_FROM = Decimal(10) ** 11


class Misshapen(ValueError):
    """Well-formed JSON that is not what it should be here; says what was expected."""


def exact(text: str) -> Decimal:
    """The number in a JSON string.  Raises NotANumber like `domain.money.amount`.

    The same as `amount`, three times faster for what all live numbers look like: short, plain
    digits, which need no check against the limits; and a third of them are `"0"`.
    """
    if text == "0":
        return ZERO
    if len(text) <= _SHORT_MAX and text.isascii() and text.replace(".", "", 1).isdigit():
        return Decimal(text) or ZERO
    return amount(text)


def exact_of(raw: Raw) -> Decimal:
    """The number in a JSON value that may be a string or a bare number.  Raises NotANumber."""
    return exact(_unquoted(raw))


def exact_or_none(raw: Raw) -> Decimal | None:
    """Like `exact_of`; None where there is no number: absent, null, empty or `NaN` (trap 70)."""
    if not is_given(raw) or bytes(raw) in (b'""', b'"NaN"'):
        return None
    return exact_of(raw)


def moment(raw: Raw) -> int:
    """Unix time, number or string, in microseconds, rounded half-even.

    Seconds unless beyond 10^11, which are milliseconds (PROTOCOL § 9, trap 74).  Ten digits before
    the point and at most six behind are what nearly every time looks like, and are microseconds as
    they stand.  Raises NotAMoment or NotANumber.
    """
    whole, _, fraction = bytes(raw).partition(b".")
    if len(whole) == 10 and len(fraction) <= 6:
        digits = (whole + fraction).ljust(16, b"0")
        if digits.isdigit() and (us := int(digits)) <= MOMENT_MAX:
            return us
    seconds = amount(_unquoted(raw))
    if seconds > _MILLISECONDS_FROM:
        seconds = seconds.scaleb(-3, EXACT)
    return from_seconds(seconds)


def moment_or_none(raw: Raw) -> int | None:
    """Like `moment`; None where the field is absent or null."""
    return moment(raw) if is_given(raw) else None


def is_given(raw: Raw) -> bool:
    """Whether an optional field was there and not null."""
    return bytes(raw) not in (b"", b"null")


def number(value: int | str) -> int:
    """An id, bare or quoted as in some old answers.  Raises Misshapen."""
    if isinstance(value, str):
        if not (len(value) < 20 and value.isascii() and value.isdigit() and int(value) <= ID_MAX):
            raise Misshapen(f"{value[:40]!r} is not an id")
        return int(value)
    return value


def check_nesting(text: bytes) -> None:
    """Raises Misshapen if brackets nest deeper than `NESTING_MAX` or do not match.

    Counting brackets settles it for nearly every frame.  Else strings are cut out and innermost
    pairs removed level by level: a few passes at the speed of memory, whatever the input.
    """
    if text.count(b"[") + text.count(b"{") <= NESTING_MAX:
        return
    bare = b"".join(text.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    brackets = bare.translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(NESTING_MAX):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return
    raise Misshapen(f"nested deeper than {NESTING_MAX} levels, or unbalanced")


def excerpt(text: bytes) -> str:
    """The beginning of `text`, at most `EXCERPT_BYTES_MAX` bytes, such as any database can hold."""
    shown = text[:EXCERPT_BYTES_MAX].decode("utf-8", "backslashreplace").replace("\0", "\\0")
    return shown.encode()[:EXCERPT_BYTES_MAX].decode("utf-8", "ignore")


_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def _unquoted(raw: Raw) -> str:
    text = str(raw, "utf-8")
    return text[1:-1] if text[:1] == '"' else text
