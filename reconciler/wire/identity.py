"""Keys for rows to which the exchange gives no id (PROTOCOL § 6.1).

A key is made of a row's own fields alone, so that the same row has the same key whenever it is
read, on whichever page, and in whatever spelling of its numbers and times.
"""

import dataclasses
import hashlib
from collections import Counter
from decimal import Decimal
from urllib.parse import quote

from msgspec.structs import replace

from reconciler.domain.facts import Fact, Movement
from reconciler.domain.money import canonical
from reconciler.wire.records import Page
from reconciler.wire.vocabulary import TEXT_MAX


def key(*parts: str | int | Decimal | None) -> str:
    """One text of `parts`, another one for any other parts: readable unless very long."""
    text = "/".join([_spelled(part) for part in parts])
    if len(text) <= TEXT_MAX:
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def told_apart(page: Page) -> Page:
    """`page` with an ordinal behind the key of each movement that repeats one before it.

    Two payments can be equal in every field, as two positions in one market can be (trap 67).  On
    one page they are two; that the ordinal starts anew on the next is why pages should overlap.
    """
    seen: Counter[str] = Counter()
    apart: list[Fact] = []
    for fact in page.facts:
        if isinstance(fact, Movement):
            seen[fact.movement_id] += 1
            if (nth := seen[fact.movement_id]) > 1:
                fact = replace(fact, movement_id=f"{fact.movement_id}/{nth}")
        apart.append(fact)
    return dataclasses.replace(page, facts=tuple(apart))


def _spelled(part: str | int | Decimal | None) -> str:
    match part:
        case None:
            return ""
        case Decimal():
            return canonical(part)
        case int():
            return str(part)
        case str():
            return quote(part, safe="")
