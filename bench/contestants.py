"""One method on one problem in a process of its own, so that its peak memory is its own: `python bench/contestants.py METHOD FILE`.

FILE is a pickled `arbitrage.JointProblem`; the last line printed is a record in JSON. Each method meets the same exact prices on the same
nodes; what it reached is measured from its masses by one function, whatever it says of itself.
"""

import json
import pickle
import resource
import sys
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from smilebridge import arbitrage, discrete

PATIENCE = 40.0  # seconds that an iteration may take before it is stopped and measured where it stands
TRIAL = 100  # sweeps that tell how many fit into the patience
MEMORY = 30  # pairs that L-BFGS keeps
CARRIES = 1e-12  # mass from which a node's conditional residuals count
PRECISE = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11, "max_iter": 400}


class OutOfTimeError(Exception):
    """The patience is spent."""


def measured(problem: arbitrage.JointProblem, P) -> dict:
    """From the masses alone: the five largest defects as `discrete.Defects` has them, and the worst of all.

    weighted   the worst with each node's conditional residual times its mass: what a solver of the equations themselves controls
    """
    s1, v, s2 = (axis.x for axis in problem.axes)
    sums = [P.sum(axis=other) for other in ((1, 2), (0, 2), (0, 1))]
    prices = [float(np.abs(p @ axis.payoff - axis.mid).max()) for p, axis in zip(sums, problem.axes, strict=True)]
    mass = P.sum(axis=2)
    at = mass > CARRIES
    mean = np.abs(P @ s2 / s1[:, None] - mass)
    variance = np.abs((P @ problem.log_contract(s2) - mass * problem.log_contract(s1)[:, None]) / v[None, :] ** 2 - mass)
    given = [float((miss[at] / mass[at]).max()) for miss in (mean, variance)]
    found = dict(zip(("mu1", "muV", "mu2", "martingale", "dispersion"), (*prices, *given), strict=True))
    total = abs(float(P.sum()) - 1)
    return found | {"worst": max(*found.values(), total), "weighted": max(*prices, total, float(mean.max()), float(variance.max()))}


def entropy(problem: discrete.Schrodinger, P) -> float:
    """H(P | R) in nats."""
    logR = np.asarray(_log_reference(problem))
    used = (P > 0) & np.isfinite(logR)
    return float((P[used] * (np.log(P[used]) - logR[used])).sum())


def _log_reference(problem):
    """(n1, nV, n2), normalised over the admissible nodes."""
    logR = problem.log_mass[..., None] + problem.log_kernel
    return logR - jax.scipy.special.logsumexp(logR)


def potential(problem, a, delta):
    """(n1, nV, n2) log density of the Gibbs form."""
    (a1, aV, a2), i1 = problem.split(a), 1 / (problem.v * jnp.sqrt(problem.tau))
    g1 = problem.d[:, None, :] * i1[None, :, None]
    g2 = problem.D[:, None, :] / (problem.v**2)[None, :, None] - 1
    early = (problem.F1 @ a1)[:, None, None] + (problem.FV @ aV)[None, :, None]
    return early + (problem.F2 @ a2)[None, None, :] + delta[0][..., None] * g1 + delta[1][..., None] * g2


def dual(problem):
    """Minus the dual of exact targets with its slope in all unknowns x = (a, delta), and how many they are."""
    m, shape = problem.unit.size, (2, *problem.log_mass.shape)
    logR = problem.log_mass[..., None] + problem.log_kernel
    value = lambda x: jax.scipy.special.logsumexp(logR + potential(problem, x[:m], x[m:].reshape(shape)))
    return jax.jit(jax.value_and_grad(value)), m + 2 * problem.log_mass.size


def newton(problem):
    """Masses, steps, seconds of compilation and of the run."""
    return _own(discrete.newton, problem, {})


def newton_sinkhorn(problem):
    """As many sweeps as fit into the patience."""
    return _swept(discrete.newton_sinkhorn, problem)


def sinkhorn(problem):
    """As many sweeps as fit into the patience."""
    return _swept(discrete.sinkhorn, problem)


def _swept(solver, problem):
    _, few, compiling, seconds = _own(solver, problem, {"max_steps": jnp.asarray(TRIAL)})
    most = max(TRIAL, int(PATIENCE / max(seconds / max(few["steps"], 1), 1e-9)))
    P, told, _, seconds = _own(solver, problem, {"max_steps": jnp.asarray(most)})
    return P, told, compiling, seconds


def _own(solver, problem, settings):
    solve, compiling = _timed(lambda: solver.lower(problem, **settings).compile())
    found, seconds = _timed(lambda: jax.block_until_ready(solve(problem, **settings)))
    told = {"steps": int(found.steps), "passes": int(found.passes), "says": discrete.Status[found.status].split(":")[0] or "converged"}
    return np.asarray(found.law.masses()), told, compiling, seconds


