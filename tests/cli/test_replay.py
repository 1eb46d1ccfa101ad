"""`reconciler replay`: what it says, and how it leaves."""

import json

import pytest

from reconciler.domain.facts import Frame, Market
from reconciler.inbox import Batch
from reconciler.store.engine import Database, open_database
from reconciler.store.lock import open_locks
from reconciler.wire.replay import facts_of
from tests.cli.calling import Call, is_one_line
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal, frame, order, rows

DEALS = [
    f'{{"id":null,"method":"deals_update","params":[{n},1767355200.1,"BTC_USDT",10,"2","0.5",'
    '"0.001","",1,2,"USDT"]}'
    for n in range(3)
]
BALANCE = (
    '{"id":null,"method":"balanceSpot_update","params":[{"BTC":{"available":"1","freeze":"0"}}]}'
)


def heard(*texts: str, account: str = ACCOUNT) -> Batch:
    """A batch as the feed hands it over."""
    frames: list[Frame] = [frame(text) for text in texts]
    facts = [fact for one in frames for fact in facts_of(one)]
    return batch(*facts, frames=frames, account=account)


@pytest.fixture
def record(database_url: str) -> Database:
    """Two commits of one account."""
    database = open_database(database_url)
    apply(database, heard(*DEALS))
    apply(database, heard(BALANCE, "<html>"), now=NOON + 1_000_000)
    return database


def change(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(statement)


def spoil_the_journal(database: Database) -> None:
    change(database, "UPDATE frames SET frames = 7 WHERE seq = 1")


def test_a_record_that_equals_its_frames_is_said_in_two_lines(call: Call, record: Database) -> None:
    for arguments in ((), ("--verify",), ("--account", ACCOUNT)):
        ended = call("replay", *arguments)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.splitlines() == [
            "treasury",
            "  5 frames of 2 commits until 2026-01-02T12:00:01.123456Z; all since the first",
            "  the journal is as it was written, and the record is what it tells",
        ]


def test_verify_names_a_difference_and_says_what_to_do(call: Call, record: Database) -> None:
    change(record, "UPDATE deals SET fee = '7' WHERE deal_id = 1")
    ended = call("replay", "--verify")
    assert ended.code == 1
    assert ended.out.splitlines()[2:] == [
        "  the journal is as it was written",
        "  deals 10 1: fee is 7, the frames tell 0.001",
        "  record: 1 different in deals; 0 mended",
        "to write what the frames tell, stop the daemon and run: reconciler replay",
    ]


def test_without_verify_it_mends_and_leaves_with_0(call: Call, record: Database) -> None:
    change(record, "DELETE FROM deals WHERE deal_id = 1")
    ended = call("replay")
    assert ended.code == 0
    assert "1 missing in deals; 1 mended" in ended.out
    assert call("replay", "--verify").code == 0
    assert rows(record, "SELECT count(*) FROM deals") == [(3,)]


def test_a_row_that_no_frame_tells_leaves_with_1_and_stays(call: Call, record: Database) -> None:
    apply(record, batch(deal(9)))
    ended = call("replay")
    assert ended.code == 1
    assert "deals 10 9: the record has it, no frame tells of it" in ended.out
    assert rows(record, "SELECT count(*) FROM deals WHERE deal_id = 9") == [(1,)]


def test_a_damaged_journal_is_named_row_by_row(call: Call, record: Database) -> None:
    spoil_the_journal(record)
    ended = call("replay", "--verify")
    assert ended.code == 1
    assert (
        "  journal row 1 of 2026-01-02T12:00:00.123456Z: it was changed after it was written"
        in ended.out
    )
    assert "only what was kept after row 1 is compared" in ended.out
    assert "stop the daemon" not in ended.out


def test_how_far_the_journal_reaches_back_is_said(call: Call, record: Database) -> None:
    change(record, "DELETE FROM frames WHERE seq = 1")
    ended = call("replay", "--verify")
    assert ended.code == 0
    assert "those before 2026-01-02T12:00:01.123456Z are gone (journal.keep" in ended.out
    assert "the record contains what it tells" in ended.out


def test_programs_are_told_the_same_with_stable_keys(call: Call, record: Database) -> None:
    change(record, "UPDATE deals SET fee = '7' WHERE deal_id = 1")
    ended = call("replay", "--verify", "--json")
    assert ended.code == 1
    assert json.loads(ended.out) == {
        "equal": False,
        "accounts": [
            {
                "account": "treasury",
                "frames": 5,
                "rows": 2,
                "first_row": 1,
                "kept_from": "2026-01-02T12:00:00.123456Z",
                "kept_until": "2026-01-02T12:00:01.123456Z",
                "whole": True,
                "damaged": 0,
                "damage": [],
                "differences": [{"table": "deals", "kind": "different", "count": 1}],
                "findings": ["deals 10 1: fee is 7, the frames tell 0.001"],
                "mended": 0,
            }
        ],
        "markets": {"differences": [], "findings": [], "mended": 0},
        "books": {},
    }
    spoil_the_journal(record)
    [account] = json.loads(call("replay", "--json").out)["accounts"]
    assert account["damage"] == [
        {
            "row": 1,
            "recorded_at": "2026-01-02T12:00:00.123456Z",
            "problem": "it was changed after it was written",
        }
    ]


def test_books_that_the_record_does_not_make_are_named(call: Call, record: Database) -> None:
    market = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
    apply(record, batch(market, order(10)))
    assert "books of" not in call("replay", "--verify").out
    change(record, "UPDATE books SET balance = '7' WHERE book = 'assets:spot:BTC'")
    ended = call("replay", "--verify")
    assert ended.code == 1
    assert "book assets:spot:BTC BTC: 7 in the journal" in ended.out
    assert "so they are not what the record makes them" in ended.out
    unequal = json.loads(call("replay", "--verify", "--json").out)["books"]
    assert list(unequal) == [ACCOUNT]


def test_many_findings_are_counted_and_some_shown(call: Call, database_url: str) -> None:
    apply(open_database(database_url), heard(BALANCE), batch(*map(deal, range(70))))
    said = call("replay").out
    assert said.count("no frame tells of it") == 50
    assert "… and 20 more" in said
    assert "70 surplus in deals" in said


def test_an_account_that_is_held_is_left_alone(call: Call, record: Database) -> None:
    locks = open_locks(record)
    assert locks.acquire(ACCOUNT)
    ended = call("replay")
    assert ended.code == 4
    assert is_one_line(ended), ended
    assert "treasury is held by" in ended.err
    assert call("replay", "--verify").code == 0
    locks.close()


def test_an_account_that_is_not_on_record_is_a_wrong_usage(call: Call, record: Database) -> None:
    ended = call("replay", "--account", "tresury")
    assert ended.code == 2
    assert is_one_line(ended), ended
    assert "has no account 'tresury'; it has: treasury" in ended.err


def test_an_empty_record_and_an_empty_journal_say_so(call: Call, database_url: str) -> None:
    assert "holds no account yet; start: reconciler run" in call("replay").out
    apply(open_database(database_url), batch(deal(1)))
    ended = call("replay", "--verify")
    assert (ended.code, "no frames are kept" in ended.out) == (0, True)
