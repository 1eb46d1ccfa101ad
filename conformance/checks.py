"""What a check is: one call of a client that others wrote, and what it must bring."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`known` says why a call is expected to fail, in the client's own terms."""

    client: str
    call: str
    run: Callable[[Any, "Setting"], Any | Awaitable[Any]]
    known: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it went: `why` is empty when it went well."""

    check: Check
    why: str

    @property
    def mark(self) -> str:
        """For the table."""
        if not self.why:
            return "✓"
        return "✗" if self.check.known else "✗ **new**"

    @property
    def is_as_expected(self) -> bool:
        """A known failure that stops failing is news, too."""
        return bool(self.why) == bool(self.check.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The exchange that is under test, and how to drive it."""

    rest_url: str
    ws_url: str
    account: str
    key: str
    secret: str
    control: Callable[..., Any]
    """Takes a path and, to post, values; gives the JSON that came back."""

    def fill(self, **more: Any) -> Any:
        """One deal of our account."""
        terms = {"market": "BTC_USDT", "side": "buy", "amount": "0.01", "price": "100000"}
        return self.control("/fill", account=self.account, **(terms | more))["result"]

    def truth(self) -> Any:
        """Of our account."""
        return self.control(f"/truth/{self.account}")


def same(ours: Any, theirs: Any) -> None:
    """Raises AssertionError that shows both."""
    assert ours == theirs, f"{ours!r} is not {theirs!r}"
