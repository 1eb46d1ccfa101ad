"""JSON text to exact numbers, and the limits."""

import json
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from reconciler.domain.moments import NotAMoment
from reconciler.domain.money import NotANumber, amount
from reconciler.wire.numbers import (
    EXCERPT_BYTES_MAX,
    ID_MAX,
    NESTING_MAX,
    Misshapen,
    check_nesting,
    exact,
    exact_of,
    exact_or_none,
    excerpt,
    moment,
    moment_or_none,
    number,
)


@given(st.text(alphabet="0123456789.eE+-_ ٣²NaInfity", max_size=60))
def test_exact_is_amount(text: str) -> None:
    """The short way never accepts, refuses or reads anything differently."""
    try:
        expected = amount(text)
    except NotANumber:
        with pytest.raises(NotANumber):
            exact(text)
    else:
        assert str(exact(text)) == str(expected)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1_0", " 1", "1 ", "٣", "²", "", ".", "1e999"])
def test_what_decimal_would_take_and_money_must_not(text: str) -> None:
    with pytest.raises(NotANumber):
        exact(text)


@pytest.mark.parametrize("raw", [b"", b"null", b'""', b'"NaN"'])
def test_where_there_is_no_number(raw: bytes) -> None:
    """Trap 70."""
    assert exact_or_none(Raw(raw)) is None


def test_where_there_may_be_no_number_there_must_be_none_or_one() -> None:
    assert exact_or_none(Raw(b'"0.50"')) == Decimal("0.5")
    assert exact_or_none(Raw(b"0")) == 0
    with pytest.raises(NotANumber):
        exact_or_none(Raw(b'"much"'))


def test_numbers_bare_or_quoted() -> None:
    assert exact_of(Raw(b"5.5")) == exact_of(Raw(b'"5.5"')) == Decimal("5.5")
    assert exact_of(Raw(b"0.1000000000000000055")) == Decimal("0.1000000000000000055")


@pytest.mark.parametrize("raw", [b"null", b"true", b"[1]", b"{}", b'""', b""])
def test_other_json_is_no_number(raw: bytes) -> None:
    with pytest.raises(NotANumber):
        exact_of(Raw(raw))


@given(st.decimals(min_value=0, max_value=4_102_444_800, places=9), st.booleans())
def test_moments_are_rounded_half_even(seconds: Decimal, quoted: bool) -> None:
    text = format(seconds, "f")
    raw = Raw((f'"{text}"' if quoted else text).encode())
    assert moment(raw) == int((seconds * 10**6).to_integral_value(ROUND_HALF_EVEN))


@given(st.integers(min_value=0, max_value=4_102_444_800 * 10**6))
def test_six_decimals_are_microseconds_as_they_stand(us: int) -> None:
    whole, fraction = divmod(us, 10**6)
    assert moment(Raw(b"%d.%06d" % (whole, fraction))) == us
    short = (f"{fraction:06d}".rstrip("0")) or "0"
    assert moment(Raw(f"{whole}.{short}".encode())) == us


@pytest.mark.parametrize(
    ("text", "us"),
    [
        (b"1738230617.8867061", 1738230617886706),
        (b"1741941025.3098869", 1741941025309887),
        (b"1741941025.309887", 1741941025309887),
        (b"1738250982.28914", 1738250982289140),
        (b"1493285895", 1493285895000000),
        (b'"1772265600"', 1772265600000000),
        (b'"1708704000000"', 1708704000000000),
        (b"1.7382306178867061e9", 1738230617886706),
    ],
)
def test_times_as_they_occur(text: bytes, us: int) -> None:
    """Seconds and milliseconds, number and string (PROTOCOL § 9, traps 73 and 74)."""
    assert moment(Raw(text)) == us


@pytest.mark.parametrize(
    "text",
    [b"-1", b"9999999999", b"9999999999.5", b"1e39", b"1e999999999", b'"NaN"', b'""', b"null", b""],
)
def test_what_is_no_time(text: bytes) -> None:
    with pytest.raises((NotAMoment, NotANumber)):
        moment(Raw(text))


def test_absent_and_null_times_are_none() -> None:
    assert moment_or_none(Raw(b"")) is None
    assert moment_or_none(Raw(b"null")) is None
    assert moment_or_none(Raw(b"1")) == 10**6


def test_ids_may_be_quoted() -> None:
    assert number("9223372036854775807") == number(ID_MAX) == ID_MAX


@pytest.mark.parametrize(
    "text", ["9223372036854775808", "1" * 20, "1" * 5000, "-1", "1.0", "٣", ""]
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(Misshapen):
        number(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values, st.integers(min_value=0, max_value=70))
def test_nesting_is_measured_outside_of_strings(value: object, wraps: int) -> None:
    for _ in range(wraps):
        value = [value, '[[{"\\']
    # Enough brackets to make the count alone undecided.
    value = [value, *[[]] * NESTING_MAX]
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if _depth(value) <= NESTING_MAX:
        check_nesting(text)
    else:
        with pytest.raises(Misshapen):
            check_nesting(text)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b"]" * 40 + b"[" * 40])
def test_unbalanced_is_refused(text: bytes) -> None:
    with pytest.raises(Misshapen):
        check_nesting(text)


@given(st.binary(max_size=3 * EXCERPT_BYTES_MAX))
def test_an_excerpt_fits_any_database(text: bytes) -> None:
    shown = excerpt(text)
    assert len(shown.encode()) <= EXCERPT_BYTES_MAX
    assert "\0" not in shown


def _depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 0
