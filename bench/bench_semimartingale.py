"""The transport's published experiment: calibration from zero weights, errors on the correcting nodes, on finer ones, and on paths."""

import resource

import jax
import numpy as np
from clock import measure

from smilebridge import semimartingale

FINER = {40: (157, 157), 100: (199, 298), 200: (200, 399)}  # nodes of x and v where the same model is measured again
FINEST = (*semimartingale.FULL, semimartingale.Level(200, 200, (200, 300)))
PATHS, BATCHES = 20_000, 4
STEP = 0.0125 / 365.25  # of paths, years: four times shorter than usual, since at 100 x 100 the usual one is worth 10 bp of a VIX put
DENSER = 1, 2, 3, 4  # nodes per node of the model
COLUMNS = {"SPX T1": slice(0, 7), "SPX T2": slice(7, 14), "VIX": slice(14, 19), "future": slice(19, 20)}


def solved(levels):
    """The published experiment on these grids."""
    published = semimartingale.PUBLISHED
    reference = semimartingale.HestonReference(published.reference)
    return semimartingale.calibrate(reference, published.quotes, published.dates, published.v0, levels=levels)


def worst(error):
    """Of each column, bp of volatility."""
    return {name: 1e4 * float(np.abs(error[part]).max()) for name, part in COLUMNS.items()}


def bench_calibration():
    """By grid: seconds, memory, errors in bp of volatility."""
    rows = []
    for levels in (semimartingale.QUICK, semimartingale.FULL, FINEST):
        found = []
        timed = measure(lambda levels=levels, kept=found: kept.append(solved(levels)), repeats=1)
        found = found[-1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        said = semimartingale.verify(found, PATHS, key=jax.random.key(0), batches=BATCHES, longest=STEP)
        row = {"grid": str(levels[-1]), **timed, "peak_GiB_so_far": peak, "evaluations": found.evaluations, "met": found.met}
        row |= {"dual": float(found.dual), "error_bp": worst(found.error), "finer_bp": worst(found.elsewhere(*FINER[levels[-1].nx]))}
        row |= {"paths_bp": worst(said.mc), "vix_paths_bp": list(1e4 * said.mc[14:19]), "vix_se_bp": list(1e4 * said.se[14:19])}
        row |= {"se_bp": worst(said.se), "dispersion_z": said.dispersion_z, "spent_z": float(said.spent[0] / said.spent[1])}
        rows.append(row)
        print(row, flush=True)
    return {"rows": rows}


def bench_orders():
    """Prices of one model on grids ever denser, its own nodes among them: distance to the limit, and the order at which it falls."""
    rows = []
    for level in semimartingale.FULL[1:]:
        found = solved(semimartingale.FULL[: 1 + semimartingale.FULL.index(level)])
        seen = [found.elsewhere(*(by * (n - 1) + 1 for n in (level.nx, level.nv))) for by in DENSER]
        a, b = DENSER[-2:]
        limit = (b * seen[-1] - a * seen[-2]) / (b - a)
        off = [worst(error - limit) for error in seen]
        order = {name: float(np.log(off[0][name] / off[-2][name]) / np.log(DENSER[-2] / DENSER[0])) for name in COLUMNS}
        rows.append({"grid": str(level), "denser": DENSER, "from_limit_bp": off, "order": order})
        print(rows[-1], flush=True)
    return {"rows": rows}
