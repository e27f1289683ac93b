"""The room's page beside the agent, as the command line asks for it, or why there is none."""

from __future__ import annotations

import os
from pathlib import Path

from hardware_profiles.room_agent.browsers import (
    browser_command,
    find_browser,
    has_screen,
    write_start_page,
)
from hardware_profiles.room_agent.kiosk import Kiosk, KioskState
from signaling.client.address import ServerAddress
from signaling.client.sentences import Say


def room_kiosk(
    server: ServerAddress,
    credential: str,
    folder: Path,
    *,
    insecure: bool,
    as_root: bool,
    say: Say,
) -> Kiosk:
    """`folder` is the agent's own; `as_root`: somebody has said that root may."""
    root = os.name == "posix" and os.geteuid() == 0
    browser = find_browser(os.environ)
    if root and not as_root:
        state = KioskState.AS_ROOT
    elif browser is None:
        state = KioskState.NO_BROWSER
    elif not has_screen(os.environ):
        state = KioskState.NO_SCREEN
    else:
        try:
            write_start_page(folder, server.origin, credential)
        except OSError:
            return Kiosk((), KioskState.NO_FOLDER, say=say)
        command = browser_command(browser, folder, insecure=insecure, as_root=root)
        return Kiosk(command, KioskState.OPEN, say=say)
    return Kiosk((), state, say=say)
