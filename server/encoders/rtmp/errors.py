"""What can be wrong with an encoder that comes by RTMP.

RtmpRefused    what came is no RTMP, is out of bounds, or asks for what is not here
"""

from __future__ import annotations


class RtmpRefused(Exception):
    """The connection is of no more use. The text is for the log: it quotes nothing of what came."""
