"""Who may do what, in `docs/http_api.md`: generated from the one table of permissions.

`python -m server.api.permissions_page` writes it, `--check` fails when it is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Set
from pathlib import Path

from server.accounts.permissions import PERMISSIONS, RIGHTS, SEATS, Standing
from signaling.protocol.generated_page import run, table

PAGE = Path(__file__).parents[2] / "docs" / "http_api.md"


def parts() -> dict[str, str]:
    """Every generated part by its name."""
    calls: dict[str, list[str]] = {}
    for call, who in PERMISSIONS.items():
        calls.setdefault(_named(who), []).append(f"`{call}`")
    return {
        "permissions": table(("who", "calls"), ((who, ", ".join(of)) for who, of in calls.items())),
        "rights": table(
            ("right", "who"), ((f"`{right}`", _named(RIGHTS[right])) for right in RIGHTS)
        ),
        "seats": table(("seat", "who"), ((f"`{seat}`", _named(SEATS[seat])) for seat in SEATS)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with `--check` compare it; the process's exit status."""
    return run("server.api.permissions_page", parts(), PAGE, arguments)


def _named(who: Set[Standing]) -> str:
    return ", ".join(standing for standing in Standing if standing in who)


if __name__ == "__main__":
    sys.exit(main())
