"""Joint laws on the synthetic market "calm": seconds and passes of each solver, the first call (compilation included) apart.

Instruments are 75 prices: 29 / 12 / 32 options and two forwards. A pass is one exponential over the grid.
"""

import resource

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from clock import measure
from jax.scipy.special import ndtr

from smilebridge import arbitrage, discrete, marginals, market

SNAPSHOT = "calm"
COUNTS = (29, 12, 32)
SMALL, MIDDLE, LARGE = (60, 40, 80), (120, 60, 160), (240, 80, 320)
MARKETS = 64
BUMP = 1e-3  # standard deviation of a bump, relative to the price
BEST = 2000  # sweeps where the accuracy is not reached


def _laws():
    snapshot = market.load(SNAPSHOT)
    return marginals.from_quotes(snapshot, snapshot.vix[0].expiry)


def _thinned(law, count):
    """Quoted strikes, evenly spread over their list."""
    quoted = np.asarray(law.strikes)
    return quoted[np.unique(np.linspace(0, len(quoted) - 1, count).round().astype(int))]


def strikes(grid, *, counts=COUNTS):
    """Exact prices of so many options a smile, and both forwards."""
    laws = _laws()
    chosen = [_thinned(law, count) for law, count in zip(laws, counts, strict=True)]
    return arbitrage.JointProblem.from_strikes(*laws, laws.tau, strikes=chosen, n=grid)


def _full(laws):
    levels = ndtr(jnp.linspace(-3.0, 3.0, 8))
    grids = [marginals.grid(law, n, strikes=law.quantile(levels)) for law, n in zip(laws, SMALL, strict=True)]
    return arbitrage.JointProblem.from_laws(*grids, laws.tau)


def _told(solution):
    """Figures of a solution; the peak is that of the process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    verdict = discrete.Status[solution.status] or "converged"
    size = {"grid": solution.law.problem.log_kernel.shape, "instruments": int(solution.law.a.size)}
    work = {"steps": int(solution.steps), "passes": int(solution.passes)}
    return {**size, **work, "defect": float(solution.defects.worst()), "verdict": verdict.split(":")[0], "peak_gib": peak}


def _solved(problem, solver=discrete.newton, *, repeats=5, **settings):
    problem = discrete.Schrodinger.of(problem)
    timed = measure(lambda: solver(problem, **settings), repeats=repeats)
    return {**timed, **_told(solver(problem, **settings))}


def bench_a_newton_small():
    """Implied Newton, 60 x 40 x 80."""
    return _solved(strikes(SMALL))


def bench_b_newton_middle():
    """Implied Newton, 120 x 60 x 160."""
    return _solved(strikes(MIDDLE), repeats=3)


def bench_d_full_laws():
    """Implied Newton in the full-law form, mixed sweeps included."""
    return _solved(_full(_laws()), repeats=3)


def bench_d_full_laws_mixed():
    """The mixed method in the full-law form."""
    return _solved(_full(_laws()), discrete.newton_sinkhorn, repeats=1, max_steps=BEST)


def bench_d_quotes():
    """Implied Newton on every quote's bid-ask, on as many nodes as the quotes need."""
    return _solved(arbitrage.JointProblem.from_quotes(_laws()), repeats=3)


def bench_f_bumped_markets():
    """64 markets with every option's price bumped by 0.1%, at once, from the base solution."""
    problem = discrete.Schrodinger.of(strikes(SMALL))
    base = discrete.newton(problem).require()
    kinds = np.concatenate([axis.kind for axis in strikes(SMALL).axes])
    noise = np.random.default_rng(0).normal(size=(MARKETS, problem.unit.size)) * BUMP * np.asarray(problem.mid) * (kinds != "F")
    parts = [jnp.asarray(part) for part in np.split(noise, np.cumsum([problem.F1.shape[1], problem.FV.shape[1]]), axis=1)]

    def moved(first, second, third):
        bumped = (problem.F1 - first[None, :], problem.FV - second[None, :], problem.F2 - third[None, :])
        return discrete.newton(eqx.tree_at(lambda p: (p.F1, p.FV, p.F2), problem, bumped), start=base)

    many = eqx.filter_jit(eqx.filter_vmap(moved))
    timed, found = measure(lambda: many(*parts), repeats=2), many(*parts)
    met = int((found.status == discrete.Status.converged).sum())
    worst = float(jax.vmap(lambda d: d.worst())(found.defects).max())
    return {**timed, "markets": MARKETS, "converged": met, "most_steps": int(found.steps.max()), "defect": worst}


def bench_g_existence():
    """A law, or none, by linear programming on 30 x 20 x 40."""
    problem = strikes((30, 20, 40))
    verdict = arbitrage.existence(problem)
    timed = measure(lambda: arbitrage.existence(problem).price, repeats=3)
    return {**timed, "exists": verdict.exists, "defect": verdict.law.defects().worst()}


def bench_i_risks():
    """Sensitivities of two claims to every quote, 60 x 40 x 80: a forward-start call and S1 V^2."""
    law = discrete.newton(discrete.Schrodinger.of(strikes(SMALL))).require().law
    claims = (lambda s1, v, s2: jnp.maximum(s2 / s1 - 1.0, 0.0), lambda s1, v, s2: s1 * v**2)
    timed = measure(lambda: discrete.risks(law, claims))
    return {**timed, "claims": len(claims), "quotes": int(law.a.size)}


def bench_h_newton_large():
    """Implied Newton, 240 x 80 x 320; last, since its peak memory would cover the others'."""
    return _solved(strikes(LARGE), repeats=1)
