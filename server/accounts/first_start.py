"""The first start: an address, printed once, at which the administrator sets a password.

Printed into the system's journal it would be read by whoever reads the machine's logs, and be sent
along with them: there it stands in a file of the data folder that only the server's user reads,
until an administrator is made, and the file's name is printed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from server.accounts.one_time_keys import Purpose, mint_key
from server.accounts.people import administrators, find_user
from server.config import Settings
from server.database.data_folder import told_of, write_private
from server.database.engine import Database
from server.database.models import User, UserRole
from server.errors import StartRefused

ADDRESS_FILE = "first_start.txt"


def goes_to_the_journal(descriptor: int, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what is written there becomes part of the system's journal, by systemd's own sign:
    `JOURNAL_STREAM` names the file (systemd.exec(5))."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def keep_address(data_folder: Path, address: str) -> Path:
    """Put the setup address where only the server's user reads it. Raises `StartRefused`."""
    file = data_folder / ADDRESS_FILE
    with told_of(file):
        write_private(file, f"{address}\n".encode())
    return file


def forget_address(data_folder: Path) -> None:
    """An administrator is there: the address opens nothing any more."""
    with contextlib.suppress(OSError):
        (data_folder / ADDRESS_FILE).unlink(missing_ok=True)


async def setup_address(
    database: Database, settings: Settings, now: float, *, at: str = ""
) -> str | None:
    """The one-time address to set the server up; None when it is set up.

    Every start without an administrator prints a new one, and the one before is void. `at` is
    where people reach the server, else as this machine does.
    """
    async with database.read() as session:  # a server that comes back stands behind no writer
        if await administrators(session):
            return None
    async with database.write() as session:
        key = await mint_key(session, Purpose.SETUP, now=now, life_s=settings.one_time_key_s)
    return f"{at or settings.address}/setup#key={key}"


async def sign_in_address(
    database: Database,
    settings: Settings,
    now: float,
    *,
    at: str = "",
    username: str | None = None,
) -> tuple[str, str]:
    """An administrator's user name and an address that signs them in once; `at` as above.

    Raises `StartRefused` when there is no such user, or several administrators and none is named.
    """
    async with database.write() as session:
        if username is not None:
            user = await find_user(session, username)
            if user is None:
                raise StartRefused(
                    f"There is no user '{username}'.", f"没有名为“{username}”的用户。"
                )
        else:
            user = _only(
                list(
                    await session.scalars(
                        select(User).where(
                            User.role == UserRole.ADMINISTRATOR, User.deleted_at.is_(None)
                        )
                    )
                )
            )
        key = await mint_key(
            session, Purpose.SIGN_IN, now=now, life_s=settings.one_time_key_s, user_id=user.id
        )
    return user.username, f"{at or settings.address}/key#key={key}"


def _only(found: list[User]) -> User:
    if not found:
        raise StartRefused(
            "There is no administrator yet. A server that starts prints the address at which the "
            "first one is made; the service keeps it in first_start.txt in its data folder.",
            "还没有管理员。服务器启动时会显示建立第一位管理员的地址；"
            "作为服务运行时，地址在数据文件夹的 first_start.txt 中。",
        )
    if len(found) > 1:
        names = ", ".join(user.username for user in found)
        raise StartRefused(
            f"There are several administrators ({names}). Say which: --username.",
            f"有多位管理员（{names}），请用 --username 指明是哪一位。",
        )
    return found[0]
