"""What paths say of a calibrated bridge: every price, the martingale, the VIX against the variance that follows, the entropy."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from .calibrated import Calibrated
from .hedges import Hedges
from .measured import OnPaths, mean_and_error, promised
from .simulate import Drift, Simulated, simulate


@dataclass(frozen=True, slots=True, eq=False)
class Verified(OnPaths):
    """Monte Carlo of a calibrated bridge; standard errors from pairs of mirrored paths.

    mc, se       (m,) price less market of each instrument, in units of volatility, in the order of the weights
    martingale   (2, 2) mean and standard error of S1 - 1 and of S2 - S1
    dispersion   (2,) mean and standard error of (realised variance less V^2 and the basis) / E[V^2]
    by_vix       (g, 3) the same within groups of V: mean V, mean, standard error
    split        (3,) entropy spent before T1, after it, and on the draw of V, nats
    entropy, entropy_se   their sum, hedged
    n_paths      all batches together
    """

    mc: np.ndarray
    se: np.ndarray
    martingale: np.ndarray
    dispersion: np.ndarray
    by_vix: np.ndarray
    split: np.ndarray
    entropy: float
    entropy_se: float
    n_paths: int


def verify(found: Calibrated, n_paths: int, *, key, batches=1, substeps=4, tilt=1.0, told=lambda batch: None) -> Verified:
    """Simulates the model that `found` is.

    n_paths   of a batch;  substeps  steps of paths in one of the grid's
    tilt      0 simulates the reference instead: then the prices are to be compared with the transform's
    told      called with the number of each batch as it is finished
    """
    if n_paths < 2 or n_paths % 2 or batches < 1:
        raise ValueError(f"paths: need an even number of them, mirrored in pairs, and at least one batch, got {n_paths} and {batches}")
    bridge, theta, grid = found.bridge, jnp.asarray(found.theta), found.grid
    drift, hedges = Drift.of(bridge, theta, grid), Hedges.of(bridge, theta, grid, found.quotes)
    samples = []
    for batch, one in enumerate(jax.random.split(key, batches)):
        run = simulate(found.model, bridge, theta, drift, hedges, n_paths, key=one, substeps=substeps, tilt=tilt)
        samples.append(_sampled(found, jax.tree.map(np.asarray, run)))
        told(batch)
    return _measured(found, {name: np.concatenate([s[name] for s in samples]) for name in samples[0]}, n_paths * batches)


def _sampled(found: Calibrated, run: Simulated):
    """Means over mirrored paths of hedged payoffs, gains of S and entropy (its split and its hedged sum); V and its gap path by path."""
    q, S1, S2 = found.quotes, np.exp(run.x1), np.exp(run.x2)
    otm = lambda S, k: np.maximum(np.where(k < 1, k - S[:, None], S[:, None] - k), 0.0)
    gain = run.hedge1[:, 1:]
    pay = np.concatenate([otm(S1, q.k1), otm(S2, q.k2) - run.hedge2, run.vix], axis=1) - gain
    spared = gain @ found.theta - run.hedge1[:, 0]  # what is still to be spent is the price of the portfolio less u
    entropy = np.stack([*run.entropy, run.entropy.sum(axis=0) - spared], axis=1)
    paired = lambda z: z.reshape(2, -1, z.shape[1]).mean(axis=0)
    vix = np.stack([run.V, run.variance2 / found.grid.tau - run.V**2 - q.basis], axis=1)
    return {"pay": paired(pay), "gain": paired(np.stack([S1 - 1, S2 - S1], axis=1)), "entropy": paired(entropy), "vix": vix}


def _measured(found, sample, n_paths):
    q, T1, T2 = found.quotes, found.grid.T1, found.grid.T2
    unit = q.units(T1, T2)
    (pay, pay_se), (gain, gain_se), (spent, spent_se) = (mean_and_error(sample[name]) for name in ("pay", "gain", "entropy"))
    dispersion, groups = promised(*sample["vix"].T)
    return Verified(
        (pay - q.prices) / unit, pay_se / unit, np.stack([gain, gain_se], axis=1), dispersion,
        groups, spent[:3], float(spent[3]), float(spent_se[3]), n_paths,
    )  # fmt: skip
