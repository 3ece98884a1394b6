"""Times that mean something: the first call apart from the others, and nothing left in flight."""

import statistics
import time


def measure(function, *arguments, repeats=5):
    """Seconds of the first call (with compilation) and of the median of the later ones.

    function   returns arrays, or any tree of them; waited for before the clock stops
    returns    {"first_s": ..., "run_s": ...}
    """
    import jax

    def once():
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        return time.perf_counter() - began

    first = once()
    return {"first_s": first, "run_s": statistics.median(once() for _ in range(repeats))}
