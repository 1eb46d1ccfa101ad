"""A journal that was tampered with says where."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.replay.chain import Damage, checked
from reconciler.store.dictionary import NEWEST
from reconciler.store.frames import GENESIS, Kept, digest_of, sealed
from tests.store.samples import NOON, frame


def journal(length: int, *, first: int = 1) -> list[Kept]:
    rows: list[Kept] = []
    for seq in range(1, first + length):
        previous = rows[-1].digest if rows else GENESIS
        content = ((frame(f"frame {seq}"),),)
        rows.append(sealed(content, "stream", NOON + seq, seq=seq, previous=previous))
    return rows[first - 1 :]


def damages(rows: Sequence[Kept]) -> list[Damage]:
    return [one for one in checked(rows) if isinstance(one, Damage)]


def found(rows: Sequence[Kept]) -> list[tuple[int, int | None, str]]:
    return [(one.seq, one.recorded_at, one.problem) for one in damages(rows)]


CHANGED = "it was changed after it was written"


def flipped(text: bytes, place: int) -> bytes:
    place %= len(text)
    return text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]


@pytest.mark.parametrize("first", [1, 4])
def test_a_journal_as_it_was_written_comes_out_whole(first: int) -> None:
    rows = journal(5, first=first)
    assert list(checked(rows)) == rows


@given(
    row=st.integers(0, 4),
    field=st.sampled_from(["body", "digest", "previous"]),
    place=st.integers(0, 200),
)
def test_one_flipped_byte_is_named_by_its_row_and_no_other(
    row: int, field: str, place: int
) -> None:
    rows = journal(5)
    change: dict[str, Any] = {field: flipped(getattr(rows[row], field), place)}
    rows[row] = replace(rows[row], **change)
    assert found(rows) == [(row + 1, NOON + row + 1, CHANGED)]


@pytest.mark.parametrize("changed", [{"recorded_at": 1}, {"source": "sweep"}, {"frames": 2}])
def test_a_changed_field_is_named_too(changed: dict[str, Any]) -> None:
    rows = journal(5)
    rows[2] = replace(rows[2], **changed)
    assert [(seq, problem) for seq, _, problem in found(rows)] == [(3, CHANGED)]


def test_a_row_that_was_taken_out_is_named() -> None:
    rows = journal(5)
    assert found([*rows[:2], *rows[3:]]) == [(3, None, "it is missing")]
    assert found([rows[0], rows[4]]) == [(2, None, "it and all up to 4 are missing")]
    assert [one.last for one in damages([rows[0], rows[4]])] == [4]


def test_a_row_that_was_exchanged_for_a_sound_one_is_noticed() -> None:
    rows = journal(3)
    content = ((frame("never came"),),)
    rows[1] = sealed(content, "stream", NOON + 2, seq=2, previous=rows[0].digest)
    assert [seq for seq, _, _ in found(rows)] == [3]


def test_a_first_row_that_follows_something_is_noticed() -> None:
    first = sealed(((frame("a"),),), "stream", NOON, seq=1, previous=bytes(31) + b"\1")
    assert [seq for seq, _, _ in found([first])] == [1]


def test_a_format_of_the_future_asks_for_a_newer_version() -> None:
    [row] = journal(1)
    row = replace(row, body=bytes([NEWEST + 1]) + row.body[1:])
    [(_, _, problem)] = found([replace(row, digest=digest_of(row))])
    assert "install a newer one" in problem
