"""Tells publishers which layers of their pictures nobody needs, and in which codec.

Owns: noticing that wants, taps or producers have changed, and for whom a picture is sent in its
other codec. What is needed, and how long an unneeded
layer is kept, is `mixer.forward.layer_demand`'s; a device that is told carries it out or does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mixer.forward.layer_demand import LayerDemand, needed_layers
from mixer.model import FallbackNeeded, Kind, LayersNeeded, Want
from mixer.node.streams import Producer
from mixer.node.subscription import Subscription
from mixer.node.taps import Tap


class Demand:
    """One lesson's; call `poll` several times a second: it is cheap while nothing changes."""

    def __init__(self) -> None:
        self._policy, self._fallbacks = LayerDemand(), LayerDemand()
        self._seen: tuple[object, ...] = ()
        self._needed: dict[str, int] = {}
        self._offered: dict[str, int] = {}
        self._fallbacks_needed: dict[str, int] = {}

    def poll(
        self,
        now: float,
        producers: Mapping[str, Producer],
        subscriptions: Collection[Subscription],
        taps: Collection[Tap],
    ) -> list[LayersNeeded | FallbackNeeded]:
        """What has to be told now."""
        fallbacks = {name for name, one in producers.items() if one.fallback_codec}
        wants, others = [tap.demand for tap in taps], []
        for one in subscriptions:
            taken = {name for name in fallbacks if one.takes_fallback(name)}
            wants.append(tuple(want for want in one.wants if want.producer_id not in taken))
            others.append(tuple(want for want in one.wants if want.producer_id in taken))
        whole = tuple(tap.info.producer_id for tap in taps if tap.want is None)
        formats = tuple(e.format for one in producers.values() for e in one.every)
        seen = (tuple(producers), formats, tuple(wants), tuple(others), whole)
        if seen != self._seen:
            self._seen = seen
            self._look(now, producers, wants, whole)
            self._look_at_fallbacks(now, producers, fallbacks, others)
        changes = self._policy.update(self._needed, self._offered, now)
        told: list[LayersNeeded | FallbackNeeded] = [
            LayersNeeded(producers[producer_id].device_id, producer_id, layers)
            for producer_id, layers in changes.items()
            if not producers[producer_id].fallback_for
        ]
        none = dict.fromkeys(self._fallbacks_needed, 0)
        changes = self._fallbacks.update(self._fallbacks_needed, none, now)
        told += [
            FallbackNeeded(producers[producer_id].device_id, producer_id, layers)
            for producer_id, layers in changes.items()
        ]
        return told

    def _look(
        self,
        now: float,
        producers: Mapping[str, Producer],
        wants: Collection[tuple[Want, ...]],
        whole: Collection[str],
    ) -> None:
        streams = {producer_id: one.stream(now) for producer_id, one in producers.items()}
        self._needed = needed_layers(streams, wants, whole)
        wanted = {want.producer_id for one in wants for want in one} | set(whole)
        self._needed |= {
            name: int(name in wanted)
            for name, one in producers.items()
            if one.fed and one.kind is Kind.AUDIO
        }
        self._offered = {producer_id: len(streams[producer_id].layers) for producer_id in streams}

    def _look_at_fallbacks(
        self,
        now: float,
        producers: Mapping[str, Producer],
        fallbacks: Collection[str],
        wants: Collection[tuple[Want, ...]],
    ) -> None:
        """Of what nobody wants in its other codec nothing has to be sent."""
        wanted = {want.producer_id for wanted in wants for want in wanted}
        streams = {name: producers[name].stream(now) for name in wanted}
        needed = needed_layers(streams, wants)
        self._fallbacks_needed = {name: needed.get(name, 0) for name in fallbacks}
