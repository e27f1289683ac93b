"""The schema's history, run with Alembic at the start of the server.

`HEAD` names the newest revision; a test holds it to the revision files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from server.errors import StartRefused

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

HEAD = "0008"


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, on a connection that is already open."""
    from alembic.config import Config  # noqa: PLC0415 - 0.2 s, needed only when tables change

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection) -> None:
    """Bring the schema to `HEAD`, inside the connection's transaction.

    Raises `StartRefused` when the database was made by a newer Tongke.
    """
    from alembic import command  # noqa: PLC0415 - as above
    from alembic.util import CommandError  # noqa: PLC0415 - as above

    try:
        command.upgrade(config(connection), "head")
    except CommandError as error:
        raise StartRefused(
            f"The database was written by another version of Tongke ({error}). Install the newer "
            "version again, or give this one another data folder.",
            f"数据库是由另一版本的同课写入的（{error}）。请重新安装较新的版本，或另用一个数据文件夹。",
        ) from None
