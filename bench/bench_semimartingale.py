"""The transport's published experiment: calibration from zero weights, errors on the correcting nodes, on finer ones, and on paths."""

import jax
import numpy as np
from clock import measure

from smilebridge import semimartingale

FINER = {40: (118, 196), 100: (150, 250)}  # nodes of x and v where the same model is measured again
PATHS, BATCHES = 20_000, 4


def bench_calibration():
    """By grid: seconds, errors in bp of volatility of SPX, VIX options and the future."""
    published, rows = semimartingale.PUBLISHED, []
    reference, quotes = semimartingale.HestonReference(published.reference), published.quotes
    worst = lambda error: [1e4 * float(np.abs(part).max()) for part in (error[:14], error[14:-1], error[-1:])]
    for levels in (semimartingale.QUICK, semimartingale.FULL):
        solve = lambda levels=levels: semimartingale.calibrate(reference, quotes, published.dates, published.v0, levels=levels)
        timed = measure(lambda s=solve: s().theta, repeats=1)
        found = solve()
        said = semimartingale.verify(found, PATHS, key=jax.random.key(0), batches=BATCHES)
        row = {"grid": str(levels[-1]), **timed, "evaluations": sum(found.evaluations), "met": found.met, "dual": float(found.dual)}
        row |= {"error_bp": worst(found.error), "finer_bp": worst(found.elsewhere(*FINER[levels[-1].nx]))}
        row |= {"paths_bp": worst(said.mc), "se_bp": worst(said.se), "dispersion_z": said.dispersion_z}
        rows.append(row)
        print(row, flush=True)
    return {"rows": rows}
