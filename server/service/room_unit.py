"""The room agent's systemd unit: as `docs/room_agent.md` and `tongke room install` have it.

Owns its text. The agent needs: to read itself, its configuration folder and the machine's cameras
and sound cards (the groups `video` and `audio`), to write its state folder, its sockets, and
children that decode. It binds no port but that of its status page, on loopback. All else is taken
from it: a camera on the room's network is somebody else's computer.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from server.service.sandbox import SANDBOX

USER = "tongke-room"
STATE_FOLDER = "/var/lib/tongke-room"
CONFIGURATION_FOLDER = "/etc/tongke-room"
UNIT = "tongke-room.service"
# A killed agent has four seconds to be back in its lesson; starting takes it about one.
RESTART_S = 0.2
# By its first line a unit of ours is known from one that somebody wrote.
MADE_BY = "# Made by `tongke room install`. Change it with `systemctl edit tongke-room`."

_UNIT = """\
{made_by}
[Unit]
Description=Tongke room agent
After=network-online.target time-sync.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
Group={user}
SupplementaryGroups={groups}
StateDirectory=tongke-room
StateDirectoryMode=0700
ConfigurationDirectory=tongke-room
ConfigurationDirectoryMode=0700
WorkingDirectory=/etc/tongke-room
ExecStart={command}
Restart=always
RestartSec={restart_ms}ms
RestartPreventExitStatus=2
TimeoutStopSec=20
LimitNOFILE=4096
UMask=0077

CapabilityBoundingSet=
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-alsa rw
{sandbox}
[Install]
WantedBy=multi-user.target
"""


def room_unit_text(command: Sequence[str], user: str = USER, groups: str = "video audio") -> str:
    """The unit that runs this command (`…/bin/tongke room --server …`).

    Raises ValueError: a word of it that a unit cannot hold.
    """
    return _UNIT.format(
        made_by=MADE_BY,
        user=user,
        groups=groups,
        command=" ".join(_word(word) for word in command),
        restart_ms=round(1000 * RESTART_S),
        sandbox=SANDBOX,
    )


def room_command(program: str, server: str, profile: str, *, insecure: bool) -> list[str]:
    """What the unit runs; credential, passwords and profiles are in its configuration folder."""
    place = Path(CONFIGURATION_FOLDER)
    return [
        *(program, "room", "--server", server),
        *("--credential-file", str(place / "credential"), "--profile", profile),
        *("--profiles-folder", str(place), "--passwords", str(place / "passwords.toml")),
        *("--state-folder", STATE_FOLDER),
        *(["--insecure"] if insecure else []),
    ]


def _word(word: str) -> str:
    """As systemd reads it (systemd.service(5), "Command lines"): its specifiers doubled."""
    if any(ord(sign) < 0x20 for sign in word):
        raise ValueError("a line of a unit has no control signs in it")
    quoted = shlex.quote(word) if any(sign in word for sign in " \"'\\;") else word
    return quoted.replace("%", "%%").replace("$", "$$")
