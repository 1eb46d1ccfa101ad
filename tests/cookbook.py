"""The queries of the SQL cookbook by their titles, as users copy them."""

import re
from pathlib import Path

TEXT = (Path(__file__).parent.parent / "docs" / "sql.md").read_text()
QUERIES: dict[str, str] = dict(
    re.findall(r"^### (.*?)\n(?:(?!^#).)*?```sql\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE)
)


def query(title: str) -> str:
    """The one below that heading."""
    return QUERIES[title]
