"""What `apprise.py` runs in a process of its own: one message through the apprise library.

In a process, since only that can be ended when it hangs, and nothing that the library logs (it
knows the tokens) gets out of it.  Says how it went by its exit code.
"""

import logging
import sys
import warnings

import msgspec


class Telling(msgspec.Struct):
    """What is read from standard input."""

    url: str
    title: str
    text: str
    kind: str


SENT, REFUSED, UNKNOWN, MISSING = range(4)
"""Exit codes: the service has it; it has not; there is no such service; there is no apprise."""


def main() -> int:
    """Send what is on standard input."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    telling = msgspec.json.decode(sys.stdin.buffer.read(), type=Telling)
    try:
        import apprise
    except ImportError:
        return MISSING
    way = apprise.Apprise()
    if not way.add(telling.url):
        return UNKNOWN
    sent = way.notify(
        telling.text,
        title=telling.title,
        notify_type=apprise.NotifyType(telling.kind),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return SENT if sent else REFUSED


if __name__ == "__main__":
    sys.exit(main())
