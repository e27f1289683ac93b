"""The table of header extensions: what is negotiated by it reaches the pump."""

from __future__ import annotations

from mixer.model import Kind
from mixer.pump import Pump
from mixer.transport.header_extensions import (
    FIELD_OF_URI,
    MAX_EXTENSION_ID,
    OFFERED_IDS,
    ExtensionIds,
    extensions_of,
)


def test_the_pump_takes_every_row() -> None:
    ids = ExtensionIds.of_uris({uri: place + 1 for place, uri in enumerate(FIELD_OF_URI)})
    assert list(ids.for_pump().values()) == list(range(1, len(FIELD_OF_URI) + 1))
    pump = Pump()
    try:
        transport = pump.add_transport(**ids.for_pump())
        pump.set_extensions(transport, **ids.for_pump())
    finally:
        pump.stop()


def test_what_is_offered_has_ids_of_its_own_in_the_short_form() -> None:
    assert len(set(OFFERED_IDS.values())) == len(OFFERED_IDS)
    assert all(1 <= number <= MAX_EXTENSION_ID for number in OFFERED_IDS.values())


def test_each_kind_carries_what_concerns_it() -> None:
    sound, picture = ({FIELD_OF_URI[u] for u in extensions_of(kind)} for kind in Kind)
    assert sound - picture == {"audio_level"}
    assert picture - sound == {"rid", "repaired_rid"}
