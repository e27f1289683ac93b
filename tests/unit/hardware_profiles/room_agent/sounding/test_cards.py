"""Names that stay: which card is meant by a part of its name."""

from __future__ import annotations

import pytest

from hardware_profiles.room_agent.sounding.cards import alsa_name, read_cards

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7e30000 irq 32
 1 [Yeti           ]: USB-Audio - Yeti Stereo Microphone
                      Blue Microphones Yeti Stereo Microphone at usb-0000:00:14.0-1, full speed
 2 [C920           ]: USB-Audio - HD Pro Webcam C920
                      HD Pro Webcam C920 at usb-0000:00:14.0-3, high speed
 3 [C920_1         ]: USB-Audio - HD Pro Webcam C920
                      HD Pro Webcam C920 at usb-0000:00:14.0-4, high speed
"""


@pytest.mark.parametrize(
    ("wanted", "opened"),
    [
        ("default", "default"),
        ("plughw:CARD=Yeti", "plughw:CARD=Yeti"),
        ("yeti", "plughw:CARD=Yeti"),
        ("Blue Microphones", "plughw:CARD=Yeti"),
        ("14.0-4", "plughw:CARD=C920_1"),
        ("C920", "plughw:CARD=C920"),  # a whole short name before parts of others
        ("Webcam", None),  # two of them
        ("ceiling", "ceiling"),  # of the machine's own settings, or nothing
    ],
)
def test_which_card_is_meant(wanted: str, opened: str | None) -> None:
    assert alsa_name(wanted, list(read_cards(CARDS))) == opened


@pytest.mark.parametrize("text", ["", "--- no soundcards ---\n", " 0 [\n\n]: x", "\0" * 50])
def test_what_is_no_list_names_no_card(text: str) -> None:
    assert list(read_cards(text)) == []
