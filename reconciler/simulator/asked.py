"""The parameters of one REST call, checked as they are read.

Numbers may come as JSON numbers or as text, as the vendor's own clients send both.
"""

import re
from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Any

_AMOUNT = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_INTEGER = re.compile(r"[0-9]{1,20}", re.ASCII)


class Invalid(Exception):
    """A parameter is missing or not what it must be: HTTP 422."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Asked:
    """The body of a call, without what the signature needed."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, field: str) -> bool:
        """Was it sent, and not as null?"""
        return self._values.get(field) is not None

    def text(self, field: str) -> str | None:
        """None if absent."""
        value = self._values.get(field)
        if value is not None and not isinstance(value, str):
            raise Invalid(field, f"{_title(field)} field should be a string.")
        return value

    def one_of(self, field: str, choices: Container[str]) -> str | None:
        """A text among `choices`; None if absent."""
        value = self.text(field)
        if value is not None and value not in choices:
            raise Invalid(field, f"The selected {field} is invalid.")
        return value

    def needed(self, field: str, choices: Container[str]) -> str:
        """As `one_of`, but not None."""
        value = self.one_of(field, choices)
        if value is None:
            raise Invalid(field, f"{_title(field)} field is required.")
        return value

    def integer(self, field: str, low: int = 0, high: int = 2**64) -> int | None:
        """None if absent."""
        value = self._values.get(field)
        if value is None:
            return None
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid(field, f"{_title(field)} field should be an integer.")
        if not low <= value <= high:
            raise Invalid(field, f"{_title(field)} field should be between {low} and {high}.")
        return value

    def page(self, limit_max: int, offset_max: int) -> tuple[int, int]:
        """`(offset, limit)`; the documented defaults are 0 and 50."""
        limit = self.integer("limit", 1, limit_max)
        return self.integer("offset", 0, offset_max) or 0, 50 if limit is None else limit

    def amount(self, field: str) -> Decimal:
        """A positive decimal without an exponent."""
        value = self._values.get(field)
        if value is None:
            raise Invalid(field, f"{_title(field)} field is required.")
        if isinstance(value, bool) or not _AMOUNT.fullmatch(str(value)):
            raise Invalid(field, f"{_title(field)} field should be numeric string or number.")
        return Decimal(str(value))

    def flag(self, field: str) -> bool:
        """False if absent."""
        value = self._values.get(field, False)
        if not isinstance(value, bool):
            raise Invalid(field, f"{_title(field)} field should be a boolean.")
        return value


def _title(field: str) -> str:
    return field[:1].upper() + field[1:]
