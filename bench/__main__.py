"""`python bench [NAME ...]`: runs the benchmarks and writes what they measured to _build/bench/NAME.json.

A benchmark is a file bench/bench_NAME.py with functions `bench_*()` that return a dict of figures, e.g. the result of `clock.measure`
and the error reached; the rows of a table, under "rows", it prints itself. Nothing here is a test: machines differ, so device and versions
stand beside every figure.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "_build" / "bench"
VERSIONS = ("smilebridge", "jax", "jaxlib", "numpy", "scipy")


def surroundings():
    """Device, versions and day."""
    import jax

    jax.config.update("jax_enable_x64", True)
    device = jax.devices()[0]
    versions = {name: importlib.metadata.version(name) for name in VERSIONS}
    return {
        "device": f"{device.platform} {device.device_kind}",
        "machine": platform.machine(),
        "cores": cores(),
        "python": platform.python_version(),
        "versions": versions,
        "day": datetime.now(UTC).date().isoformat(),
    }


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def load(path):
    """The module in a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(names):
    """Runs the named benchmarks, or all."""
    found = {p.stem.removeprefix("bench_"): p for p in sorted(HERE.glob("bench_*.py"))}
    if unknown := sorted(set(names) - set(found)):
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(found) or 'none'}", file=sys.stderr)
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    around = surroundings()
    for name in names or found:
        module = load(found[name])
        asked = {f: getattr(module, f) for f in dir(module) if f.startswith("bench_")}
        figures = {f: bench() for f, bench in asked.items() if callable(bench)}
        (OUT / f"{name}.json").write_text(json.dumps({**around, "figures": figures}, indent=1, default=float) + "\n", encoding="utf-8")
        for title, values in figures.items():
            single = {k: v for k, v in values.items() if k != "rows"}
            print(f"{title}: " + "  ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in single.items()), flush=True)
    print(f"written to {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
