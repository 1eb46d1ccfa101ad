"""An address is read as it is meant, or refused in one sentence."""

import pytest

from reconciler.address import NotAnAddress, Tcp, Unix, address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9464", Tcp("127.0.0.1", 9464)),
        ("[::1]:0", Tcp("::1", 0)),
        ("books.example:80", Tcp("books.example", 80)),
        ("unix:/run/reconciler/http.sock", Unix("/run/reconciler/http.sock")),
    ],
)
def test_each_spelling_is_one_address(text: str, found: Tcp | Unix) -> None:
    assert address(text) == found
    assert str(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "9464",
        ":9464",
        "127.0.0.1",
        "127.0.0.1:70000",
        "::1:80",
        "[x]:80",
        "[1::2::3]:80",
        "a b:80",
        "unix:relative.sock",
        "unix:/" + "x" * 200,
        "http://127.0.0.1:80",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotAnAddress):
        address(text)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        *[(host, True) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost")],
        *[(host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example")],
    ],
)
def test_only_this_machine_is_loopback(host: str, is_ours: bool) -> None:
    assert Tcp(host, 1).is_loopback is is_ours
