"""Implied Newton: converges in every regime, is the optimum by another road, and reports what it cannot do."""


import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from joints import TAU, known, quoted
from smilebridge import discrete, market

from .conftest import problem_of, solved

TOL = 1e-10
FORMS = ("strikes", "quotes", "full")
CASES = [
    pytest.param(name, form, marks=() if i == j else pytest.mark.slow)  # each regime and each form once, all pairs with the slow tests
    for i, name in enumerate(market.SYNTHETIC)
    for j, form in enumerate(FORMS)
]


def measured(problem, P):
    """Worst miss of prices, mean and variance, from the masses alone, in NumPy."""
    P = np.asarray(P)
    prices = [P.sum(axis=other) @ axis.payoff for axis, other in zip(problem.axes, ((1, 2), (0, 2), (0, 1)), strict=True)]
    outside = max(np.maximum(np.maximum(p - a.ask, a.bid - p), 0).max() for p, a in zip(prices, problem.axes, strict=True))
    s1, v, s2 = (axis.x for axis in problem.axes)
    mass = P.sum(axis=2)
    at = mass > 1e-12
    mean = np.abs((P @ s2 / np.where(at, mass, 1.0) / s1[:, None] - 1)[at]).max()
    variance = (P @ problem.log_contract(s2)) / np.where(at, mass, 1.0) - problem.log_contract(s1)[:, None]
    return outside, abs(P.sum() - 1), mean, np.abs((variance / v**2 - 1)[at]).max()


@pytest.mark.parametrize(("name", "form"), CASES)
def test_every_regime_and_form_is_calibrated_to_1e_10(name, form):
    problem, found = problem_of(name, form), solved(name, form)
    found.require()
    assert float(found.defects.worst()) <= TOL
    assert max(measured(problem, found.law.masses())) <= TOL


def brute(problem, reference):
    """Maximise the plain dual over all multipliers by BFGS, written again from the Gibbs form."""
    s1, v, s2 = (axis.x for axis in problem.axes)
    H = [axis.payoff - axis.mid for axis in problem.axes]
    cuts = np.cumsum([h.shape[1] for h in H])
    drift = (s2[None, :] - s1[:, None])[:, None, :] * np.ones((1, len(v), 1))
    variance = (problem.log_contract(s2)[None, :] - problem.log_contract(s1)[:, None])[:, None, :] - (v**2)[None, :, None]
    allowed = problem.admissible[..., None]

    def law(x):
        a1, aV, a2, rest = np.split(x, cuts)
        dS, dL = rest.reshape(2, len(s1), len(v))
        u = (H[0] @ a1)[:, None, None] + (H[1] @ aV)[None, :, None] + (H[2] @ a2)[None, None, :]
        w = np.where(allowed, np.exp(reference + u + 10 * dS[..., None] * drift + dL[..., None] * variance), 0.0)
        return w / w.sum(), np.log(w.sum())

    def value(x):
        P, total = law(x)
        slopes = [P.sum(axis=o) @ h for o, h in zip(((1, 2), (0, 2), (0, 1)), H, strict=True)]
        return total, np.concatenate([*slopes, 10 * (P * drift).sum(axis=2).ravel(), (P * variance).sum(axis=2).ravel()])

    start = np.zeros(cuts[-1] + 2 * len(s1) * len(v))
    return law(minimize(value, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 4000}).x)[0]


def test_brute_force_on_a_tiny_grid_finds_the_same_law():
    problem = quoted(*known(3, (4, 3, 14)), counts=(2, 2, 4))
    reference = discrete.Reference.papers(problem)
    found = discrete.newton(discrete.Schrodinger.of(problem, reference)).require()
    R = np.asarray(reference.log_mass)[..., None] + np.asarray(reference.log_kernel)
    np.testing.assert_allclose(np.asarray(found.law.masses()), brute(problem, R), atol=2e-7)


@pytest.mark.parametrize("seed", range(3))
def test_any_reference_gives_a_law_nearest_to_itself(seed):
    problem = quoted(*known(seed), counts=(3, 3, 5))
    laws = [discrete.newton(discrete.Schrodinger.of(problem, discrete.Reference.correlated(problem, r))).require().law for r in (0.0, -0.6)]
    for law, other in (laws, laws[::-1]):
        R = jnp.exp(law.problem.log_mass)[..., None] * jnp.exp(law.problem.log_kernel)
        entropy = lambda P, R=R: float((P * jnp.log(jnp.maximum(P, 1e-300) / R)).sum())
        assert entropy(law.masses()) < entropy(other.masses())


def test_a_law_is_its_own_nearest():
    nodes, P = known(5)
    problem = quoted(nodes, P + 1e-6)
    P = (P + 1e-6) / (P + 1e-6).sum()
    far = discrete.newton(discrete.Schrodinger.of(problem, discrete.Reference.from_masses(P)))
    assert float(found_value := far.value) >= -1e-12, found_value


def test_budget_is_reported_not_hidden():
    found = discrete.newton(discrete.Schrodinger.of(problem_of("calm", "strikes")), max_steps=2)
    assert found.status == discrete.Status.max_steps
    with pytest.raises(discrete.NotConvergedError, match="max_steps"):
        found.require()


def test_bumped_markets_in_one_vmap_equal_single_solves():
    problem = discrete.Schrodinger.of(quoted(*known(2)))
    bumps = jnp.linspace(-2e-6, 2e-6, 3)
    bump = lambda e: eqx.tree_at(lambda p: p.F2, problem, problem.F2 - e * jnp.arange(1.0, 1 + problem.F2.shape[1])[None, :])
    batch = eqx.filter_vmap(lambda e: discrete.newton(bump(e)))(bumps)
    assert bool((batch.status == discrete.Status.converged).all())
    rows = eqx.filter_vmap(lambda found: found.law.masses())(batch)
    for row, e in zip(rows, bumps, strict=True):
        np.testing.assert_allclose(row, discrete.newton(bump(e)).law.masses(), atol=1e-10)


def test_a_start_from_the_answer_takes_no_step():
    found = solved("calm", "strikes")
    again = discrete.newton(found.law.problem, start=found)
    assert int(again.steps) <= 1
    assert abs(float(again.value - found.value)) < 1e-12


def test_reference_refuses_what_is_no_law():
    problem = quoted(*known(0))
    with pytest.raises(ValueError, match="rho"):
        discrete.Reference.correlated(problem, -1.0)
    with pytest.raises(ValueError, match="masses >= 0"):
        discrete.Reference.from_masses(-np.ones(problem.shape))
    with pytest.raises(ValueError, match="band"):
        discrete.Schrodinger.of(problem, band=1.5)


def test_tau_is_the_problems():
    assert float(discrete.Schrodinger.of(quoted(*known(0))).tau) == TAU
