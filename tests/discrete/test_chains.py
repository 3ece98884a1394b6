"""Chains: the joint optimum of several windows by another road, what is glued, and continuous paths through it."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from joints import TAU, kernel, laws, quoted
from smilebridge import discrete, marginals, market
from smilebridge.arbitrage import Axis, JointProblem
from smilebridge.discrete.linked import Linked
from smilebridge.discrete.paths import Stretch, walked

START = 0.05
DATES = [START, START + TAU, START + 2 * TAU]
NODES = np.exp([-0.04, 0.0, 0.03]), np.array([0.3, 0.45]), np.exp(np.linspace(-0.3, 0.25, 8)), np.exp(np.linspace(-0.62, 0.52, 16))


def window(s1, v, s2, p1, rng):
    """Masses of a random law of (S1, V, S2) with the given law of S1."""
    given = rng.dirichlet(np.ones(len(v)), size=len(s1))
    return np.array([[p1[i] * given[i, j] * kernel(a, b, s2, rng) for j, b in enumerate(v)] for i, a in enumerate(s1)])


@cache
def problems(seed=0, half=0.0):
    """Two windows end to end: quotes are the prices of a random chain, S2 on the nodes on which the first ends."""
    (s1, v, s2, s3), rng = NODES, np.random.default_rng(seed)
    P = window(s1, v, s2, rng.dirichlet(np.ones(len(s1))), rng)
    Q = window(s2, v, s3, P.sum(axis=(0, 1)), rng)
    first, second = quoted((s1, v, s2), P, half=half, counts=(1, 1, 4)), quoted((s2, v, s3), Q, half=half, counts=(2, 1, 5))
    blank = Axis.of_law("SPX T1", laws((s2, v, s3), np.ones_like(Q) / Q.size)[0])
    return first, replace(second, axis1=blank)


@cache
def chain(seed=0):
    """Its calibrated chain."""
    return discrete.Chain.of(problems(seed), DATES)


def everything(chain):
    """(n1, nV, n2, nV, n3) masses of all paths."""
    first, second = chain.links
    return first.masses()[..., None, None] * (second.vix_given_spx()[..., None] * second.kernel())[None, None]


def brute(problems):
    """Maximise the dual over all multipliers of the whole path space by BFGS, written again from the Gibbs form."""
    first, second = problems
    R1, R2 = (discrete.Reference.papers(p) for p in problems)
    given = R2.log_mass - jax.scipy.special.logsumexp(R2.log_mass, axis=1, keepdims=True)
    R = np.asarray((R1.log_mass[..., None] + R1.log_kernel)[..., None, None] + (given[..., None] + R2.log_kernel)[None, None])
    H = [axis.payoff - axis.mid for axis in (*first.axes, *second.axes[1:])]
    terms, slots = [], "abcde"
    for place, h in enumerate(H):
        for column in h.T:
            shape = [1] * 5
            shape[place] = -1
            terms.append(column.reshape(shape))
    for problem, at in ((first, "abc"), (second, "cde")):
        s1, v, s2 = (axis.x for axis in problem.axes)
        drift = (s2[None, :] - s1[:, None])[:, None, :] * np.ones((1, len(v), 1)) * 10
        window = (problem.log_contract(s2)[None, :] - problem.log_contract(s1)[:, None])[:, None, :] - (v**2)[None, :, None]
        for i in range(len(s1)):
            for j in range(len(v)):
                for values in (drift, window):
                    alone = np.zeros_like(values)
                    alone[i, j] = values[i, j]
                    terms.append(np.expand_dims(alone, [slots.index(x) for x in slots if x not in at]))
    basis = np.array([np.broadcast_to(t, R.shape).ravel() for t in terms])

    def value(x):
        w = np.exp(R.ravel() + x @ basis)
        return np.log(w.sum()), basis @ (w / w.sum())

    best = minimize(value, np.zeros(len(terms)), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000}).x
    w = np.exp(R.ravel() + best @ basis)
    return (w / w.sum()).reshape(R.shape)


def test_the_chain_is_the_optimum_over_all_paths():
    np.testing.assert_allclose(np.asarray(everything(chain())), brute(problems()), atol=3e-7)


@pytest.mark.parametrize("seed", range(3))
def test_slope_and_curvature_of_the_dual_are_those_of_its_values(seed):
    dual = Linked.of([discrete.Schrodinger.of(p, barrier=1.0) for p in problems(seed, 0.5)])
    size = sum(w.unit.size for w in dual.windows)
    a, delta, _ = dual.begin(tol=1e-13, max_passes=200)
    rng = np.random.default_rng(seed)
    a = a + 0.1 * jnp.asarray(rng.normal(size=size))
    mass = tuple(jnp.ones_like(w.log_mass) for w in dual.windows)

    def at(a):
        settled, law, _ = dual.settle(a, delta, mass, tol=1e-14, max_passes=200)
        return dual.trial(a, law, mass)[0], dual.curvature(a, settled), settled

    value, here, settled = at(a)
    assert float(here.value) == pytest.approx(float(value), rel=1e-12)
    for step in 2e-6 * jnp.asarray(rng.normal(size=(3, size))):
        (up, above, moved), (down, below, _) = at(a + step), at(a - step)
        assert float(up - down) / 2 == pytest.approx(float(here.gradient @ step), rel=1e-5)
        expected = here.hessian @ step
        np.testing.assert_allclose((below.gradient - above.gradient) / 2, expected, atol=1e-5 * float(jnp.abs(expected).max()))
        for expected, found in zip(moved, dual.follow(settled, here, step), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_window_keeps_quotes_and_conditions():
    found, P = chain(), np.asarray(everything(chain()))
    for place, (problem, law) in enumerate(zip(problems(), found.links, strict=True)):
        keep = {2 * place, 2 * place + 1, 2 * place + 2}
        Q = P.sum(axis=tuple(set(range(5)) - keep))
        s1, v, s2 = (axis.x for axis in problem.axes)
        for axis, other in zip(problem.axes[place:], ((1, 2), (0, 2), (0, 1))[place:], strict=True):
            np.testing.assert_allclose(Q.sum(axis=other) @ axis.payoff, axis.mid, atol=1e-10)
        mass = Q.sum(axis=2)
        np.testing.assert_allclose(Q @ s2 / mass, np.broadcast_to(s1[:, None], mass.shape), rtol=1e-9)
        variance = Q @ problem.log_contract(s2) / mass - problem.log_contract(s1)[:, None]
        np.testing.assert_allclose(variance, np.broadcast_to(v**2, mass.shape), rtol=1e-8)
        np.testing.assert_allclose(law.masses(), Q, atol=1e-14)


def test_a_cliquet_is_the_sum_over_all_paths():
    found, (s1, _, s2, s3) = chain(), NODES
    clip = lambda x: jnp.clip(x - 1, -0.03, 0.03)
    P = np.asarray(everything(found)).sum(axis=(1, 3))
    brute = (P * np.maximum(clip(s2[None, :, None] / s1[:, None, None]) + clip(s3[None, None, :] / s2[None, :, None]), 0)).sum()
    price = found.expect(lambda a, b, c: jnp.maximum(clip(b / a) + clip(c / b), 0.0))
    assert float(price) == pytest.approx(brute, rel=1e-12)


def test_draws_reprice_within_standard_errors(key, within_error):
    found = chain()
    S, V = found.sample(40_000, key=key)
    for place, law in enumerate(found.links):
        within_error(S[:, place + 1] - S[:, place], 0.0)
        within_error(-2 / law.tau * jnp.log(S[:, place + 1] / S[:, place]) - V[:, place] ** 2, 0.0)
        within_error(V[:, place], float(law.marginals()[1] @ law.v))
    within_error(S[:, 0] * S[:, 2], float(found.expect(lambda a, b, c: a * c)))


def test_windows_that_do_not_fit_are_refused():
    one, two = chain(0).links
    with pytest.raises(ValueError, match="window 2: the law of S at its start is .* off that at the end of window 1"):
        discrete.Chain((one, chain(1).links[1]), jnp.asarray(DATES))
    with pytest.raises(ValueError, match="dates: need 3 increasing years"):
        discrete.Chain((one, two), jnp.asarray(DATES[::-1]))
    with pytest.raises(ValueError, match="window 2: S starts on 3 nodes"):
        discrete.Chain((two, one), jnp.asarray(DATES))


def test_a_chain_that_cannot_be_is_reported_with_its_defects():
    first, second = problems()
    calls = np.where(second.axisV.kind == "F", 0.5, 0.0)
    dear = replace(second, axisV=replace(second.axisV, bid=second.axisV.bid + calls, ask=second.axisV.ask + calls))
    with pytest.raises(discrete.NotConvergedError, match="no chain exists on these nodes.*window 1: mu1 .*; window 2: mu1"):
        discrete.Chain.of((first, dear), DATES)


def test_triples_end_to_end_share_their_smiles():
    snapshot = market.load("2023-02-15")
    one, two, three = market.successive(snapshot, 3)
    assert one.spx2 is two.spx1
    assert two.spx2 is three.spx1
    with pytest.raises(market.QuoteError, match="window 4: no VIX expiry near SPX 2023-05-19"):
        market.successive(snapshot, 4, vix_expiry="2023-02-22")


def test_windows_of_other_dates_are_refused():
    snapshot = market.load("calm")
    laws = marginals.from_triple(market.select(snapshot, snapshot.vix[0].expiry), wings="basis")
    with pytest.raises(ValueError, match="a window starts with .*, the one before ends with"):
        discrete.Chain.calibrate((laws, laws))


def test_every_node_at_the_start_of_a_window_is_served_or_the_windows_are_refused(monkeypatch):
    """On this market the first window ends on a node at ten times the forward."""
    windows = [marginals.from_triple(triple, wings="basis") for triple in market.successive(market.load("stressed"), 2)]
    first, second = JointProblem.end_to_end(windows)
    assert second.axis1.x[-1] > 9
    assert second.admissible.any(axis=1).all()
    far = replace(second, axis2=replace(second.axis2, x=second.axis2.x * 3))
    monkeypatch.setattr(JointProblem, "_quoted", classmethod(lambda cls, laws, n, mu1=None: first if mu1 is None else far))
    with pytest.raises(ValueError, match="S starts at 0.0121, which no nodes of its end"):
        JointProblem.end_to_end(windows)


TIMES = jnp.array([0.02, START, START + 0.4 * TAU, START + 1.7 * TAU])


@pytest.fixture(scope="module")
def simulated():
    """Continuous paths through the chain."""
    return discrete.paths(chain(), TIMES, 40_000, key=jax.random.key(7), future=True)


def test_paths_carry_the_dates_and_are_martingales(simulated, within_error):
    np.testing.assert_allclose(simulated.times, [0, 0.02, START, START + 0.4 * TAU, START + TAU, START + 1.7 * TAU, START + 2 * TAU])
    np.testing.assert_allclose(simulated.times[jnp.array(simulated.dates)], chain().dates)
    for early, late in zip(simulated.S.T, simulated.S.T[1:], strict=False):
        within_error(late - early, 0.0)
        if early.std() > 0:
            within_error((late - early) * jnp.maximum(early - 1, 0.0), 0.0)


def test_paths_at_dates_are_draws_of_the_chain(simulated, within_error):
    found = chain()
    S = simulated.S[:, jnp.array(simulated.dates)]
    for place, law in enumerate(found.links):
        p1, pV, p2 = law.marginals()
        nodes = zip((law.s1, law.v, law.s2), (p1, pV, p2), (S[:, place], simulated.V[:, place], S[:, place + 1]), strict=True)
        for x, p, draws in nodes:
            for at, mass in zip(x, p, strict=True):
                if mass > 1e-3:
                    within_error((jnp.abs(draws - at) < 1e-9).astype(float), float(mass))
        up = lambda s: (s > 1).astype(float)
        joint = law.expect(lambda a, b, c, up=up: b * c * up(a))
        within_error(simulated.V[:, place] * S[:, place + 1] * up(S[:, place]), float(joint))


def test_vix_futures_are_martingales_that_end_at_the_vix(simulated, within_error):
    at = simulated.dates
    for place, (begin, end) in enumerate(((0, at[0]), (at[0], at[1]))):
        for t in range(begin, end):
            within_error(simulated.future[:, t] - simulated.V[:, place], 0.0)
    assert bool(jnp.isnan(simulated.future[:, at[1] :]).all())


def test_prices_between_dates_are_those_of_the_paths(simulated, within_error):
    k = jnp.array([0.98, 1.0, 1.01])
    for t in (0.02, START + 0.4 * TAU, START + 1.7 * TAU):
        place = int(jnp.argmin(jnp.abs(simulated.times - t)))
        for strike, price in zip(k, discrete.calls_between(chain(), t, k), strict=True):
            within_error(jnp.maximum(simulated.S[:, place] - strike, 0.0), float(price))


def test_a_lognormal_law_gives_geometric_brownian_motion():
    width, n = 0.2, 4000
    z = jax.scipy.special.ndtri(jnp.linspace(0.5 / n, 1 - 0.5 / n, n))
    nodes = jnp.exp(width * z - width**2 / 2)
    stretch = Stretch(jnp.full((1, n), 1 / n), nodes, None, None, jnp.asarray(0.5))
    shares = jnp.array([0.0, 0.3, 0.8, 1.0])
    (S, volatility, _), _, _ = walked(stretch, jnp.zeros(500, int), shares, jax.random.key(0), False)
    assert float((jnp.abs(volatility * np.sqrt(0.5) / width - 1) < 0.01).mean()) > 0.99
    spread = jnp.diff(jnp.log(S), axis=1).std(axis=0)
    np.testing.assert_allclose(spread, width * np.sqrt([0.3, 0.5]), rtol=0.1)


def test_paths_outside_the_chain_are_refused():
    with pytest.raises(ValueError, match="times: need 0 < t <="):
        discrete.paths(chain(), jnp.array([0.1, 3.0]), 10, key=jax.random.key(0))


def test_paths_realise_the_vix_from_which_they_start(simulated):
    for place in range(2):
        found = discrete.vix_recovered(chain(), simulated, place, groups=4, seen=0.0)
        log, _ = simulated.realised(place)
        assert abs(found.rare) < 1e-12
        np.testing.assert_allclose(found.log.mean(), log.mean(), rtol=1e-12)
        np.testing.assert_allclose(found.expected.mean(), (simulated.V[:, place] ** 2).mean(), rtol=1e-12)
        assert np.abs((found.log - found.expected) / found.error).max() < 4


def test_errors_of_a_recovered_vix_are_standard_normal_with_rare_moves_at_their_mean():
    """Of many samples; without the exchange the share of rare moves would be missing from most."""
    scores, law = [], chain().links[1]
    for seed in range(100):
        walked = discrete.paths(chain(), jnp.array(chain().dates), 1000, key=jax.random.key(seed))
        found = discrete.vix_recovered(chain(), walked, 1, groups=2)
        assert 0 < found.rare < 1
        scores.append((found.log - found.expected) / found.error)
    assert np.abs(np.mean(scores, axis=0)).max() < 4 / np.sqrt(100)
    np.testing.assert_allclose(np.std(scores, axis=0), 1.0, atol=0.25)
    x = law.s2[None, :] / law.s1[:, None]
    pay = 2 * (x - 1 - jnp.log(x)) / law.tau
    reached = jnp.cumsum(law.kernel(), axis=2), jnp.cumsum(law.kernel()[..., ::-1], axis=2)[..., ::-1]
    few = (law.mass()[..., None] * law.kernel() * pay[:, None, :])[jnp.minimum(*reached) < 0.02].sum()
    np.testing.assert_allclose(found.rare, few / (law.mass().sum(axis=0) @ law.v**2), rtol=1e-6)


def test_the_sum_along_fine_paths_has_the_mean_of_the_log_contract(within_error):
    times = np.linspace(0, DATES[-1], 601)[1:]
    fine = discrete.paths(chain(), times, 4000, key=jax.random.key(3))
    for place in range(2):
        log, along = fine.realised(place)
        within_error(along - log, 0.0)


def test_sampling_errors_of_the_laws_own_draws_are_standard_normal():
    law = chain().links[0]
    p2 = law.marginals()[2]
    rng, scores = np.random.default_rng(0), []
    for _ in range(200):
        draws = rng.choice(np.asarray(law.s2), p=np.asarray(p2 / p2.sum()), size=2000)
        k, score = discrete.sampling_errors(law.s2, p2, draws, np.array([0.95, 1.05, 9.0]))
        assert list(k) == [0.95, 1.05]
        scores.append(score)
    assert np.abs(np.mean(scores, axis=0)).max() < 4 / np.sqrt(200)
    np.testing.assert_allclose(np.std(scores, axis=0), 1.0, atol=0.2)
