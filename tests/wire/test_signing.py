"""Against the vectors of PROTOCOL § 2, which were made with OpenSSL."""

import json
from base64 import b64decode

from reconciler.wire.signing import Token, sign

KEY = "0123456789abcdef0123456789abcdef"
SECRET = "fedcba9876543210fedcba9876543210"


def test_first_vector() -> None:
    signed = sign("/api/v4/trade-account/balance", {}, nonce=1700000000000, key=KEY, secret=SECRET)
    assert signed.body == (
        b'{"request":"/api/v4/trade-account/balance","nonce":1700000000000,"nonceWindow":true}'
    )
    assert signed.headers == {
        "Content-Type": "application/json",
        "X-TXC-APIKEY": KEY,
        "X-TXC-PAYLOAD": (
            "eyJyZXF1ZXN0IjoiL2FwaS92NC90cmFkZS1hY2NvdW50L2JhbGFuY2UiLCJub25jZSI6MTcwMDAwMDAwMDAw"
            "MCwibm9uY2VXaW5kb3ciOnRydWV9"
        ),
        "X-TXC-SIGNATURE": (
            "aab658be74e0cd03ac2d022806c070a055763c74b636bc45b10655917f5c551d"
            "abb108169471c677959b10bd9e705cfadb6e96578fef5153277bf0caf1ac505f"
        ),
    }


def test_second_vector_with_parameters_in_their_order() -> None:
    signed = sign(
        "/api/v4/trade-account/executed-history",
        {
            "market": "BTC_USDT",
            "startDate": 1699900000,
            "endDate": 1700000000,
            "limit": 100,
            "offset": 0,
        },
        nonce=1700000000001,
        key=KEY,
        secret=SECRET,
    )
    assert len(signed.body) == 180
    assert signed.headers["X-TXC-SIGNATURE"] == (
        "a79b5657a6b9711173a27d5c56eec6579971f3558e7ec0df3e0d1947e4800888"
        "1dc1a148a77861c4ea49b50161d5dfe7fe3c92633d3443f8aae98296863f9dd8"
    )


def test_body_is_ascii_and_what_the_payload_says() -> None:
    signed = sign("/api/v4/orders", {"market": "ГРН_USDT"}, nonce=1, key=KEY, secret=SECRET)
    assert signed.body.isascii()
    assert b64decode(signed.headers["X-TXC-PAYLOAD"]) == signed.body
    assert json.loads(signed.body)["market"] == "ГРН_USDT"


def test_repr_shows_no_secret() -> None:
    signed = sign("/api/v4/orders", {"market": "X"}, nonce=1, key=KEY, secret=SECRET)
    assert repr(signed) == "SignedRequest(path='/api/v4/orders')"
    assert repr([Token("abc")]) == "[Token(…)]"
    assert json.dumps(Token("abc")) == '"abc"'
