"""How a REST call fails, named for the remedy.

The exchange has eight shapes of failure, some under HTTP 200, and its codes mean different things
at different endpoints (PROTOCOL § 1.7).  So shape and message decide; status and code only where
those say nothing.
"""

import json
from enum import Enum

import msgspec
from msgspec import Raw

from reconciler.wire.numbers import check_nesting
from reconciler.wire.records import MAP

MESSAGE_MAX = 300
"""Characters kept of what the exchange said."""


class Refused(Enum):
    """Why, as far as it decides what to do next."""

    CREDENTIALS = "credentials"
    """Key or signature are not accepted: stop, a human must look."""
    PERMISSION = "permission"
    """This key, or this address, may not use this endpoint."""
    STALE_NONCE = "stale nonce"
    """The nonce was not new: sign again with a higher one."""
    RATE_LIMIT = "rate limit"
    """Too many calls: back off."""
    CLOCK = "clock"
    """The nonce is further than 5 s from the server's clock: measure the offset again."""
    UNAVAILABLE = "unavailable"
    """The exchange, or what stands before it, does not work: try again later."""
    NOT_FOUND = "not found"
    """There is no such thing, and it will not help to ask again."""
    INVALID = "invalid"
    """The call itself is wrong: a bug of ours, or a change of theirs."""


class RestError(Exception):
    """A call that failed: why, and what the exchange said."""

    def __init__(self, kind: Refused, status: int, code: int | None, message: str) -> None:
        self.kind, self.status, self.code, self.message = kind, status, code, message[:MESSAGE_MAX]
        self.retry_after: int | None = None
        """After how long to come again, microseconds, where the answer's header said so."""
        said = f" {self.message!r}" if message else ""
        super().__init__(f"{kind.value}: HTTP {status}{said}")


def read_failure(status: int, body: bytes) -> RestError | None:
    """The failure that an answer tells, None if it tells none.  Never raises.

    Ask this before decoding, whatever the status.
    """
    succeeded = 200 <= status < 300
    if succeeded and body[:1] == b"[":
        return None
    try:
        check_nesting(body)
        answer = _members(body)
        if succeeded and not _is_error(answer):
            return None
        message = _message(answer)
    except ValueError:
        return RestError(_without_json(status, body), status, None, "")
    code, inner = answer.get("code"), answer.get("status")
    # The old web layer puts the status that counts into the body, under HTTP 200.
    deciding = status if not succeeded else inner if isinstance(inner, int) else 400
    code = code if isinstance(code, int) else None
    return RestError(_kind(deciding, code, message, answer.get("errors")), status, code, message)


def _members(body: bytes) -> dict[str, object]:
    """The members that an error may have, decoded; of the others (a page of records) the text."""
    try:
        members = MAP.decode(body)
    except msgspec.ValidationError:
        return {"message": msgspec.json.decode(body)}
    return {
        name: msgspec.json.decode(raw) if name in _ERROR_MEMBERS else raw
        for name, raw in members.items()
    }


def _is_error(answer: dict[str, object]) -> bool:
    """Whether what came with HTTP 2xx is an error all the same.

    Maps by asset or market have objects and lists as values, so they can't be mistaken.
    """
    return (
        answer.get("success") is False
        or (isinstance(answer.get("code"), int) and isinstance(answer.get("message"), str))
        or ("response" in answer and isinstance(answer.get("status"), int))
        or isinstance(answer.get("error"), str | list)
    )


def _message(answer: dict[str, object]) -> str:
    """Everything readable that was said; where there is nothing but fields, those."""
    said = [answer[name] for name in _MESSAGES if answer.get(name)]
    if not said:
        said = [
            {name: msgspec.json.decode(part)}
            for name, part in answer.items()
            if isinstance(part, Raw)
        ]
    return " ".join(_text(part) for part in said)


def _text(part: object) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=True)


def _kind(status: int, code: int | None, message: str, errors: object) -> Refused:
    said = message.lower()
    for kind, phrases in _PHRASES.items():
        if any(phrase in said for phrase in phrases):
            return kind
    if "too many requests" in said and code == 0 and errors in ({}, []):
        # Not the rate limit, although it says so: the nonce was used before (trap 93).
        return Refused.STALE_NONCE
    return _by_status(status)


_MESSAGES = ("message", "error", "errors", "notification")
_ERROR_MEMBERS = {*_MESSAGES, "code", "success", "status", "response"}

_PHRASES = {
    Refused.CLOCK: ("seconds lesser than the current nonce", "seconds greater than"),
    Refused.RATE_LIMIT: ("too many attempts",),
    Refused.PERMISSION: (
        "this action is unauthorized",
        "not authorized to perform this action",
        "permission",
    ),
    Refused.CREDENTIALS: ("unauthorized request", "invalid api key"),
    Refused.NOT_FOUND: ("not found", "no active loan"),
}


def _by_status(status: int) -> Refused:
    match status:
        case 401:
            return Refused.CREDENTIALS
        case 403 | 451:
            return Refused.PERMISSION
        case 404:
            return Refused.NOT_FOUND
        case 418 | 429:
            return Refused.RATE_LIMIT
        case _ if status >= 500:
            return Refused.UNAVAILABLE
        case _:
            return Refused.INVALID


def _without_json(status: int, body: bytes) -> Refused:
    """A gateway's page, or nothing at all: not the exchange's own word."""
    if status in (418, 429):
        return Refused.RATE_LIMIT
    if status == 404 and not body.strip():
        return Refused.NOT_FOUND
    return Refused.UNAVAILABLE
