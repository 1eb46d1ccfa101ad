"""What the doctor says of one thing looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How much it matters."""

    OK = "ok"
    NOTE = "note"
    """Good to know; nothing needs doing."""
    WARN = "warn"
    """A run works, and something will be missed or may go wrong."""
    FAIL = "FAIL"
    """A run won't work, or not as configured."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence on a subject; where it matters, with what to do."""

    mark: Mark
    what: str
    said: str


Tell = Callable[[Finding], None]
"""Hears each finding as it is made: some take seconds."""


def ok(what: str, said: str) -> Finding:
    return Finding(Mark.OK, what, said)


def note(what: str, said: str) -> Finding:
    return Finding(Mark.NOTE, what, said)


def warn(what: str, said: str) -> Finding:
    return Finding(Mark.WARN, what, said)


def fail(what: str, said: str) -> Finding:
    return Finding(Mark.FAIL, what, said)
