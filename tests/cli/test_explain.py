"""`reconciler explain`: each line of a balance leads to a fact, and the fact to a kept frame."""

import json

from reconciler.store.engine import open_database
from reconciler.store.frames import opened
from tests.cli.calling import Call, is_one_line
from tests.drifting import make_drift
from tests.feed.memory import ACCOUNT
from tests.grids import mostly_sqlite
from tests.store.samples import journal


def test_a_balance_is_followed_to_the_frames_that_told_it(call: Call, database_url: str) -> None:
    make_drift(database_url)
    ended = call("explain", ACCOUNT, "spot", "USDT", "--json")
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert (told["balance"], told["reported"]["total"]) == ("9940000", "9939985")
    assert (told["checked"]["state"], told["checked"]["difference"]) == ("drift", "-15")
    opening, *deals = told["entries"]
    assert (opening["kind"], opening["contra"]) == ("opening", "equity:opening")
    assert [each["balance_after"] for each in deals] == ["9980000", "9960000", "9940000"]
    assert {(each["source"], each["fact"]["price"]) for each in deals} == {("stream", "40000")}

    kept = frames(database_url)
    for each in deals:
        deal_id = each["reference"].partition(":")[0]
        assert each["told_by"]["asked"] == ""
        assert deal_id in each["told_by"]["excerpt"]
        assert any(deal_id in text for text in kept[each["told_by"]["seq"]])
    assert any('"9939985"' in text for text in kept[told["reported"]["told_by"]["seq"]])
    assert any('"10000000"' in text for text in kept[opening["told_by"]["seq"]])


@mostly_sqlite
def test_a_balance_of_the_past_is_that_of_its_moment(call: Call, database_url: str) -> None:
    make_drift(database_url)
    early = call("explain", ACCOUNT, "spot", "BTC", "--at", "2026-01-02T12:01:00Z")
    assert early.out.startswith("treasury spot BTC at 2026-01-02T12:01:00.000000Z: 200 by the ledg")
    assert "the exchange said 200 (200 available, 0 frozen)" in early.out
    assert early.out.count("deal ") == 3, "the three that came after"
    last = call("explain", ACCOUNT, "spot", "BTC", "--lines", "1").out
    assert last.startswith("treasury spot BTC now: 201.4985 by the ledger")
    assert "+0.4995, fee 0.0005  -> 201.4985" in last
    assert call("drift", "explain", "1", "--note", "a bank's fee").code == 0
    assert "note a bank's fee" in call("explain", ACCOUNT, "spot", "USDT").out


def test_mistakes_are_said_in_one_line(call: Call) -> None:
    for arguments, said in (
        (("tresury", "spot", "BTC"), "has no account 'tresury'; it has: none yet"),
        ((ACCOUNT, "cellar", "BTC"), "'cellar' is not one of"),
        ((ACCOUNT, "spot", "BTC", "--at", "noon"), "'noon' is not an ISO 8601"),
    ):
        ended = call("explain", *arguments)
        assert (ended.code, is_one_line(ended)) == (2, True), ended
        assert said in ended.err


def frames(url: str) -> dict[int, list[str]]:
    """The texts in each row of the journal."""
    return {
        row.seq: [frame.text.decode() for batch in opened(row) for frame in batch]
        for row in journal(open_database(url), ACCOUNT)
    }
