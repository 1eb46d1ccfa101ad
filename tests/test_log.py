"""Logs are one line an event, and hold no secret, tracebacks included."""

import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlencode

from hypothesis import given
from hypothesis import strategies as st

from reconciler.log import Filter, Logger, open_log
from reconciler.secret import Secret


class At:
    def now(self) -> int:
        return 1_767_323_045_678_901


def logged(format_: str, secret: str = "hush") -> tuple[Logger, io.StringIO]:
    out = io.StringIO()
    log = open_log(clock=At(), format_=format_, secrets=[Secret(secret)], to=out)  # type: ignore[arg-type]
    return log, out


def test_an_event_is_a_json_line_with_its_fields_and_time() -> None:
    log, out = logged("json")
    log.bind(account="a").info("feed.down", why="cut")
    assert json.loads(out.getvalue()) == {
        "account": "a",
        "why": "cut",
        "event": "feed.down",
        "level": "info",
        "at": "2026-01-02T03:04:05.678901Z",
    }


def test_a_known_secret_is_hidden_in_fields_and_tracebacks() -> None:
    for format_ in ("json", "console"):
        log, out = logged(format_)
        try:
            raise ValueError("signed with hush")
        except ValueError:
            log.exception("session.bug", url="https://x/?token=hush")
        assert "ValueError" in out.getvalue()
        assert "hush" not in out.getvalue()


@given(secret=st.text(st.sampled_from("ab\"'\\/ é+%&\n☃"), min_size=4, max_size=12))
def test_a_secret_is_hidden_however_it_is_spelled(secret: str) -> None:
    """In quotes, in an address, in a text that is JSON itself: nobody who undoes that finds it."""
    log, out = logged("json", secret)
    log.info(
        "odd", it=secret, in_it=[{secret: secret}], shown=repr(secret), body=json.dumps(secret)
    )
    log.info("odd", url=f"https://x/?{urlencode({'token': secret})}", path=f"/{quote(secret)}")
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("odd")
    for line in out.getvalue().splitlines():
        for field in texts(json.loads(line)):
            assert secret not in field
            assert repr(secret)[1:-1] not in field
            assert secret not in unquote_plus(field)
            assert secret not in unquote(field)
            assert json.dumps(secret)[1:-1] not in field


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield from (key, *texts(each))
        case list():
            for each in value:
                yield from texts(each)


def test_debug_is_silent_unless_asked_for() -> None:
    log, out = logged("json")
    log.debug("rest.retry")
    assert out.getvalue() == ""


def test_a_filter_may_change_its_mind_while_the_log_is_written() -> None:
    filter_, out = Filter("warning"), io.StringIO()
    log = open_log(clock=At(), format_="json", filter_=filter_, to=out).bind(account="a")
    log.info("unseen")
    filter_.level = "debug"
    log.debug("seen", key="hush")
    filter_.hide([Secret("hush")])
    filter_.level = "error"
    log.warning("unseen")
    try:
        raise ValueError("signed with hush")
    except ValueError:
        log.exception("seen")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["seen", "seen"]
    assert lines[0]["key"] == "hush"
    assert "hush" not in lines[1]["exception"]
