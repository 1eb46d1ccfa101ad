"""The record: accounts, markets, deals, orders, balances, sessions, coverage, quarantine, views.

The statements lie beside this file, one file per database, and are never changed again.
"""

import re
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)


def upgrade() -> None:
    connection = op.get_bind()
    script = Path(__file__).with_name(f"{revision}_{connection.dialect.name}.sql")
    for statement in _STATEMENT_END.split(script.read_text(encoding="utf-8")):
        if statement.strip():
            connection.exec_driver_sql(statement)
