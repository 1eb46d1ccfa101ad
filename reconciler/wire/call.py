"""One REST call as a value: where, with what, and what its answer says.

An `Endpoint` is declared once; a `Call` is an endpoint and what to ask of it.  Who sends it, signs
it and retries it is not known here.  As evidence an answer is kept together with `asked`, from
which the same call can be made again (`wire.replay`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Literal, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from reconciler.domain.facts import Fact
from reconciler.wire.cleansing import untouched
from reconciler.wire.numbers import Misshapen, check_nesting
from reconciler.wire.records import LIST, Builder, Page, mapping, page, sift, understood
from reconciler.wire.refusals import RestError, read_failure

BODY_BYTES_MAX = 16 << 20
"""16 MiB: a page of 500 records is 121 KB, all assets or markets are below 1 MB."""

SECONDS_MAX = 10**11
"""Beyond it a time can only be in milliseconds, and the answer would be an empty page (trap 32)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """An answer's text, and what is needed to understand it."""

    name: str
    """Of the call."""
    asked: Mapping[str, object]
    text: bytes
    received_at: int

    def said(self, name: str) -> str:
        """A text that was part of the question.  Raises Misshapen."""
        value = self.asked.get(name)
        if not isinstance(value, str):
            raise Misshapen(f"asked without {name}")
        return value


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T]):
    """Where a call goes and how its answers are read."""

    name: str
    path: str
    """Behind `/api/v4/`."""
    read: Callable[[Body], T]
    """Raises ValueError."""
    method: Literal["GET", "POST"] = "POST"
    cleanse: Callable[[bytes], bytes] = untouched
    """Takes out of an answer what must not even be read."""
    is_secret: bool = False
    """Whether nothing of an answer may be kept."""

    def call(self, **params: object) -> "Call[T]":
        """Ask with these parameters."""
        return Call(endpoint=self, params=params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call: POST ones are signed, GET ones public."""

    endpoint: Endpoint[T]
    params: Mapping[str, object]
    """What is sent."""
    known: Mapping[str, object] = field(default_factory=dict)
    """What isn't sent, but needed to understand the answer."""

    @property
    def name(self) -> str:
        """What we call it."""
        return self.endpoint.name

    @property
    def method(self) -> Literal["GET", "POST"]:
        """POST if it is to be signed."""
        return self.endpoint.method

    @property
    def path(self) -> str:
        """From `/api`, without host or query."""
        return f"/api/v4/{self.endpoint.path}"

    @property
    def asked(self) -> str:
        """The question as a `Frame` keeps it; `wire.replay` makes the call of it again."""
        return json.dumps({"call": self.name, **self.params, **self.known}, separators=(",", ":"))

    def failure(self, status: int, body: bytes) -> RestError | None:
        """The failure that an answer tells, None if it tells none; ask before decoding."""
        return read_failure(status, self.endpoint.cleanse(body))

    def kept(self, body: bytes) -> bytes:
        """What a `Frame` may keep of the answer's body: nothing of a secret, else all that `decode`
        looks at, so that it says the same."""
        return b"" if self.endpoint.is_secret else self.endpoint.cleanse(body)

    def decode(self, body: bytes, received_at: int) -> T:
        """The answer's body and when it came (µs) to what it says.  Raises Unintelligible."""
        text = self.endpoint.cleanse(body)
        with understood(self.name, b"" if self.endpoint.is_secret else text):
            if len(text) > BODY_BYTES_MAX:
                raise Misshapen(f"longer than {BODY_BYTES_MAX} bytes")
            check_nesting(text)
            asked = {**self.params, **self.known}
            answer = Body(name=self.name, asked=asked, text=text, received_at=received_at)
            return self.endpoint.read(answer)


# How lists are written.


def listed(build: Builder, answer: Body) -> Page:
    """A bare list."""
    return page(LIST.decode(answer.text), build, answer.name, answer.received_at)


def enclosed(build: Builder, answer: Body) -> Page:
    """A list under `records` or `data`, some with the `total`."""
    found = _ENCLOSED.decode(answer.text)
    return page(found.rows(), build, answer.name, answer.received_at, found.total)


def either(build: Builder, answer: Body) -> Page:
    """A bare list or an enclosed one: where documents disagree (PROTOCOL § 5.12)."""
    return (listed if answer.text.lstrip()[:1] == b"[" else enclosed)(build, answer)


def grouped(build: Callable[..., tuple[Fact, int]], answer: Body) -> Page:
    """Lists by market, together one page (trap 28); `build` takes a row and its `market`."""
    facts: list[Fact] = []
    count = surplus = 0
    for market, records in mapping(answer.text).items():
        elements = LIST.decode(records)
        of_market: Builder = partial(build, market=market)
        found, extra = sift(elements, of_market, answer.name, answer.received_at)
        facts += found
        count += len(elements)
        surplus += extra
    return Page(facts=tuple(facts), count=count, surplus=surplus)


def rows(answer: Body) -> list[Raw]:
    """What is in an enclosed list."""
    return _ENCLOSED.decode(answer.text).rows()


def window(since: str, since_s: int, until: str, until_s: int | None) -> dict[str, int]:
    """Two parameters that bound the time asked for, in whole seconds; the second may be open."""
    end = {} if until_s is None else {until: until_s}
    assert 0 <= since_s <= end.get(until, since_s) < SECONDS_MAX, "seconds, not milliseconds"
    return {since: since_s, **end}


class _Enclosed(Struct):
    records: list[Raw] | None = None
    data: list[Raw] | None = None
    total: int | None = None

    def rows(self) -> list[Raw]:
        rows = self.data if self.records is None else self.records
        if rows is None:
            raise Misshapen("neither `records` nor `data`")
        return rows


_ENCLOSED = Decoder(_Enclosed)
