"""What paths say of a calibrated diffusion: every price, the martingale, the VIX against the variance that follows, the cost."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..continuous.measured import OnPaths, mean_and_error, promised
from .calibrated import Calibrated
from .grid import black_otm
from .hedges import hedged
from .simulate import LONGEST, SHORT, Simulated, law_of, simulate
from .transport import WEIGHT


@dataclass(frozen=True, slots=True, eq=False)
class Verified(OnPaths):
    """Monte Carlo of a calibrated diffusion; standard errors from pairs of mirrored paths.

    mc, se       (m,) price less market of each instrument, in units of volatility, in the order of the weights
    martingale   (2, 2) mean and standard error of S1 - 1 and of S2 - 1
    dispersion   (2,) mean and standard error of (realised variance from TV to T2 less V^2) / E[V^2]
    by_vix       (g, 3) the same within groups of V: mean V, mean, standard error
    spent        (2,) mean and standard error of realised variance up to T2 over that expected today, less one: X2 ends at zero on average
    cost         (2,) mean and standard error of the cost, nats: the dual, if nothing is lost
    floored      steps in which z was kept above zero, a path
    n_paths      all batches together
    """

    mc: np.ndarray
    se: np.ndarray
    martingale: np.ndarray
    dispersion: np.ndarray
    by_vix: np.ndarray
    spent: np.ndarray
    cost: np.ndarray
    floored: float
    n_paths: int


def verify(found: Calibrated, n_paths: int, *, key, batches=1, longest=None, told=lambda batch: None) -> Verified:
    """Simulates the model that `found` is.

    n_paths   of a batch
    longest   step of the paths, years; `LONGEST` unless given, and a quarter of it where quotes have bids and asks
    told      called with the number of each batch as it is finished
    """
    grid, dates = found.model.grid, found.dates
    longest = longest or (LONGEST if found.quotes.half is None else SHORT)
    law, hedges = law_of(found.model, found.cbar), hedged(found.model, found.quotes)
    left = grid.left[::-1]
    ends = tuple(int(np.flatnonzero(np.isclose(left, dates.T2 - T, rtol=0, atol=1e-12))[0]) for T in (dates.T1, dates.TV))
    samples = []
    for batch, one in enumerate(jax.random.split(key, batches)):
        run = simulate(law, hedges, jnp.asarray(left), ends, found.model.v0, n_paths, key=one, longest=longest)
        samples.append(_sampled(found, jax.tree.map(np.asarray, run)))
        told(batch)
    return _measured(found, {name: np.concatenate([s[name] for s in samples]) for name in samples[0]}, n_paths * batches)


def _sampled(found: Calibrated, run: Simulated):
    """Means over mirrored paths of hedged payoffs and gains of S, of variance and cost; V and its gap path by path."""
    q, (x, z) = found.quotes, run.closing
    otm = lambda S, k, forward: np.maximum(k - S if k < forward else S - k, 0.0)
    spot = [otm(np.exp(run.x1), k, 1.0) for k in q.k1] + [black_otm(x, k, z * found.model.grid.domain.closure) for k in q.k2]
    V = np.sqrt(np.maximum(run.V**2 - q.basis, 0.0))
    vix = [] if q.future is None else [*(otm(V, k, q.future) for k in q.kV), V]
    expected = found.model.v0**2 * found.dates.T2
    rest = [np.expm1(run.x1), np.expm1(run.x2), (run.early + run.late) / expected - 1, run.cost / WEIGHT, run.low]
    paired = lambda z: z.reshape(2, -1, z.shape[1]).mean(axis=0)
    gap = np.stack([run.V, run.late / found.dates.tau - run.V**2], axis=1)
    return {"pay": paired(np.stack([*spot, *vix], axis=1) - run.gains), "rest": paired(np.stack(rest, axis=1)), "vix": gap}


def _measured(found, sample, n_paths):
    (pay, pay_se), (rest, rest_se) = mean_and_error(sample["pay"]), mean_and_error(sample["rest"])
    (dispersion, groups), unit = promised(*sample["vix"].T), found.units
    both = np.stack([rest, rest_se], axis=1)
    return Verified(
        (pay - found.quotes.prices) / unit, pay_se / unit, both[:2], dispersion, groups,
        both[2], both[3], float(rest[4]), n_paths,
    )  # fmt: skip
