"""The voice: events, the alerts made of them, and their deliveries.

The statements lie beside this file, one file per database, and are never changed again.
"""

from pathlib import Path

from alembic import op

from reconciler.store.migrate import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_name(f"{revision}_{connection.dialect.name}.sql"))
