"""Tells publishers which layers of their pictures nobody needs.

Owns: noticing that wants, taps or producers have changed. What is needed, and how long an unneeded
layer is kept, is `mixer.forward.layer_demand`'s; a device that is told carries it out or does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mixer.forward.layer_demand import LayerDemand, needed_layers
from mixer.model import LayersNeeded, Want
from mixer.node.streams import Producer
from mixer.node.subscription import Subscription
from mixer.node.taps import Tap


class Demand:
    """One lesson's; call `poll` several times a second: it is cheap while nothing changes."""

    def __init__(self) -> None:
        self._policy = LayerDemand()
        self._seen: tuple[object, ...] = ()
        self._needed: dict[str, int] = {}
        self._offered: dict[str, int] = {}

    def poll(
        self,
        now: float,
        producers: Mapping[str, Producer],
        subscriptions: Collection[Subscription],
        taps: Collection[Tap],
    ) -> list[LayersNeeded]:
        """What has to be told now."""
        wants = [subscription.wants for subscription in subscriptions]
        wants += [tap.demand for tap in taps]
        whole = tuple(tap.info.producer_id for tap in taps if tap.want is None)
        formats = tuple(e.format for one in producers.values() for e in one.every)
        seen = (tuple(producers), formats, tuple(wants), whole)
        if seen != self._seen:
            self._seen = seen
            self._look(now, producers, wants, whole)
        changes = self._policy.update(self._needed, self._offered, now)
        return [
            LayersNeeded(producers[producer_id].device_id, producer_id, layers)
            for producer_id, layers in changes.items()
        ]

    def _look(
        self,
        now: float,
        producers: Mapping[str, Producer],
        wants: Collection[tuple[Want, ...]],
        whole: Collection[str],
    ) -> None:
        streams = {producer_id: one.stream(now) for producer_id, one in producers.items()}
        self._needed = needed_layers(streams, wants, whole)
        self._offered = {producer_id: len(streams[producer_id].layers) for producer_id in streams}
