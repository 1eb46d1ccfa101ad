"""No code gets past: not into a fact, not into a kept frame, not into an excerpt."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.facts import Unreadable
from reconciler.wire.cleansing import untouched, without_codes
from reconciler.wire.rest import ENDPOINTS, Unintelligible, codes
from tests.wire.examples import example

CODE = "WBe11f4fce-2a53-4edc-b195-66b693bd77e3ETH"
HASH = f"sha256:{hashlib.sha256(CODE.encode()).hexdigest()}"
CALL = codes(0, 100)


def test_the_hash_stands_where_the_code_stood_and_all_else_is_as_it_came() -> None:
    body = example("rest", "main-account/codes/history")
    assert body.count(CODE.encode()) == 2
    assert without_codes(body) == body.replace(CODE.encode(), HASH.encode())


@pytest.mark.parametrize(
    "body",
    [
        f'{{"code":"{CODE}"}}',
        f'{{"Code" : \n "{CODE}"}}',
        f'{{"code":"W\\u0042{CODE[2:]}"}}',
        f'{{"code":{{"value":"{CODE}"}}}}',
        f'{{"voucher":"{CODE}"}}',
        f'{{"text":"{{\\"code\\":\\"{CODE}\\"}}"}}',
        f'["{CODE}"]',
        f"<html>{CODE}</html>",
        f'[{{"code":"{CODE}',
        f'[{{"code":"{CODE}\\',
    ],
)
def test_wherever_it_stands(body: str) -> None:
    """As a member in any spelling, under another name, within text, cut off."""
    cleansed = without_codes(body.encode()).decode()
    assert HASH in cleansed
    assert CODE[3:20] not in cleansed


def test_a_code_of_another_form_is_known_by_its_name() -> None:
    assert b"hush" not in without_codes(b'{"code":"hush"}')
    assert b"hush" not in without_codes(b'{"code":"hush')
    assert b"hus" not in without_codes(b'{"code":"hus\\"h \\')


def test_other_members_stay() -> None:
    body = b'{"code":0,"message":"x","barcode":"y","promo_code":"z","codes":"a","code":""}'
    assert without_codes(body) == body


@given(
    st.lists(
        st.sampled_from(
            [b'"code"', b":", b'"', b"\\", b" ", CODE.encode(), HASH.encode(), b"WB", b"x", b"\xff"]
        )
    ).map(b"".join)
    | st.binary()
)
def test_it_is_idempotent(body: bytes) -> None:
    """What was kept reads the same again."""
    once = without_codes(body)
    assert without_codes(once) == once
    assert CODE.encode() not in once


@pytest.mark.parametrize("broken", [{"amount": "none"}, {"date": None}, {"new": [CODE], "date": 0}])
def test_a_row_that_can_not_be_understood_shows_no_code(broken: dict[str, object]) -> None:
    row = {"amount": "+1", "code": CODE, "date": 1, "status": "New", "ticker": "ETH"}
    body = json.dumps({"data": [row | broken]}).encode()
    for fact in CALL.decode(body, 1).facts:
        assert CODE not in repr(fact)
    assert CODE.encode() not in CALL.kept(body)


def test_nor_does_an_answer_that_can_not() -> None:
    body = f'{{"data":{{"code":"{CODE}"}}}}'.encode()
    with pytest.raises(Unintelligible) as caught:
        CALL.decode(body, 1)
    assert CODE not in f"{caught.value!r} {caught.value} {caught.value.kept(1)}"
    assert isinstance(caught.value.kept(1), Unreadable)


def test_nor_does_a_failure() -> None:
    """An error is told with all that stands in it."""
    failure = CALL.failure(400, f'{{"data":[{{"code":"{CODE}"}}]}}'.encode())
    assert failure is not None
    assert HASH in str(failure)
    assert CODE not in f"{failure!r} {failure} {failure.message}"


def test_what_is_kept_decodes_to_the_same() -> None:
    body = example("rest", "main-account/codes/history")
    assert CALL.decode(CALL.kept(body), 1) == CALL.decode(body, 1)


def test_answers_without_secrets_are_kept_as_they_came() -> None:
    special = {
        endpoint.name for endpoint in ENDPOINTS.values() if endpoint.cleanse is not untouched
    }
    assert special == {"codes"}
    assert {name for name, endpoint in ENDPOINTS.items() if endpoint.is_secret} == {
        "websocket_token"
    }
