"""`python -m server` is the command `tongke`."""

from __future__ import annotations

from server.command import main

main()
