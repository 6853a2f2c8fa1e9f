"""Whether the database is fit for the log: asked at a process's start, and by `/ready`."""

from __future__ import annotations

import logging
from typing import Final

from sr_core.adapters.postgres.health import check_database
from sr_core.adapters.postgres.server import DatabaseUnsafe, read_server
from sr_core.bootstrap.settings import Settings

_LOG: Final = logging.getLogger(__name__)


async def require_fit_database(settings: Settings) -> None:
    """Return if the process may start over the settings' database; warn of what is unsafe.

    Raises:
        DatabaseReadOnly: it is a replica, or takes no writes.
        DatabaseUnsafe: it may lose what it confirmed, and the settings are strict.
        Unavailable: no answer in time.

    """
    unsafe = await read_server(settings.database_url)
    if unsafe and settings.database_strict:
        raise DatabaseUnsafe(facts=unsafe)
    for each in unsafe:
        _LOG.warning("The database is unsafe for the log: %s.", each)


async def check_fit_database(settings: Settings) -> tuple[str, ...]:
    """Return why the database is unsafe, if it is; it works, with our schema.

    Raises:
        Unfit: it does not; or it is unsafe, and the settings are strict.

    """
    unsafe = await check_database(settings.database_url)
    if unsafe and settings.database_strict:
        raise DatabaseUnsafe(facts=unsafe)
    return tuple(f"database-unsafe: {each}" for each in unsafe)
