"""Failures by shape and message (PROTOCOL § 1.7)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.wire.refusals import MESSAGE_MAX, Refused, read_failure
from tests.wire.examples import example, names

STALE = example("recorded", "stale nonce").decode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, STALE, Refused.STALE_NONCE),
        (401, STALE, Refused.STALE_NONCE),
        (429, STALE.replace("{}", "[]"), Refused.STALE_NONCE),
        (429, '{"code":0,"message":"Too many requests."}', Refused.RATE_LIMIT),
        (429, '{"code":0,"message":"Too Many Attempts."}', Refused.RATE_LIMIT),
        (400, '{"message":"Too Many Attempts.","code":0}', Refused.RATE_LIMIT),
        (429, "<html>429</html>", Refused.RATE_LIMIT),
        (418, "", Refused.RATE_LIMIT),
        (
            400,
            '{"code":0,"message":"Your nonce is more than 5 seconds lesser than the current nonce."'
            ',"errors":{}}',
            Refused.CLOCK,
        ),
        (401, '{"code":10,"message":"Unauthorized request."}', Refused.CREDENTIALS),
        (401, '{"message":"Invalid API key, signature, or nonce"}', Refused.CREDENTIALS),
        (401, '{"code":77,"message":"!"}', Refused.CREDENTIALS),
        (
            403,
            '{"code":2,"message":"This action is unauthorized. Enable your key in API settings"}',
            Refused.PERMISSION,
        ),
        (
            401,
            '{"code":4,"message":"This API Key is not authorized to perform this action."}',
            Refused.PERMISSION,
        ),
        (
            403,
            '{"message":"You don\'t have permission to use this endpoint."}',
            Refused.PERMISSION,
        ),
        (451, '{"message":"?"}', Refused.PERMISSION),
        (400, '{"code":9,"message":"Invalid payload.","errors":{}}', Refused.INVALID),
        (400, '{"code":0,"message":"Nonce not provided.","errors":{}}', Refused.INVALID),
        (422, '{"market":["Market is not available."]}', Refused.INVALID),
        (422, '{"code":0,"message":"OrderHistory was not found."}', Refused.NOT_FOUND),
        (400, '{"code":0,"message":"No active loan at the moment"}', Refused.NOT_FOUND),
        (404, "", Refused.NOT_FOUND),
        (404, "{}", Refused.NOT_FOUND),
        (500, '{"error":["Internal server error."]}', Refused.UNAVAILABLE),
        (503, "<html>maintenance</html>", Refused.UNAVAILABLE),
        (502, "", Refused.UNAVAILABLE),
        (200, "<html>please prove that you are human</html>", Refused.UNAVAILABLE),
        (403, "<html>blocked</html>", Refused.UNAVAILABLE),
        (301, "", Refused.UNAVAILABLE),
        (200, "", Refused.UNAVAILABLE),
        (200, '{"success":false,"message":"Market is wrong","params":[]}', Refused.INVALID),
        (200, '{"success":false,"message":{"market":["wrong"]},"result":[]}', Refused.INVALID),
        (
            200,
            '{"response":null,"status":503,"errors":{},"notification":null}',
            Refused.UNAVAILABLE,
        ),
        (200, '{"response":null,"status":422,"errors":{"a":["b"]}}', Refused.INVALID),
        (200, '{"code":30,"message":"Validation failed","errors":{}}', Refused.INVALID),
        (200, '{"error":["Internal server error."]}', Refused.INVALID),
    ],
)
def test_kinds(status: int, body: str, kind: Refused) -> None:
    failure = read_failure(status, body.encode())
    assert failure is not None
    assert (failure.kind, failure.status) == (kind, status)


@pytest.mark.parametrize("name", names("rest"))
@pytest.mark.parametrize("status", [200, 201])
def test_no_documented_answer_is_a_failure(name: str, status: int) -> None:
    assert read_failure(status, example("rest", name)) is None


def test_what_was_said_is_kept_short() -> None:
    failure = read_failure(400, b'{"code":30,"message":"%b","errors":{}}' % (b"x" * 1000))
    assert failure is not None
    assert failure.code == 30
    assert failure.message == "x" * MESSAGE_MAX
    assert str(failure).startswith("invalid: HTTP 400 'xxx")


def test_the_fields_that_are_wrong_are_named() -> None:
    body = {"code": 30, "message": "Validation failed", "errors": {"limit": ["too large"]}}
    failure = read_failure(400, json.dumps(body).encode())
    assert failure is not None
    assert failure.message == 'Validation failed {"limit": ["too large"]}'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
members = st.dictionaries(
    st.sampled_from(["code", "message", "errors", "success", "status", "response", "error", "x"]),
    json_values,
)


@given(st.integers(100, 599), st.binary() | (json_values | members).map(json.dumps).map(str.encode))
def test_never_raises(status: int, body: bytes) -> None:
    failure = read_failure(status, body)
    assert failure is not None or 200 <= status < 300
