"""What commands begin with: each account has its own key."""

from pathlib import Path

import pytest

from reconciler.cli.opening import credentials
from reconciler.config import ConfigError
from reconciler.configfile import load

ACCOUNT = '[[accounts]]\nname = "{name}"\napi_key = "{key}"\napi_secret = "same-for-all"\n'


def configured(folder: Path, **keys: str) -> str:
    file = folder / "reconciler.toml"
    file.write_text("".join(ACCOUNT.format(name=name, key=key) for name, key in keys.items()))
    return str(file)


def test_accounts_with_keys_of_their_own_have_credentials_by_name(tmp_path: Path) -> None:
    found = credentials(load(configured(tmp_path, one="k-1", two="k-2"), {}))
    assert {name: said.key.reveal() for name, said in found.items()} == {"one": "k-1", "two": "k-2"}


def test_one_key_in_two_accounts_is_refused_without_showing_it(tmp_path: Path) -> None:
    file = configured(tmp_path, one="k-1", two="k-2", three="k-1")
    with pytest.raises(ConfigError) as refused:
        credentials(load(file, {}))
    said = str(refused.value)
    assert said == f"{file}: accounts.three.api_key: is the key of 'one' too; each needs its own"
    assert "k-1" not in said
