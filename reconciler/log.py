"""Structured logs on standard error: an event name and fields, bound to account and session.

Two walls keep secrets out: they are `Secret` values that print as nothing, and whatever is about to
be written is searched for each known secret once more, tracebacks included.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Literal, TextIO

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


def open_log(
    *,
    clock: Clock,
    format_: Literal["auto", "console", "json"] = "auto",
    level: str = "info",
    secrets: Iterable[Secret] = (),
    to: TextIO | None = None,
) -> Logger:
    """A logger that writes one line an event to `to` (standard error)."""
    out = to or sys.stderr
    console = format_ == "console" or (format_ == "auto" and out.isatty())
    hidden = [text for secret in secrets if (text := secret.reveal())]

    def stamp(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["at"] = iso(clock.now())
        return event

    def hide(_: object, __: str, line: str) -> str:
        for text in hidden:
            line = line.replace(text, "…")
        return line

    shape: list[structlog.typing.Processor]
    if console:
        shape = [structlog.dev.ConsoleRenderer(colors=out.isatty(), timestamp_key="at")]
    else:
        shape = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    logger: Logger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.stdlib.add_log_level, stamp, *shape, hide],  # type: ignore[list-item]
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )
    return logger
