"""Keys made of a row's own fields: one for the same row, another for any other."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.domain.facts import Market, Movement
from reconciler.domain.words import MovementKind
from reconciler.wire.identity import key, told_apart
from reconciler.wire.records import Page

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
parts = st.lists(
    texts | st.text("a/%2F", min_size=1) | st.text("x", min_size=250, max_size=300), max_size=4
)


@given(parts, parts)
@example(["a/b"], ["a", "b"])
@example(["a%2Fb"], ["a/b"])
@example(["", "a"], ["a", ""])
def test_other_parts_make_another_key(some: list[str], others: list[str]) -> None:
    if len(some) == len(others):
        assert (key(*some) == key(*others)) == (some == others)


@given(parts)
def test_a_key_is_one_short_printable_line(some: list[str]) -> None:
    """As every database can hold and index."""
    made = key(*some)
    assert len(made) <= 256
    assert made.isascii()
    assert made.isprintable() or not made


def test_a_key_is_readable_and_does_not_depend_on_spelling() -> None:
    assert key("BTC", 17, Decimal("0.50"), None) == "BTC/17/0.5/"
    assert key(Decimal("1E+2")) == key(Decimal(100)) == "100"
    assert key(Decimal("-0")) == "0"


def test_equal_movements_of_a_page_are_numbered_from_the_second_on() -> None:
    market = Market(name="A_B", base_asset="A", quote_asset="B", kind="spot")
    told = told_apart(
        Page(facts=(move("a"), market, move("b"), move("a"), move("a")), count=7, total=9)
    )
    assert told.facts == (move("a"), market, move("b"), move("a/2"), move("a/3"))
    assert (told.count, told.total) == (7, 9)


def move(name: str) -> Movement:
    return Movement(
        kind=MovementKind.FUNDING,
        movement_id=name,
        wallet=None,
        asset="A",
        amount=Decimal(1),
        status="success",
        settled=True,
        occurred_at=1,
    )
