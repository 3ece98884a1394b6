"""Seconds of stages, with those apart in which JAX traced and compiled."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import jax

COMPILING = "/jax/core/compile/"  # head of the names of tracing, lowering and compiling; reading from the cache is among them


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall-clock seconds by stage.

    ran        {stage: seconds} but for compilation
    compiled   {stage: seconds} of tracing and compiling, or of reading what is compiled from the cache
    """

    ran: dict[str, float] = field(default_factory=dict)
    compiled: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        """{stage: seconds}, compilation of all stages first."""
        return {"compile": sum(self.compiled.values(), 0.0), **self.ran}

    @contextmanager
    def stage(self, name: str):
        """Counts what is done under it to the stage. JAX tells when each compilation began and ended; one inside another counts once."""
        spans, begin = [], time.perf_counter()

        def listen(event, start_time, end_time, **_):
            if event.startswith(COMPILING):
                spans.append((start_time, end_time))

        jax.monitoring.register_event_time_span_listener(listen)
        try:
            yield
        finally:
            jax.monitoring.unregister_event_time_span_listener(listen)
            compiling, whole = covered(spans), time.perf_counter() - begin
            self.compiled[name] = self.compiled.get(name, 0.0) + compiling
            self.ran[name] = self.ran.get(name, 0.0) + max(whole - compiling, 0.0)


def covered(spans) -> float:
    """Length of the union of intervals."""
    total, until = 0.0, -float("inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
