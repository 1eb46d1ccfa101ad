"""`reconciler drift`: a difference is listed, acknowledged, explained, and stays explained."""

import json

from reconciler.store.engine import open_database
from tests.cli.calling import Call, is_one_line
from tests.drifting import make_drift
from tests.store.samples import rows


def test_a_drift_from_its_detection_to_its_explanation(call: Call, database_url: str) -> None:
    make_drift(database_url)
    database = open_database(database_url)

    ended = call("drift", "list")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "drift 1: treasury spot USDT -15"
    assert lines[1].startswith("  state     open since 2026-01-02T12:0")
    assert lines[2] == "  balance   9939985 is reported, 9940000 expected"
    assert lines[3].startswith("  parted    after 2026-01-02T12:01:15.")
    assert ", by 2026-01-02T12:01:25." in lines[3]
    assert any("this key may not read lending" in line for line in lines)
    status = call("status")
    assert (status.code, status.err) == (1, "")
    assert "drifts       1 open; see: reconciler drift list" in status.out

    assert "acknowledged at" in call("drift", "ack", "1").out
    assert "acknowledged at" in call("drift", "list").out
    assert call("status").code == 1, "it is open still"

    ended = call("drift", "explain", "1", "--note", "a bank's fee")
    assert (ended.code, ended.err) == (0, "")
    assert "treasury spot USDT -15 explained" in ended.out
    again = call("drift", "explain", "1", "--note", "a bank's fee")
    assert (again.code, "explained so already" in again.out) == (0, True)
    other = call("drift", "explain", "1", "--note", "something else")
    assert (other.code, is_one_line(other)) == (2, True)
    assert "drift 1 is explained (a bank's fee) already" in other.err

    assert call("drift", "list").out == "no drift is open\n"
    assert call("status").code == 0
    [drift] = json.loads(call("drift", "list", "--all", "--json").out)["drifts"]
    assert (drift["state"], drift["explanation"]) == ("explained", "a bank's fee")
    assert (drift["difference"], drift["closed_at"] is None) == ("-15", False)
    assert {"refused"} <= {each["kind"] for each in drift["candidates"]}
    suspense = "SELECT balance FROM v_trial_balance WHERE book = 'equity:suspense'"
    assert [str(balance) for (balance,) in rows(database, suspense)] == ["15"]
    checks = "SELECT state, difference FROM v_balance_check WHERE asset = 'USDT'"
    assert {(state, str(by)) for state, by in rows(database, checks)} == {("verified", "0")}


def test_what_is_not_there_is_said_in_one_line(call: Call) -> None:
    assert call("drift", "list").out == "no drift is open\n"
    assert call("drift", "list", "--all").out == "no drift\n"
    assert json.loads(call("drift", "list", "--json").out) == {"drifts": []}
    for arguments in (("ack", "7"), ("explain", "7", "--note", "x")):
        ended = call("drift", *arguments)
        assert (ended.code, is_one_line(ended)) == (2, True)
        assert "there is no drift 7; see: reconciler drift list --all" in ended.err
    ended = call("drift", "explain", "7", "--note", " ")
    assert (ended.code, "the note is empty" in ended.err) == (2, True)
    ended = call("drift", "list", "--account", "tresury")
    assert (ended.code, "has no account 'tresury'" in ended.err) == (2, True)
