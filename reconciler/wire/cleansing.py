"""What must be taken out of an answer before anybody looks at it.

A WhiteBIT code is a bearer secret: who reads it can take its money (PROTOCOL § 5.10, trap 106).  So
its hash stands for it, in the record, in what is kept as evidence and in what is told of a row that
can't be understood.
"""

import hashlib
import json
import re

_CODE = re.compile(
    # The value of a member `code`, also one that was cut off in the middle …
    rb'("code"\s*:\s*")((?:[^"\\]|\\.)+)\\?'
    # … and wherever else, what looks like one: WB, a UUID and an asset.
    rb"|(WB[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\w*)",
    re.IGNORECASE | re.DOTALL,
)
_HASH = re.compile(rb"sha256:[0-9a-f]{64}")


def untouched(body: bytes) -> bytes:
    """Of answers without secrets."""
    return body


def without_codes(body: bytes) -> bytes:
    """`body` with `sha256:<hex>` in place of each code.  Idempotent; no JSON is needed."""
    return _CODE.sub(_hashed, body)


def _hashed(found: re.Match[bytes]) -> bytes:
    opening, value, bare = found.groups()
    if bare is not None:
        return _hash(bare)
    if _HASH.fullmatch(value):
        return found[0]
    return bytes(opening) + _hash(_unescaped(value))


def _unescaped(value: bytes) -> bytes:
    """One code has one hash, however JSON spells it."""
    try:
        text: str = json.loads(b'"%b"' % value)
        return text.encode()
    except ValueError:
        return value


def _hash(code: bytes) -> bytes:
    return b"sha256:" + hashlib.sha256(code).hexdigest().encode()
