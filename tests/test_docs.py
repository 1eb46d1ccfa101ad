"""The README says what there is: every command, key, view and log event; and its SQL runs."""

import re
from pathlib import Path

import msgspec
import pytest

from reconciler.cli.main import COMMANDS
from reconciler.config import Config
from reconciler.store.engine import Database
from reconciler.store.views import VIEWS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)


def keys(section: type[msgspec.Struct], path: str = "") -> list[str]:
    found = []
    for field in msgspec.structs.fields(section):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += keys(field.type, f"{path}{field.name}.")
        elif field.name == "accounts":
            from reconciler.config import Account

            found += keys(Account, "accounts[].")
        elif field.name == "alerts":
            found.append("alerts[]")
        else:
            found.append(f"{path}{field.name}")
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`reconciler {command}" in README


@pytest.mark.parametrize("key", keys(Config))
def test_every_configuration_key_is_in_the_readme(key: str) -> None:
    assert f"`{key}`" in README


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_in_the_readme(view: str) -> None:
    assert f"`{view}`" in README


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_every_query_of_the_readme_runs_on_both_databases(database: Database, query: str) -> None:
    with database.reading() as connection:
        connection.exec_driver_sql(query.strip().rstrip(";")).all()


def test_the_cookbook_names_only_views_that_there_are() -> None:
    named = set(re.findall(r"\bv_\w+", (ROOT / "docs" / "sql.md").read_text()))
    assert named
    assert named - set(VIEWS) == set()


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
