"""Body and nonce to the bytes and headers of a private REST call (PROTOCOL § 2).

The body is compact ASCII JSON, its base64 is the payload, and the MAC is over the payload's text,
with the secret as it is shown.  The nonce is the caller's: it must never repeat.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field


class Token(str):
    """The key to a private WebSocket session: plain text to an encoder, hidden in every `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Token(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What to send, by POST, unchanged: the same bytes that were signed.

    Its `repr` shows the path only; body and headers hold what a log must not.
    """

    path: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def sign(
    path: str, params: Mapping[str, object], *, nonce: int, key: str, secret: str
) -> SignedRequest:
    """A call of `path` (from `/api`, no host, no query) with `params`, signed.

    `nonce` is Unix milliseconds by the server's clock, unique per key; with `nonceWindow` it must
    be within 5 s, and calls may overtake each other (PROTOCOL § 1.8).
    """
    content = {**params, "request": path, "nonce": nonce, "nonceWindow": True}
    body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
    payload = b64encode(body)
    return SignedRequest(
        path=path,
        body=body,
        headers={
            "Content-Type": "application/json",
            "X-TXC-APIKEY": key,
            "X-TXC-PAYLOAD": payload.decode("ascii"),
            "X-TXC-SIGNATURE": hmac.new(secret.encode(), payload, hashlib.sha512).hexdigest(),
        },
    )
