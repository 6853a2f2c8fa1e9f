"""The metrics in a registry of their own: one for each platform, none of the process."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import assert_never

import prometheus_client as client
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from sr_core.ports.metrics import (
    COUNTERS,
    HISTOGRAMS,
    Count,
    Definition,
    Distribution,
    Duration,
    Move,
    Reading,
)


class PrometheusMetrics:
    """See `Metrics`; safe to move from several threads."""

    def __init__(self) -> None:
        self._registry = client.CollectorRegistry()
        self._counters = {
            name: client.Counter(name, of.meaning, _labels(of), registry=self._registry)
            for name, of in COUNTERS.items()
        }
        self._histograms = {
            name: client.Histogram(
                name,
                of.meaning,
                _labels(of),
                buckets=of.buckets_s,
                registry=self._registry,
            )
            for name, of in HISTOGRAMS.items()
        }
        for name, of in COUNTERS.items():
            for label in of.known:
                self._counters[name].labels(label)

    def move(self, *moves: Move) -> None:
        """See `Metrics.move`."""
        for each in moves:
            match each:
                case Count(counter=name, label=label):
                    counter = self._counters[name]
                    (counter.labels(label) if label else counter).inc()
                case Duration(histogram=name, seconds=seconds, label=label):
                    histogram = self._histograms[name]
                    (histogram.labels(label) if label else histogram).observe(seconds)
                case _:
                    assert_never(each)

    def reading(self) -> Reading:
        """See `Metrics.reading`."""
        families = {family.name: family for family in self._registry.collect()}
        return Reading(
            counts={
                name: dict(_counted(families[name], of))
                for name, of in COUNTERS.items()
            },
            distributions={
                name: dict(_distributed(families[name], of))
                for name, of in HISTOGRAMS.items()
            },
        )

    def prometheus(self) -> str:
        """See `Metrics.prometheus`."""
        return client.generate_latest(self._registry).decode()


def _labels(of: Definition) -> tuple[str, ...]:
    return (of.label,) if of.label else ()


def _counted(family: Metric, of: Definition) -> Iterator[tuple[str, int]]:
    for sample in family.samples:
        if sample.name.endswith("_total"):
            yield _label(sample, of), int(sample.value)


def _distributed(family: Metric, of: Definition) -> Iterator[tuple[str, Distribution]]:
    by_label: dict[str, list[Sample]] = defaultdict(list)
    for sample in family.samples:
        by_label[_label(sample, of)].append(sample)
    for label, samples in by_label.items():
        yield label, _distribution(samples)


def _distribution(samples: Iterable[Sample]) -> Distribution:
    buckets: dict[str, int] = {}
    total_s = 0.0
    for sample in samples:
        if sample.name.endswith("_bucket"):
            buckets[_bound(sample.labels["le"])] = int(sample.value)
        elif sample.name.endswith("_sum"):
            total_s = sample.value
    return Distribution(count=buckets["+Inf"], total_s=total_s, buckets=buckets)


def _bound(text: str) -> str:
    """Return a bucket's bound as people write it: 5, not 5.0."""
    bound = float(text)
    return "+Inf" if math.isinf(bound) else f"{bound:g}"


def _label(sample: Sample, of: Definition) -> str:
    return sample.labels[of.label] if of.label else ""
