"""The doctor's visit: every subject in turn, the quick ones first, none hidden by another."""

from reconciler.configfile import Loaded
from reconciler.doctor import backups, disk, exchange, hooks, record, secrets
from reconciler.doctor.finding import Tell, fail, ok
from reconciler.secret import Credentials
from reconciler.store.engine import DatabaseUnusable, open_database
from reconciler.world import World


async def visit(loaded: Loaded, world: World, tell: Tell, *, powers: bool = False) -> None:
    """Tells of each finding as it is made; with `powers` keys are asked what they may do that no
    run needs."""
    config = loaded.config
    tell(ok("configuration", loaded.where))
    keys: dict[str, Credentials] = {}
    for finding in secrets.examine(loaded, keys):
        tell(finding)
    try:
        database = open_database(config.database.url)
    except DatabaseUnusable as error:
        tell(fail("database", str(error)))
    else:
        now = world.clock.now()
        async with world.thread("doctor") as hop:
            for findings in (
                record.examine(database, config.accounts),
                disk.examine(database, now),
                backups.examine(config.backup, database, now),
            ):
                # Made within the thread, one by one.
                for finding in await hop(list, findings):
                    tell(finding)
    await hooks.examine(loaded, world, tell)
    await exchange.examine(loaded, keys, world, tell, powers=powers)
