"""When a recording that stood still for a while is said to have paused, and why on wish."""

from __future__ import annotations

# A recorder that is killed is back within a second or two, and costs less than one of media.
LEAST_PAUSE_S = 3.0

# Code and text of a pause that was asked for.
SWITCHED_OFF = ("switched-off", "The teacher had switched the recording off.")
