"""The race at equal accuracy: three solvers of the library, and what a user would take instead, each in a fresh process.

The same exact prices on the same nodes: `RACE` on one grid with 75 prices, `GROWTH` on four with 15. Seconds are without compilation
(CVXPY: without its own setup); memory is the child's peak, its compiler's included, less what it held before; "worst" is the largest
defect measured from the masses, in brackets with each node's conditional residual times its mass.
"""

import json
import pickle
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import bench_discrete

CONTESTANT = Path(__file__).resolve().parent / "contestants.py"
METHODS = ("newton", "newton_sinkhorn", "sinkhorn", "lbfgs", "clarabel")
RACE = (((60, 40, 80), (29, 12, 32)),)
GROWTH = tuple((grid, (5, 3, 5)) for grid in ((15, 10, 20), (30, 20, 40), (60, 40, 80), (120, 60, 160)))
LIMIT = 220.0  # seconds that a child may take, compilation included
SETUP = {"clarabel": "cvxpy"}  # what is not among the library's own dependencies: pip install "smilebridge[bench]"


def bench_a_race():
    """75 prices on 60 x 40 x 80."""
    return {"rows": _held(RACE)}


def bench_b_growth():
    """15 prices on four grids."""
    return {"rows": _held(GROWTH)}


def _held(settings):
    rows, silent = [], {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.pkl"
        for grid, counts in settings:
            file.write_bytes(pickle.dumps(bench_discrete.strikes(grid, counts=counts)))
            for method in METHODS:
                rows.append(_run(method, grid, file, silent.get(method)))
                if "seconds" not in rows[-1]:
                    silent.setdefault(method, grid)
                print(_line(rows[-1]), flush=True)
    return rows


def _run(method, grid, file, silent):
    """A child's record, or why there is none; not asked again where it was `silent` on a smaller grid."""
    about = {"method": method, "grid": list(grid)}
    if (needed := SETUP.get(method)) and not find_spec(needed):
        return {**about, "says": f"{needed} is not installed"}
    if silent:
        return {**about, "says": f"not tried: no answer on {' x '.join(map(str, silent))}"}
    try:
        done = subprocess.run([sys.executable, CONTESTANT, method, file], capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return {**about, "says": f"no answer in {LIMIT:g} s"}
    if done.returncode:
        return {**about, "says": f"exit {done.returncode}: {(done.stderr.strip().splitlines() or ['no word'])[-1][:120]}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _line(row):
    """One row of the table."""
    head = f"{row['method']:<16}{' x '.join(map(str, row['grid'])):<16}"
    if "seconds" not in row:
        return f"{head}{row['says']}"
    spent = f"{row['seconds']:>8.3f} s (+ {row['compile_s']:.1f} s)  {row['peak_gib'] - row['before_gib']:>6.2f} GiB"
    reached = f"worst {row['worst']:.1e} ({row['weighted']:.1e})  entropy {row['entropy']:.8f}"
    return f"{head}steps {row['steps']:>6}  {spent}  {reached}  {row['says']}"
