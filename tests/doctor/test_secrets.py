"""What is missing is named, what others could read is told of, and no secret is shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.configfile import load
from reconciler.doctor.secrets import examine
from reconciler.secret import Credentials


def found(
    folder: Path, text: str, *, mode: int = 0o600, environment: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, Credentials]]:
    """What is said of a configuration, each by its mark and words, and whose keys are there."""
    file = folder / "reconciler.toml"
    file.write_text(text)
    file.chmod(mode)
    keys: dict[str, Credentials] = {}
    loaded = load(str(file), environment or {})
    return [f"{each.mark} {each.said}" for each in examine(loaded, keys)], keys


def account(name: str, key: str = "k3y") -> str:
    return f'[[accounts]]\nname = "{name}"\napi_key = "{key}"\napi_secret = "s3cret"\n'


def test_each_account_is_looked_at_whatever_the_others_lack(tmp_path: Path) -> None:
    said, keys = found(tmp_path, '[[accounts]]\nname = "lacking"\n' + account("whole"))
    assert list(keys) == ["whole"]
    [missing] = said
    assert missing.startswith("FAIL ")
    assert "accounts.lacking.api_key: missing" in missing


def test_one_key_for_two_accounts_is_refused_without_showing_it(tmp_path: Path) -> None:
    said, _ = found(tmp_path, account("one") + account("other"))
    assert said[0] == "FAIL one and other have one key; each account needs its own"
    assert "k3y" not in " ".join(said)


def test_without_an_account_it_says_what_to_add(tmp_path: Path) -> None:
    [said], _ = found(tmp_path, "")
    assert "add [[accounts]]" in said


@pytest.mark.parametrize(
    "text",
    [
        account("one"),
        '[database]\nurl = "postgresql://me:s3cret@host/x"\n',
        '[[alerts]]\ntype = "webhook"\nurl = "https://host/s3cret"\n',
        '[[alerts]]\ntype = "apprise"\nurl = "tgram://s3cret"\n',
    ],
    ids=["key", "password", "webhook", "apprise"],
)
def test_a_configuration_with_a_secret_in_it_is_for_its_owner(tmp_path: Path, text: str) -> None:
    for mode, exposed in ((0o600, False), (0o640, False), (0o644, True)):
        said, _ = found(tmp_path, text, mode=mode)
        warnings = [each for each in said if each.startswith("warn ")]
        assert bool(warnings) is exposed
        assert all("run: chmod o-r " in each for each in warnings)
        assert "s3cret" not in " ".join(said)


def test_a_configuration_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    text = '[database]\nurl = "postgresql://me@host/x"\n[[alerts]]\ntype = "exec"\ncommand = ["x"]'
    said, _ = found(tmp_path, text, mode=0o644)
    assert not [each for each in said if each.startswith("warn ")]


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o604, 1), (0o602, 1), (0o606, 2)])
def test_a_file_that_holds_a_key_is_for_its_owner(tmp_path: Path, mode: int, warnings: int) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    secret.chmod(mode)
    said, keys = found(
        tmp_path,
        f'[[accounts]]\nname = "one"\napi_key_file = "{secret}"\napi_secret_file = "{secret}"\n',
    )
    assert list(keys) == ["one"]
    # The file is named twice, as it is used twice.
    assert len([each for each in said if str(secret) in each]) == 2 * warnings
