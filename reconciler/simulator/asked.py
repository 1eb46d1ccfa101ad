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
            raise Invalid(field, f"{title(field)} field should be a string.")
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
            raise Invalid(field, f"{title(field)} field is required.")
        return value

    def integer(self, field: str, low: int = 0, high: int = 2**64) -> int | None:
        """None if absent."""
        value = self._values.get(field)
        if value is None:
            return None
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid(field, f"{title(field)} field should be an integer.")
        if not low <= value <= high:
            raise Invalid(field, f"{title(field)} field should be between {low} and {high}.")
        return value

    def page(self, limit_max: int, offset_max: int, *, default: int = 50) -> tuple[int, int]:
        """`(offset, limit)`; `default` is the limit where none is asked for."""
        limit = self.integer("limit", 1, limit_max)
        return self.integer("offset", 0, offset_max) or 0, default if limit is None else limit

    def reach(self, limit_max: int, reach_max: int, *, default: int) -> tuple[int, int]:
        """As `page`, of a list that ends at `reach_max`, however long it is."""
        offset, limit = self.page(limit_max, reach_max, default=default)
        if offset + limit > reach_max:
            message = f"Offset is too big. Please use offset + limit less than {reach_max}."
            raise Invalid("offset", message)
        return offset, limit

    def amount(self, field: str) -> Decimal:
        """A positive decimal without an exponent."""
        value = self.amount_or_none(field)
        if value is None:
            raise Invalid(field, f"{title(field)} field is required.")
        return value

    def amount_or_none(self, field: str) -> Decimal | None:
        """As `amount`; None if absent."""
        value = self._values.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not _AMOUNT.fullmatch(str(value)):
            raise Invalid(field, f"{title(field)} field should be numeric string or number.")
        return Decimal(str(value))

    def texts(self, field: str) -> list[str]:
        """A list of texts; empty if absent."""
        values = self._values.get(field)
        if values is None:
            return []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Invalid(field, f"The {field} must be an array.")
        return values

    def integers(self, field: str) -> list[int]:
        """A list of integers, or one alone; empty if absent."""
        values = self._values.get(field)
        if values is None:
            return []
        listed = values if isinstance(values, list) else [values]
        return [Asked({field: value}).integer(field) or 0 for value in listed]

    def parts(self, field: str, count_max: int) -> list["Asked | None"]:
        """A list of objects, each to be asked by itself; None for one that is no object."""
        values = self._values.get(field)
        if not isinstance(values, list):
            raise Invalid(field, f"The {field} must be an array.")
        if not 0 < len(values) <= count_max:
            raise Invalid(field, "validation.between")
        return [Asked(value) if isinstance(value, dict) else None for value in values]

    def flag(self, field: str) -> bool:
        """False if absent."""
        value = self._values.get(field, False)
        if not isinstance(value, bool):
            raise Invalid(field, f"{title(field)} field should be a boolean.")
        return value


def title(field: str) -> str:
    """As messages begin with it."""
    return (field[:1].upper() + field[1:]).replace("_", " ")
