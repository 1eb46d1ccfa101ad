"""Lists of records, of which one bad element must not spoil the good ones.

`Form` decodes one element: strictly, in one pass, as documented; leniently where the exchange has
added something, and then counts what was added.  `sift` turns a list into facts, an `Unreadable`
for each element that can't be understood.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from reconciler.domain.facts import Fact, Unreadable
from reconciler.wire.numbers import excerpt

S = TypeVar("S", bound=Struct)

Ignored = bool | int | float | str | None
"""The type of a field that is documented and not kept: declared so that it isn't surplus.  Scalars
only, so that a documented shape can't nest deeper than documented."""

REASON_MAX = 300
"""Characters of a reason; those of the decoder name the place, and are much shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list."""

    facts: tuple[Fact, ...]
    """Of a record mostly one, of some several."""
    count: int
    """Records on the page, unreadable ones included: what paging goes on by."""
    total: int | None = None
    """Records in the whole list, where the exchange says so."""
    surplus: int = 0
    """Fields that the documentation doesn't know."""


class Documented(Struct, forbid_unknown_fields=True):
    """A record with the fields that the documentation knows, and no others."""


class Unintelligible(Exception):
    """An answer that can't be understood as a whole: `what` was asked, `why`, and an excerpt."""

    def __init__(self, what: str, why: str, excerpt: str) -> None:
        self.what, self.why, self.excerpt = what, why, excerpt
        super().__init__(f"{what}: {why}")

    def kept(self, received_at: int) -> Unreadable:
        """As a fact: what is kept of the answer, which came at `received_at`."""
        return Unreadable(
            stream=self.what, reason=self.why, excerpt=self.excerpt, received_at=received_at
        )


@contextmanager
def understood(what: str, text: bytes) -> Iterator[None]:
    """Inside, text that can't be understood raises Unintelligible, not ValueError."""
    try:
        yield
    except ValueError as error:
        raise Unintelligible(what, str(error)[:REASON_MAX], excerpt(text)) from error


class Form(Generic[S]):
    """How one record is written: a `Documented` shape, and the same open to new fields."""

    def __init__(self, shape: type[S]) -> None:
        self._strict = msgspec.json.Decoder(shape)
        self._lenient = msgspec.json.Decoder(_open(shape))
        self._is_array = shape.__struct_config__.array_like
        self._names = {field.encode_name for field in msgspec.structs.fields(shape)}

    def read(self, raw: Raw | bytes) -> tuple[S, int]:
        """The record, and how many undocumented fields it had.  Raises ValueError."""
        try:
            return self._strict.decode(raw), 0
        except ValueError:
            return self._lenient.decode(raw), self._surplus(raw)

    def _surplus(self, raw: Raw | bytes) -> int:
        if self._is_array:
            return max(0, len(LIST.decode(raw)) - len(self._names))
        return len(MAP.decode(raw).keys() - self._names)


def _open(shape: type[S]) -> type[S]:
    """`shape` with any field besides its own, and anything in those that are ignored."""
    ignored = [f for f in msgspec.structs.fields(shape) if f.type == Ignored]
    twin: Any = msgspec.defstruct(
        shape.__name__,
        [(f.name, Any, msgspec.field(default=None, name=f.encode_name)) for f in ignored],
        bases=(shape,),
        forbid_unknown_fields=False,
        kw_only=True,
    )
    return twin  # type: ignore[no-any-return]


Builder = Callable[[Raw], tuple[Fact | tuple[Fact, ...], int]]
"""One element to its fact, or facts, and its surplus; raises ValueError if it can't be
understood."""


def sift(
    elements: Sequence[Raw], build: Builder, stream: str, received_at: int
) -> tuple[tuple[Fact, ...], int]:
    """The facts of a list, and its surplus; what can't be understood becomes `Unreadable`."""
    facts: list[Fact] = []
    surplus = 0
    for element in elements:
        try:
            built, extra = build(element)
        except ValueError as error:
            facts.append(unreadable(stream, error, bytes(element), received_at))
        else:
            if isinstance(built, tuple):
                facts += built
            else:
                facts.append(built)
            surplus += extra
    return tuple(facts), surplus


def page(
    elements: Sequence[Raw],
    build: Builder,
    stream: str,
    received_at: int,
    total: int | None = None,
) -> Page:
    """Like `sift`, as a page."""
    facts, surplus = sift(elements, build, stream, received_at)
    return Page(facts=facts, count=len(elements), total=total, surplus=surplus)


def mapping(text: bytes | Raw) -> dict[str, Raw]:
    """A JSON object; an empty one may be written `[]` (§ 9, trap 29).  Raises ValueError."""
    try:
        return MAP.decode(text)
    except msgspec.ValidationError:
        if LIST.decode(text):
            raise
        return {}


def unreadable(stream: str, reason: ValueError | str, text: bytes, received_at: int) -> Unreadable:
    """What is kept of a text that can't be understood, in a form that any database can hold."""
    return Unreadable(
        stream=stream,
        reason=excerpt(str(reason).encode("utf-8", "backslashreplace"))[:REASON_MAX],
        excerpt=excerpt(text),
        received_at=received_at,
    )


ABSENT = Raw()
"""Of a field that wasn't there."""

LIST = msgspec.json.Decoder(list[Raw])
MAP = msgspec.json.Decoder(dict[str, Raw])