def lbfgs(problem):
    """SciPy's L-BFGS-B on the dual in all its unknowns, weights and multipliers alike; a step is an evaluation."""
    from scipy.optimize import minimize

    slope, size = dual(problem)
    _, compiling = _timed(lambda: jax.block_until_ready(slope(np.zeros(size))))
    began, best = time.perf_counter(), [np.inf, np.zeros(size), 0]

    def value(x):
        if time.perf_counter() - began > PATIENCE:
            raise OutOfTimeError
        f, g = map(np.asarray, slope(x))
        best[2] += 1
        if f < best[0]:
            best[:2] = f, x.copy()
        return f, g

    options = {"maxfun": 10**6, "maxiter": 10**6, "ftol": 0.0, "gtol": 1e-13, "maxcor": MEMORY}
    try:
        says = minimize(value, np.zeros(size), jac=True, method="L-BFGS-B", options=options).message
    except OutOfTimeError:
        says = f"stopped after {PATIENCE:g} s"
    seconds = time.perf_counter() - began
    return _tilted(problem, best[1]), {"steps": best[2], "passes": best[2], "says": str(says)}, compiling, seconds


def _tilted(problem, x):
    m = problem.unit.size
    a, delta = jnp.asarray(x[:m]), jnp.asarray(x[m:]).reshape(2, *problem.log_mass.shape)
    logP = _log_reference(problem) + potential(problem, a, delta)
    return np.asarray(jax.nn.softmax(logP.ravel()).reshape(logP.shape))


def clarabel(problem):
    """CVXPY with Clarabel on the primal: least sum p log p - p log R over the admissible nodes, one exponential cone a node."""
    import cvxpy as cp

    logR = np.asarray(_log_reference(problem))
    inside = np.flatnonzero(np.isfinite(logR).ravel())
    A, b = _equalities(problem, inside, logR.shape)
    p = cp.Variable(len(inside), nonneg=True)
    asked = cp.Problem(cp.Minimize(-cp.sum(cp.entr(p)) - logR.ravel()[inside] @ p), [A @ p == b])
    _, seconds = _timed(lambda: asked.solve(solver=cp.CLARABEL, **PRECISE))
    if p.value is None:
        raise RuntimeError(f"Clarabel ends with {asked.status}")
    running = asked.solver_stats.solve_time
    P = np.zeros(logR.size)
    P[inside] = np.maximum(p.value, 0.0)
    told = {"steps": int(asked.solver_stats.num_iters), "passes": None, "says": asked.status}
    return P.reshape(logR.shape), told, seconds - running, running


def _equalities(problem, inside, shape):
    """Sparse rows: total mass, every price, and at each (s1, v) both conditions, of order one each."""
    i, j, k = np.unravel_index(inside, shape)
    d, D = (np.asarray(z)[i, k] for z in (problem.d, problem.D))
    v, root = np.asarray(problem.v)[j], np.sqrt(float(problem.tau))
    node, column = i * shape[1] + j, np.arange(len(inside))
    size = (shape[0] * shape[1], len(inside))
    conditions = [sparse.csr_matrix((entry, (node, column)), shape=size) for entry in (d / (v * root), D / v**2 - 1)]
    conditions = [rows[np.unique(node)] for rows in conditions]
    prices = [np.asarray(F)[at].T for F, at in zip((problem.F1, problem.FV, problem.F2), (i, j, k), strict=True)]
    A = sparse.vstack([np.ones((1, len(inside))), *map(sparse.csr_matrix, prices), *conditions], format="csc")
    return A, np.r_[1.0, np.zeros(A.shape[0] - 1)]


METHODS = {"newton": newton, "newton_sinkhorn": newton_sinkhorn, "sinkhorn": sinkhorn, "lbfgs": lbfgs, "clarabel": clarabel}


def _timed(act):
    began = time.perf_counter()
    answer = act()
    return answer, time.perf_counter() - began


def _peak_gib():
    """Most memory held so far; by /proc where there is one, since ru_maxrss starts from what the parent held."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def main(method, file):
    """The record of one contestant."""
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    asked = pickle.loads(Path(file).read_bytes())
    problem = jax.block_until_ready(discrete.Schrodinger.of(asked))
    before = _peak_gib()
    P, told, compiling, seconds = METHODS[method](problem)
    after = _peak_gib()
    record = {"method": method, "grid": list(asked.shape), "prices": problem.unit.size, **told, "compile_s": compiling, "seconds": seconds}
    record |= {"entropy": entropy(problem, P), **measured(asked, P), "before_gib": before, "peak_gib": after}
    print(json.dumps(record, default=float))


if __name__ == "__main__":
    main(*sys.argv[1:])
