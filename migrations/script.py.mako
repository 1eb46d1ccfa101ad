"""${message}

Read before writing: this file is never changed after a release, so it may import nothing of the
program, whose tables will have moved on.  Write SQL per database, name every constraint, and drop
and create again each view that selects from a table you change.  All of it runs in one transaction
that holds up readers and the writer: no statement here may take long on five million deals.
Then set REVISION in reconciler/store/schema.py.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "raise NotImplementedError"}
