"""Markets that no law meets, through every solver: each stops, says so, stays finite; Newton's weights are a portfolio that wins."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import joints
from smilebridge import arbitrage, discrete
from unfair import MARKETS, moved_future, repriced, unfair

from .conftest import problem_of

SOLVERS = {"newton": {}, "newton_sinkhorn": {"max_steps": 300}, "sinkhorn": {"max_steps": 300}}


@cache
def answered(solver, kind, seed, half):
    return getattr(discrete, solver)(discrete.Schrodinger.of(unfair(kind, seed, half)), **SOLVERS[solver])


@pytest.mark.parametrize(("kind", "seed", "half"), MARKETS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_stops_says_so_and_stays_finite(solver, kind, seed, half):
    found = answered(solver, kind, seed, half)
    assert found.status != discrete.Status.converged
    assert found.status != discrete.Status.nonfinite
    leaves = jax.tree.leaves((found.law.a, found.law.delta, found.law.masses(), found.defects, found.value, found.certificate))
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    with pytest.raises(discrete.NotConvergedError, match="existence"):
        found.require()


@pytest.mark.parametrize(("kind", "seed", "half"), MARKETS)
def test_newtons_weights_are_a_portfolio_that_wins_on_every_node(kind, seed, half):
    found = answered("newton", kind, seed, half)
    assert found.status == discrete.Status.infeasible
    assert float(found.certificate) > 0
    verdict = arbitrage.existence(unfair(kind, seed, half), amounts=np.asarray(found.amounts))
    assert verdict.law is None  # no programme was asked
    assert verdict.price < 0
    assert verdict.portfolio.worst() >= 1e-9 * verdict.price


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_verdict_of_infeasibility_is_never_given_to_a_fair_market(solver):
    for seed in range(4):
        found = getattr(discrete, solver)(discrete.Schrodinger.of(joints.quoted(*joints.known(seed))), **SOLVERS[solver])
        assert found.status != discrete.Status.infeasible
        assert float(found.certificate) <= 0


def test_certificate_is_the_price_of_the_best_hedge():
    problem = unfair("dear wing", 0, 0.02)
    found = answered("newton", "dear wing", 0, 0.02)
    size = np.abs(np.asarray(found.amounts)).sum()
    held = arbitrage.existence(problem, amounts=np.asarray(found.amounts))
    assert float(found.certificate) == pytest.approx(-held.price * size, rel=1e-6)


@pytest.mark.parametrize(
    "spoil", [lambda p: moved_future(p, 1.25), lambda p: repriced(p, "axisV", 1.5, pick=4), lambda p: repriced(p, "axis1", 1.6)]
)
def test_quotes_of_a_whole_market_spoilt_are_refuted_by_newton_alone(spoil):
    problem = spoil(problem_of("calm", "quotes"))
    found = discrete.newton(discrete.Schrodinger.of(problem))
    assert found.status == discrete.Status.infeasible
    assert arbitrage.existence(problem, amounts=np.asarray(found.amounts)).law is None


def test_one_spoilt_market_in_a_batch_spoils_no_other():
    problem = discrete.Schrodinger.of(joints.quoted(*joints.known(2)))
    future = problem.FV.shape[1] - 1
    moved = lambda by: eqx.tree_at(lambda p: p.FV, problem, problem.FV.at[:, future].add(-by))
    batch = eqx.filter_vmap(lambda by: discrete.newton(moved(by)))(jnp.array([0.0, 0.5, 1e-6]))
    assert [bool(s) for s in batch.status == discrete.Status.converged] == [True, False, True]
    assert bool((batch.status == discrete.Status.infeasible)[1])
    alone = discrete.newton(moved(jnp.asarray(1e-6)))
    np.testing.assert_allclose(batch.law.a[2], alone.law.a, atol=1e-6)
