"""One bad element must not spoil the good ones."""

import pytest
from msgspec import Raw

from reconciler.domain.facts import Fact, Market, Unreadable
from reconciler.wire.markets import market_of
from reconciler.wire.records import (
    REASON_MAX,
    Documented,
    Form,
    Ignored,
    Unintelligible,
    mapping,
    page,
    sift,
    understood,
    unreadable,
)


class Shape(Documented, kw_only=True, rename="camel"):
    my_name: str
    not_kept: Ignored = None


class Row(Documented, array_like=True):
    id: int
    name: str | None = None


def test_documented_fields_are_no_surplus() -> None:
    seen, surplus = Form(Shape).read(Raw(b'{"myName":"a","notKept":1.5}'))
    assert (seen.my_name, surplus) == ("a", 0)


def test_new_fields_are_surplus_and_new_shapes_of_ignored_ones_are_nothing() -> None:
    seen, surplus = Form(Shape).read(Raw(b'{"myName":"a","notKept":{"b":[]},"new":1,"newer":2}'))
    assert (seen.my_name, surplus) == ("a", 2)


def test_arrays_may_grow() -> None:
    assert Form(Row).read(Raw(b"[1]"))[1] == 0
    assert Form(Row).read(Raw(b'[1,"a",2,3,4]'))[1] == 3


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"7", b'{"myName":7}', b"", b"{"])
def test_what_has_not_the_form(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(?!$)"):
        Form(Shape).read(Raw(raw))


def test_sifting_keeps_the_order() -> None:
    good = Raw(b'{"name":"A_B","stock":"A","money":"B"}')
    facts, surplus = sift([good, Raw(b"7"), good], market_of, "markets", 5)
    assert [type(fact) for fact in facts] == [Market, Unreadable, Market]
    assert surplus == 0
    assert page([good, Raw(b"7")], market_of, "markets", 5, total=9).count == 2


def test_one_element_may_tell_several_facts_or_none() -> None:
    """Paging goes on by the elements."""
    market = Market(name="A_B", base_asset="A", quote_asset="B", kind="spot")

    def build(raw: Raw) -> tuple[Fact | tuple[Fact, ...], int]:
        return (market,) * int(bytes(raw)), 1

    found = page([Raw(b"2"), Raw(b"0"), Raw(b"x"), Raw(b"1")], build, "markets", 5)
    assert [type(fact) for fact in found.facts] == [Market, Market, Unreadable, Market]
    assert (found.count, found.surplus) == (4, 3)


def test_what_can_not_be_understood_as_a_whole_is_a_fact_too() -> None:
    with pytest.raises(Unintelligible) as caught, understood("markets", b"<html>"):
        raise ValueError("not so")
    assert caught.value.kept(5) == Unreadable(
        stream="markets", reason="not so", excerpt="<html>", received_at=5
    )


def test_a_map_may_be_an_empty_list_but_no_other() -> None:
    assert mapping(b"[]") == mapping(b" [ ] ") == mapping(b"{}") == {}
    for text in (b"[1]", b"7", b"null"):
        with pytest.raises(ValueError, match="Expected `"):
            mapping(text)


def test_what_is_kept_of_the_unreadable_is_short() -> None:
    kept = unreadable("s", "r\0" * 1000, b"x" * 10_000, 5)
    assert len(kept.reason) == REASON_MAX
    assert "\0" not in kept.reason
    assert len(kept.excerpt) == 2048


def test_understood_tells_what_was_asked() -> None:
    with pytest.raises(Unintelligible, match="markets: not so"), understood("markets", b"<html>"):
        raise ValueError("not so")
