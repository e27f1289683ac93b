"""Which sound device is meant, by a name that stays: `hw:1` is whichever card was found second.

A profile names an ALSA device (`default`, `plughw:CARD=Yeti`) or a part of a card's name, as
`/proc/asound/cards` lists them: the short name in brackets, make and model, and the socket it is
plugged into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CARDS = Path("/proc/asound/cards")
_HEAD = re.compile(r"^ *(\d{1,3}) \[([^\]]{1,40})\]: (.{0,200})$")


@dataclass(frozen=True, slots=True)
class Card:
    """One card: its short name, by which ALSA finds it, and all that is said of it."""

    name: str
    said: str


def read_cards(text: str) -> Iterator[Card]:
    """The cards of `/proc/asound/cards`: two lines each."""
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if (found := _HEAD.match(line)) is not None:
            more = lines[place + 1] if place + 1 < len(lines) else ""
            more = "" if _HEAD.match(more) else more.strip()
            yield Card(found[2].strip(), f"{found[2].strip()} {found[3]} {more}")


def alsa_name(wanted: str, cards: list[Card]) -> str | None:
    """What to open; None: more than one card fits.

    Where none does it is a name of the machine's own ALSA settings, or nothing.
    """
    if wanted == "default" or ":" in wanted:
        return wanted
    names = [card.name for card in cards if card.name.lower() == wanted.lower()]
    if not names:
        names = [card.name for card in cards if wanted.lower() in card.said.lower()]
    if not names:
        return wanted
    return f"plughw:CARD={names[0]}" if len(names) == 1 else None


def device_name(wanted: str) -> str | None:
    """The same with this machine's cards."""
    try:
        cards = list(read_cards(CARDS.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        cards = []
    return alsa_name(wanted, cards)
