"""Time as whole microseconds, in and out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain import moments
from reconciler.domain.moments import MOMENT_MAX, NotAMoment

any_moment = st.integers(0, MOMENT_MAX)


@given(any_moment)
def test_there_and_back(moment: int) -> None:
    assert moments.from_iso(moments.iso(moment)) == moment
    assert moments.from_datetime(moments.to_datetime(moment)) == moment
    assert moments.from_seconds(Decimal(moment).scaleb(-6)) == moment


@given(any_moment, any_moment)
def test_text_sorts_as_time_does(a: int, b: int) -> None:
    assert (moments.iso(a) < moments.iso(b)) == (a < b)


@given(st.decimals(0, MOMENT_MAX // 10**6, places=10))
def test_seconds_are_rounded_half_even(seconds: Decimal) -> None:
    exact = (seconds * 10**6).to_integral_value(ROUND_HALF_EVEN)
    assert moments.from_seconds(seconds) == exact


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        ("1738230617.8867061", 1738230617886706),
        ("1741941025.3098869", 1741941025309887),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("4102444800", MOMENT_MAX),
    ],
)
def test_seconds_as_they_are_printed(seconds: str, moment: int) -> None:
    assert moments.from_seconds(Decimal(seconds)) == moment


@pytest.mark.parametrize("seconds", ["-0.1", "4102444801", "1e999999", "NaN", "Infinity", "sNaN"])
def test_what_is_no_time(seconds: str) -> None:
    with pytest.raises(NotAMoment):
        moments.from_seconds(Decimal(seconds))


def test_iso_has_always_microseconds() -> None:
    assert moments.iso(1767409445678901) == "2026-01-03T03:04:05.678901Z"
    assert moments.iso(0) == "1970-01-01T00:00:00.000000Z"


def test_iso_without_an_offset_is_utc() -> None:
    for text in ("2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02T03:00:00+03:00"):
        assert moments.iso(moments.from_iso(text)) == "2026-01-02T00:00:00.000000Z"


def test_datetimes_of_any_zone() -> None:
    kyiv = timezone(timedelta(hours=2))
    assert moments.from_datetime(datetime(1970, 1, 1, 2, tzinfo=kyiv)) == 0
    assert moments.to_datetime(1) == datetime(1970, 1, 1, microsecond=1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("500ms", 500_000),
        ("5s", 5_000_000),
        ("2m", 120_000_000),
        ("1.5h", 5_400_000_000),
        ("30d", 2_592_000_000_000),
        ("1us", 1),
        ("0s", 0),
    ],
)
def test_durations(text: str, span: int) -> None:
    assert moments.duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5s", "5 s", "5S", "1h30m", "1e3s", "٣s", "9" * 10]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(NotAMoment):
        moments.duration(text)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1738230617"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(NotAMoment):
        moments.from_iso(text)
