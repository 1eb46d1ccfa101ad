"""Who may come in: API keys, signatures, nonces, WebSocket tokens.

Follows PROTOCOL § 1.7, § 1.8 and § 2.  Time and chance are arguments; how often somebody may come
is the business of `limits`.
"""

import base64
import binascii
import hashlib
import hmac
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

WINDOW_MS = 5_000
"""How far a nonce may lie from the exchange's time in window mode."""

TOKEN_LIFE_US = 60_000_000
"""Undocumented; the clients that cache tokens keep them this long (PROTOCOL § 3)."""


class Denied(Exception):
    """The call is answered with this status and envelope."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(slots=True, kw_only=True)
class Key:
    """An API key and what it has used up."""

    account: str
    secret: bytes = field(repr=False)
    last_nonce: int = 0
    seen_in_window: set[int] = field(default_factory=set)
    nonces_as_seen: deque[int] = field(default_factory=deque)
    """The same in the order they came: the oldest are forgotten from the front."""


class Access:
    """The keys of all accounts."""

    def __init__(self, *, now: Callable[[], int], chance: random.Random) -> None:
        self._now = now
        self._chance = chance
        self._keys: dict[str, Key] = {}
        self._tokens: dict[str, tuple[str, int]] = {}

    def grant(self, account: str, key: str, secret: str) -> None:
        """An account may have several keys."""
        assert key not in self._keys, "the key is in use"
        self._keys[key] = Key(account=account, secret=secret.encode())

    def account_of_key(self, key: str) -> str | None:
        """Whose key it is; None for an unknown one."""
        known = self._keys.get(key)
        return known.account if known else None

    def admit(
        self, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Key, dict[str, Any]]:
        """The caller's key and the parameters of its call, or Denied."""
        payload = headers.get("x-txc-payload")
        if payload is None:
            raise Denied(400, 0, "Payload not provided.")
        if not _same(payload, body):
            raise Denied(400, 9, "Invalid payload.")
        key = self._keys.get(headers.get("x-txc-apikey", ""))
        if key is None or not _signed(key, payload, headers.get("x-txc-signature", "")):
            raise Denied(401, 10, "Unauthorized request.")
        try:
            asked = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise Denied(400, 9, "Invalid payload.") from None
        if not isinstance(asked, dict):
            raise Denied(400, 9, "Invalid payload.")
        if asked.get("request") != path:
            raise Denied(401, 0, "Request not provided.")
        self._use_nonce(key, asked)
        return key, asked

    def _use_nonce(self, key: Key, asked: Mapping[str, Any]) -> None:
        try:
            nonce = int(asked["nonce"])
        except (KeyError, TypeError, ValueError):
            raise Denied(401, 0, "Nonce not provided.") from None
        windowed = asked.get("nonceWindow", False)
        if not isinstance(windowed, bool):
            raise Denied(401, 0, "Invalid nonceWindow.")
        if not windowed:
            if nonce <= key.last_nonce:
                raise Denied(429, 0, "Too many requests.")
            key.last_nonce = nonce
            return
        now_ms = self._now() // 1000
        if abs(nonce - now_ms) > WINDOW_MS:
            raise Denied(401, 0, "Your nonce is more than 5 seconds lesser than the current nonce.")
        if nonce in key.seen_in_window:
            raise Denied(429, 0, "Too many requests.")
        _forget_before(key, now_ms - WINDOW_MS)
        key.seen_in_window.add(nonce)
        key.nonces_as_seen.append(nonce)

    def issue_token(self, key: Key) -> str:
        """A token that authorizes WebSockets for `TOKEN_LIFE_US`."""
        now = self._now()
        token = f"{self._chance.getrandbits(256):064x}"
        self._tokens = {t: kept for t, kept in self._tokens.items() if kept[1] > now}
        self._tokens[token] = (key.account, now + TOKEN_LIFE_US)
        return token

    def account_of_token(self, token: str) -> str | None:
        """None when the token is unknown or too old."""
        account, until = self._tokens.get(token, ("", 0))
        return account if self._now() < until else None


def _forget_before(key: Key, oldest: int) -> None:
    """A nonce from ahead of the clock holds up those behind it, for twice the window at most; to
    remember one for longer is harmless, as it is outside the window anyway."""
    while key.nonces_as_seen and key.nonces_as_seen[0] < oldest:
        key.seen_in_window.remove(key.nonces_as_seen.popleft())


def _same(payload: str, body: bytes) -> bool:
    try:
        return base64.b64decode(payload, validate=True) == body
    except (binascii.Error, ValueError):
        return False


def _signed(key: Key, payload: str, signature: str) -> bool:
    expected = hmac.new(key.secret, payload.encode(), hashlib.sha512).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())
