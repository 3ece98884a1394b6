"""The bridge's three experiments: one value with gradient on each grid, calibration from zero, errors on the own and on the next grid."""

import jax.numpy as jnp
import numpy as np
from clock import measure

from smilebridge import continuous, models
from smilebridge.continuous.calibrated import posed


def _market(name):
    experiment = models.EXPERIMENTS[name]
    return experiment, continuous.Quotes.of_market(models.quoted_market(experiment))


def bench_value_and_gradient():
    """Experiment (ii), where spot and volatility are correlated: seconds by grid, nodes of x, y, delta."""
    experiment, quotes = _market("ii")
    rows = []
    for level in continuous.FULL[:4]:
        bridge, _ = posed(experiment.reference, quotes, experiment.T1, experiment.T2, level)
        theta = jnp.zeros(bridge.target.size)
        rows.append({"grid": (level.nx, level.ny, level.nd), **measure(continuous.loss_and_errors, bridge, theta, repeats=3)})
        print(rows[-1], flush=True)
    return {"rows": rows}


def bench_calibration():
    """From zero weights; errors in bp of volatility on the own grid and with the same weights on 128 x 96 x 32."""
    rows = []
    for name in models.EXPERIMENTS:
        experiment, quotes = _market(name)
        solve = lambda e=experiment, q=quotes: continuous.calibrate(e.reference, q, e.T1, e.T2)
        timed = measure(lambda s=solve: s().theta, repeats=1)
        found = solve()
        worst = lambda error: 1e4 * float(np.abs(error).max())
        rows.append(
            {
                "experiment": name,
                **timed,
                "evaluations": found.evaluations,
                "own_bp": worst(found.error),
                "finer_bp": worst(found.elsewhere(continuous.MEDIUM[-1])),
            }
        )
        print(rows[-1], flush=True)
    return {"rows": rows}
