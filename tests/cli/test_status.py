"""`reconciler status`: what is on record, for people and for programs."""

import json
from decimal import Decimal

from reconciler.domain.facts import Fact, GapNotice, SessionNotice, StreamNotice, Unreadable
from reconciler.domain.words import GapState
from reconciler.inbox import Span
from reconciler.store.engine import open_database
from reconciler.store.holders import take
from reconciler.store.lock import open_locks
from tests.cli.calling import Call
from tests.store.samples import (
    NOON,
    apply,
    balance,
    batch,
    deal,
    movement,
    order,
    report,
    transaction,
)


def fill(url: str, *more: Fact) -> None:
    unreadable = Unreadable(stream="deals", reason="odd", excerpt="[]", received_at=NOON)
    covered = Span(stream="deals", since=NOON - 9_000_000, until=NOON)
    facts = (deal(1), deal(2), order(10), unreadable, report(0, balance("BTC", "1.5")))
    apply(open_database(url), batch(*facts, *more, spans=[covered]))


LIVE = SessionNotice(session_id=1, connected_at=NOON, authorized_at=NOON, live_at=NOON + 1)
DOWN = SessionNotice(session_id=1, disconnected_at=NOON + 2, reason="closed with code 1006")
NOON_TEXT = "2026-01-02T12:00:00.123456Z"


def test_an_empty_record_says_what_to_do(call: Call) -> None:
    ended = call("status")
    assert (ended.code, ended.err) == (0, "")
    assert "holds no account yet; start: reconciler run" in ended.out
    assert json.loads(call("status", "--json").out) == {"accounts": []}


def test_people_are_told_account_by_account(call: Call, database_url: str) -> None:
    fill(database_url, LIVE)
    said = [" ".join(line.split()) for line in call("status").out.splitlines()]
    assert said == [
        "treasury",
        "session live since 2026-01-02T12:00:00.123457Z",
        f"deals 2, the newest of {NOON_TEXT}",
        "orders 1, 1 of them open",
        "balances 1 that are not zero",
        f"complete deals until {NOON_TEXT}",
        "quarantine 1 unreadable; see v_quarantine",
    ]


def test_programs_are_told_the_same_with_stable_keys(call: Call, database_url: str) -> None:
    fill(database_url, LIVE, DOWN)
    ended = call("status", "--json")
    assert ended.code == 0
    assert json.loads(ended.out, parse_float=Decimal) == {
        "accounts": [
            {
                "account": "treasury",
                "holder": None,
                "session": {
                    "session_id": 1,
                    "state": "down",
                    "connected_at": NOON_TEXT,
                    "authorized_at": NOON_TEXT,
                    "live_at": "2026-01-02T12:00:00.123457Z",
                    "disconnected_at": "2026-01-02T12:00:00.123458Z",
                    "reason": "closed with code 1006",
                    "recovered_at": None,
                    "recovered_deals": None,
                },
                "deals": 2,
                "orders": 1,
                "open_orders": 1,
                "balances": 1,
                "transactions": 0,
                "movements": 0,
                "open_gaps": 0,
                "unreachable_gaps": 0,
                "refused_streams": [],
                "open_drifts": 0,
                "quarantined": 1,
                "newest_deal_at": NOON_TEXT,
                "covered_until": {"deals": NOON_TEXT},
                "findings": [],
            }
        ]
    }


def test_histories_gaps_and_refused_streams_are_told_where_there_are_any(
    call: Call, database_url: str
) -> None:
    gap = GapNotice(stream="codes", since=NOON, until=NOON + 1, reason="down")
    lost = GapNotice(
        stream="orders", since=0, until=NOON, reason="too old", state=GapState.UNREACHABLE
    )
    refused = [StreamNotice(stream=name, refused_at=NOON) for name in ("mining", "lending")]
    fill(database_url, transaction("1"), movement("1"), movement("2"), gap, lost, *refused)
    said = [" ".join(line.split()) for line in call("status").out.splitlines()]
    assert said[5:7] == ["transactions 1 deposits and withdrawals", "movements 2"]
    assert said[8:10] == [
        "gaps 1 open, 1 out of reach; see v_gaps",
        "refused to this key: lending, mining",
    ]
    [account] = json.loads(call("status", "--json").out)["accounts"]
    assert (account["transactions"], account["movements"]) == (1, 2)
    assert (account["open_gaps"], account["unreachable_gaps"]) == (1, 1)
    assert account["refused_streams"] == ["lending", "mining"]


def test_a_session_that_is_down_says_since_when_and_why(call: Call, database_url: str) -> None:
    fill(database_url, LIVE, DOWN)
    assert "down since 2026-01-02T12:00:00.123458Z: closed with code 1006" in call("status").out


def test_an_account_that_never_connected_says_so(call: Call, database_url: str) -> None:
    fill(database_url)
    assert "never connected" in call("status").out
    [account] = json.loads(call("status", "--json").out)["accounts"]
    assert account["session"] is None


def test_it_says_who_holds_an_account_or_held_it_last(call: Call, database_url: str) -> None:
    fill(database_url)
    database = open_database(database_url)
    take(database, "treasury", name="desk1 pid 7", now=NOON)
    holder = {"name": "desk1 pid 7", "since": NOON_TEXT}
    said = f"desk1 pid 7 since {NOON_TEXT}"
    locks = open_locks(database)
    assert locks.acquire("treasury")
    assert f"held by      {said}" in call("status").out
    [account] = json.loads(call("status", "--json").out)["accounts"]
    assert account["holder"] == {**holder, "holds": True}
    locks.close()
    assert f"held by      nobody; last by {said}" in call("status").out
    [account] = json.loads(call("status", "--json").out)["accounts"]
    assert account["holder"] == {**holder, "holds": False}
