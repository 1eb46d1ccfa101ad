"""Structured logs on standard error: an event name and fields, bound to account and session.

Two walls keep secrets out: they are `Secret` values that print as nothing, and whatever is about to
be written is searched for each known secret once more, tracebacks included.
"""

import json
import logging
import sys
from collections.abc import Iterable
from typing import Literal, TextIO
from urllib.parse import quote, quote_plus

import structlog

from reconciler.clock import Clock
from reconciler.domain.moments import iso
from reconciler.secret import Secret

Logger = structlog.typing.FilteringBoundLogger

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class Filter:
    """What is shown: from which level on, and without which texts.  Both may be changed while the
    log is written."""

    def __init__(self, level: str = "info", secrets: Iterable[Secret] = ()) -> None:
        self.level = level
        self._hidden: dict[str, None] = {}
        self.hide(secrets)

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Show these no more; those before neither."""
        for secret in secrets:
            self._hidden |= dict.fromkeys(_spellings(secret.reveal()))

    def is_shown(self, level: str) -> bool:
        """Whether lines of this level are written."""
        return _LEVELS[level] >= _LEVELS[self.level]

    def cleaned(self, line: str) -> str:
        """The line without what must not be seen."""
        for text in self._hidden:
            line = line.replace(text, "…")
        return line


def _spellings(text: str) -> list[str]:
    """As it may stand in a line: as it is, in quotes, in JSON, in an address, or in one in another;
    the longest first, so that of none a rest is shown."""
    in_address = (quote(text, errors="replace"), quote(text, safe="", errors="replace"))
    quoted = {text, repr(text)[1:-1], *in_address, quote_plus(text, errors="replace")}
    inner = quoted | {json.dumps(each)[1:-1] for each in quoted}
    outer = inner | {json.dumps(each, ensure_ascii=False)[1:-1] for each in inner}
    return sorted((each for each in outer if each), key=len, reverse=True)


def open_log(
    *,
    clock: Clock,
    format_: Literal["auto", "console", "json"] = "auto",
    level: str = "info",
    secrets: Iterable[Secret] = (),
    filter_: Filter | None = None,
    to: TextIO | None = None,
) -> Logger:
    """A logger that writes one line an event to `to` (standard error).

    What it shows is said by `level` and `secrets`, once for all, or by a `filter_`.
    """
    out = to or sys.stderr
    console = format_ == "console" or (format_ == "auto" and out.isatty())
    shown = filter_ or Filter(level, secrets)

    def choose(
        _: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        # `exception` is an error with its traceback.
        if not shown.is_shown("error" if method not in _LEVELS else method):
            raise structlog.DropEvent
        return event

    def stamp(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["at"] = iso(clock.now())
        return event

    def hide(_: object, __: str, line: str) -> str:
        return shown.cleaned(line)

    shape: list[structlog.typing.Processor]
    if console:
        shape = [structlog.dev.ConsoleRenderer(colors=out.isatty(), timestamp_key="at")]
    else:
        shape = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    logger: Logger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[choose, structlog.stdlib.add_log_level, stamp, *shape, hide],  # type: ignore[list-item]
        # A level that stays is decided where it costs least.
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS["debug" if filter_ else level]),
    )
    return logger
