"""The journal: every frame comes back as it was, in its order, and no byte of a row is free."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import Frame
from reconciler.domain.words import Source
from reconciler.store.apply import Applier
from reconciler.store.dictionary import DICTIONARIES
from reconciler.store.engine import Database
from reconciler.store.frames import (
    GENESIS,
    Content,
    Kept,
    Unopenable,
    digest_of,
    opened,
    sealed,
)
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal, frame, journal, rows

frames = st.builds(
    lambda at, asked, text: Frame(received_at=at, asked=asked, text=text),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=200),
)
contents = st.lists(st.lists(frames, max_size=3).map(tuple), max_size=4).map(tuple)


def seal(content: Content, source: str = "stream") -> Kept:
    return sealed(content, source, NOON, seq=1, previous=GENESIS)


def told(row: Kept) -> list[list[str]]:
    return [[one.text.decode() for one in frames] for frames in opened(row)]


@given(contents)
def test_what_is_sealed_is_what_is_opened(content: Content) -> None:
    assert opened(seal(content)) == content


def test_a_dictionary_that_was_used_is_never_changed() -> None:
    """Or whatever was compressed with it is lost: give a new one a new number."""
    digests = {number: sha256(text).hexdigest() for number, text in DICTIONARIES.items()}
    assert digests == {1: "43d88f114b649b572b6c599fd502af2f01d1ef9bfa706f7868f1779150f394bc"}


def test_each_byte_of_a_body_counts() -> None:
    row = seal(((frame('{"id":null,"method":"deals_update","params":[]}'),),))
    for place in range(len(row.body)):
        flipped = bytearray(row.body)
        flipped[place] ^= 1
        assert digest_of(replace(row, body=bytes(flipped))) != row.digest


@pytest.mark.parametrize(
    "changed",
    [
        {"seq": 2},
        {"recorded_at": NOON + 1},
        {"source": "sweep"},
        {"frames": 2},
        {"plain_bytes": 1},
        {"previous": bytes(31) + b"\1"},
    ],
)
def test_each_field_of_a_row_counts(changed: dict[str, object]) -> None:
    row = seal(((frame("a"),),))
    assert digest_of(replace(row, **changed)) != row.digest


@pytest.mark.parametrize("body", [b"", b"\0", b"\1", b"\1\xff\xff", b"\xff{}"])
def test_a_body_that_is_none_says_so(body: bytes) -> None:
    with pytest.raises(Unopenable):
        opened(replace(seal(((frame("a"),),)), body=body))


def test_a_body_grows_no_further_than_its_row_says() -> None:
    """Lest a row made by somebody else fills the memory."""
    with pytest.raises(Unopenable):
        opened(replace(seal(((frame("a" * 10_000_000),),)), plain_bytes=1000))


def test_one_commit_is_one_row_for_each_account_and_source(database: Database) -> None:
    def sent(text: str, source: Source = Source.STREAM, account: str = ACCOUNT) -> None:
        together.append(batch(frames=[frame(text)], source=source, account=account))

    together = [batch(deal(1), frames=[frame("1"), frame("2")])]
    sent("other", account="desk")
    sent("3")
    together.append(batch(deal(2)))
    sent("4", Source.SWEEP)
    sent("5")
    apply(database, *together)
    first, second, third = journal(database)
    assert told(first) == [["1", "2"], ["3"]]
    assert (first.source, first.frames, told(second), second.source) == (
        "stream",
        3,
        [["4"]],
        "sweep",
    )
    assert told(third) == [["5"]]
    assert [told(row) for row in journal(database, "desk")] == [[["other"]]]


def test_each_row_follows_the_one_before(database: Database) -> None:
    for n in range(3):
        apply(database, batch(frames=[frame(str(n))]), now=NOON + n)
    found: Sequence[Kept] = journal(database)
    assert [(row.seq, row.recorded_at) for row in found] == [(n + 1, NOON + n) for n in range(3)]
    assert [row.previous for row in found] == [GENESIS, found[0].digest, found[1].digest]
    assert [digest_of(row) for row in found] == [row.digest for row in found]


def test_what_was_read_from_no_frame_leaves_no_row(database: Database) -> None:
    apply(database, batch(deal(1)), batch())
    assert journal(database) == []


def test_frames_and_facts_are_stored_together_or_not_at_all(database: Database) -> None:
    told = batch(deal(1), frames=[frame("1")])
    with database.connect() as connection, connection.begin() as transaction:
        Applier(database).apply(connection, [told], now=NOON)
        transaction.rollback()
    assert rows(database, "SELECT count(*) FROM frames") == [(0,)]
    assert rows(database, "SELECT count(*) FROM deals") == [(0,)]


def test_more_rows_than_are_read_at_a_time_all_come(database: Database) -> None:
    for n in range(0, 250, 50):
        apply(
            database,
            *(
                batch(frames=[frame(str(m))], source=[Source.STREAM, Source.QUERY][m % 2])
                for m in range(n, n + 50)
            ),
        )
    assert [told(row) for row in journal(database)] == [[[str(n)]] for n in range(250)]
