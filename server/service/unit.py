"""The systemd unit, as `docs/running.md` prints it and `tongke service install` writes it.

Owns its text. The program needs: to read itself, to write its state folder and a temporary one, its
sockets, and port 443 where it is given that. All else is taken from it: a fault in a decoder shall
not become a fault of the machine. `systemd-analyze security` counts what is left (a test holds it).
It is tried again without end, but for settings that are wrong (`server.errors`): a server whose
database comes up a minute late must not stay away.
"""

from __future__ import annotations

from server.service.sandbox import SANDBOX

USER = "tongke"
STATE_FOLDER = "/var/lib/tongke"
CONFIGURATION_FOLDER = "/etc/tongke"
UNIT_FOLDER = "/etc/systemd/system"
UNIT = "tongke.service"
COMMAND = "/usr/local/bin/tongke"
# By its first line a unit of ours is known from one that somebody wrote.
MADE_BY = "# Made by `tongke service install`. Change it with `systemctl edit tongke`."

_UNIT = """\
{made_by}
[Unit]
Description=Tongke classroom media server
After=network-online.target postgresql.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
Group={user}
StateDirectory=tongke
StateDirectoryMode=0700
ConfigurationDirectory=tongke
WorkingDirectory=/etc/tongke
Environment=TONGKE_DATA_FOLDER=/var/lib/tongke
ExecStart={program} serve
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
RestartPreventExitStatus=2
TimeoutStopSec=30
LimitNOFILE=65536
UMask=0077

AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
PrivateDevices=yes
{sandbox}
[Install]
WantedBy=multi-user.target
"""


def unit_text(program: str, user: str = USER) -> str:
    """The unit that runs `program` (`…/bin/tongke`)."""
    return _UNIT.format(made_by=MADE_BY, program=program, user=user, sandbox=SANDBOX)


def made_by_us(text: str, made_by: str = MADE_BY) -> bool:
    """Whether this unit was written by us, of whatever version; another of ours by its own line."""
    return text.startswith(made_by.split(".", 1)[0])
