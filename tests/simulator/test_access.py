"""Who is let in: signatures over the bytes as sent, nonces that rise or lie in the window."""

import json
import random
from typing import Any

import pytest

from reconciler.simulator.access import Access, Denied
from tests.simulator.client import KEY, SECRET, START, Now, signed

PATH = "/api/v4/trade-account/balance"


def an_access(now: Now | None = None) -> Access:
    access = Access(now=now or Now(), chance=random.Random(1))
    access.grant("treasury", KEY, SECRET)
    return access


def admitted(access: Access, headers: dict[str, str], body: bytes, path: str = PATH) -> Any:
    lower = {name.lower(): value for name, value in headers.items()}
    return access.admit(path, lower, body)


def call(access: Access, **values: Any) -> None:
    body = json.dumps({"request": PATH} | values).encode()
    admitted(access, signed(body), body)


def test_the_vector_of_the_protocol_is_accepted() -> None:
    """PROTOCOL § 2: this body, key and secret give this payload and this signature."""
    now = Now()
    now.moment = 1_700_000_000_000_000
    body = b'{"request":"/api/v4/trade-account/balance","nonce":1700000000000,"nonceWindow":true}'
    headers = {
        "X-TXC-APIKEY": KEY,
        "X-TXC-PAYLOAD": (
            "eyJyZXF1ZXN0IjoiL2FwaS92NC90cmFkZS1hY2NvdW50L2JhbGFuY2UiLCJub25jZSI6MTcw"
            "MDAwMDAwMDAwMCwibm9uY2VXaW5kb3ciOnRydWV9"
        ),
        "X-TXC-SIGNATURE": (
            "aab658be74e0cd03ac2d022806c070a055763c74b636bc45b10655917f5c551d"
            "abb108169471c677959b10bd9e705cfadb6e96578fef5153277bf0caf1ac505f"
        ),
    }
    key, values = admitted(an_access(now), headers, body)
    assert (key.account, values["nonce"]) == ("treasury", 1_700_000_000_000)


@pytest.mark.parametrize(
    ("change", "status", "code", "message"),
    [
        ({"X-TXC-SIGNATURE": "0" * 128}, 401, 10, "Unauthorized request."),
        ({"X-TXC-APIKEY": "another"}, 401, 10, "Unauthorized request."),
        ({"X-TXC-PAYLOAD": "e30="}, 400, 9, "Invalid payload."),
        ({"X-TXC-PAYLOAD": "ü"}, 400, 9, "Invalid payload."),
    ],
)
def test_wrong_headers_are_denied(
    change: dict[str, str], status: int, code: int, message: str
) -> None:
    body = json.dumps({"request": PATH, "nonce": 1}).encode()
    with pytest.raises(Denied) as denied:
        admitted(an_access(), signed(body) | change, body)
    assert (denied.value.status, denied.value.code, denied.value.message) == (status, code, message)


def test_a_call_without_a_payload_is_denied() -> None:
    with pytest.raises(Denied, match="Payload not provided"):
        admitted(an_access(), {}, b"{}")


@pytest.mark.parametrize("body", [b"[]", b"{", b"[" * 50_000])
def test_a_body_that_is_no_object_is_denied(body: bytes) -> None:
    with pytest.raises(Denied, match="Invalid payload"):
        admitted(an_access(), signed(body), body)


def test_a_signature_for_another_path_is_denied() -> None:
    body = json.dumps({"request": "/api/v4/orders", "nonce": 1}).encode()
    with pytest.raises(Denied):
        admitted(an_access(), signed(body), body)


def test_a_nonce_must_be_greater_than_the_last_one() -> None:
    access = an_access()
    call(access, nonce=5)
    call(access, nonce="7")
    for stale in (5, 7, 6):
        with pytest.raises(Denied) as denied:
            call(access, nonce=stale)
        assert (denied.value.status, denied.value.message) == (429, "Too many requests.")
    call(access, nonce=8)


def test_a_denied_call_uses_no_nonce() -> None:
    access = an_access()
    body = json.dumps({"request": PATH, "nonce": 9}).encode()
    with pytest.raises(Denied):
        admitted(access, signed(body, secret="wrong"), body)
    admitted(access, signed(body), body)


def test_in_window_mode_order_does_not_matter_but_each_nonce_counts_once() -> None:
    access = an_access()
    here = START // 1000
    call(access, nonce=here + 2, nonceWindow=True)
    call(access, nonce=here + 1, nonceWindow=True)
    with pytest.raises(Denied, match="Too many requests"):
        call(access, nonce=here + 1, nonceWindow=True)


def test_nonces_that_left_the_window_are_forgotten() -> None:
    """One from ahead of the clock holds up those that came after it, until it leaves too."""
    now = Now()
    access = an_access(now)
    here = START // 1000
    for nonce in (here + 5_000, here - 5_000, here):
        call(access, nonce=nonce, nonceWindow=True)
    now.pass_seconds(10)
    with pytest.raises(Denied, match="Too many requests"):
        call(access, nonce=here + 5_000, nonceWindow=True)
    now.pass_seconds(1)
    body = json.dumps({"request": PATH, "nonce": here + 11_000, "nonceWindow": True}).encode()
    key, _ = admitted(access, signed(body), body)
    assert key.seen_in_window == {here + 11_000}
    assert list(key.nonces_as_seen) == [here + 11_000]


@pytest.mark.parametrize("skew_ms", [-5_001, 5_001])
def test_beyond_five_seconds_the_window_is_closed(skew_ms: int) -> None:
    with pytest.raises(Denied, match="more than 5 seconds"):
        call(an_access(), nonce=START // 1000 + skew_ms, nonceWindow=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Nonce not provided."),
        ({"nonce": "soon"}, "Nonce not provided."),
        ({"nonce": 1, "nonceWindow": "yes"}, "Invalid nonceWindow."),
    ],
)
def test_a_bad_nonce_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Denied, match=message):
        call(an_access(), **values)


def test_a_token_lives_a_minute() -> None:
    now = Now()
    access = an_access(now)
    body = json.dumps({"request": PATH, "nonce": 1}).encode()
    key, _ = admitted(access, signed(body), body)
    token, another = access.issue_token(key), access.issue_token(key)
    assert token != another
    now.pass_seconds(59)
    assert access.account_of_token(token) == "treasury"
    now.pass_seconds(1)
    assert access.account_of_token(token) is None


def test_an_unknown_token_is_nobodys() -> None:
    assert an_access().account_of_token("0" * 64) is None
