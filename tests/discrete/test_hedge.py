"""Hedges against least squares over all nodes, and against what needs no hedge."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from joints import known, laws, log_contract, quoted
from smilebridge import arbitrage, discrete

STRADDLE = lambda s1, v, s2: jnp.abs(s2 / s1 - 1)
CORRELATION = lambda s1, v, s2: (s1 - 1) * v


@pytest.fixture(scope="module", params=["exact", "interval", "given"])
def law(request):
    """A calibrated law of a small market: exact prices, bids and asks, the law of S1 node by node."""
    problem = quoted(*known(4), half=0.0 if request.param == "exact" else 0.05)
    if request.param == "given":
        problem = replace(problem, axis1=arbitrage.Axis.of_law("SPX T1", laws(*known(4))[0]))
    return discrete.newton(discrete.Schrodinger.of(problem, discrete.Reference.papers(problem))).require().law


def regressed(law, claim):
    """Amounts by dense least squares on every node: instruments, and a trade in s2 and in the log contract for each (s1, v)."""
    posed, P = law.problem, np.asarray(law.masses())
    n1, nV, n2 = P.shape
    s1, v, s2 = (np.asarray(x) for x in (law.s1, law.v, law.s2))
    spread = [np.broadcast_to(F, (n1, nV, n2, F.shape[-1])).reshape(-1, F.shape[-1]) for F in _placed(posed)]
    gain = np.broadcast_to(s2 - s1[:, None, None], P.shape).ravel()
    excess = np.broadcast_to(log_contract(s2 / s1[:, None, None]) - v[None, :, None] ** 2, P.shape).ravel()
    node = np.eye(n1 * nV).repeat(n2, axis=0)
    columns = np.hstack([np.ones((P.size, 1)), *spread, node * gain[:, None], node * excess[:, None]])
    root = np.sqrt(P.ravel())
    scale = np.sqrt(P.ravel() @ columns**2) + 1e-300
    x = np.linalg.lstsq(root[:, None] * columns / scale, root * np.asarray(claim).ravel(), rcond=1e-13)[0] / scale
    return x[1 : 1 + len(posed.unit)] / np.asarray(posed.unit)


def _placed(posed):
    F1, FV, F2 = (np.asarray(F) for F in (posed.F1, posed.FV, posed.F2))
    return F1[:, None, None, :], FV[None, :, None, :], F2[None, None, :, :]


@pytest.mark.parametrize("claim", [STRADDLE, CORRELATION], ids=["straddle", "correlation"])
def test_sensitivities_to_exact_prices_are_a_regression_on_all_that_is_traded(claim):
    problem = quoted(*known(4))
    law = discrete.newton(discrete.Schrodinger.of(problem, discrete.Reference.papers(problem))).require().law
    found = discrete.risks(law, (claim,)).mid[0]
    np.testing.assert_allclose(found, regressed(law, law.on_nodes(claim)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("claim", [STRADDLE, CORRELATION], ids=["straddle", "correlation"])
def test_no_other_amounts_leave_less_variance_and_fine(law, claim):
    found, bend = discrete.risks(law, (claim,)).mid[0], law.problem.penalty(law.a)[2]
    fined = lambda x: discrete.hedge(law, claim, x).left + (bend * (x * law.problem.unit) ** 2).sum()
    best, none = (jnp.abs(jax.grad(fined)(x) * law.problem.unit).max() for x in (found, 0 * found))
    assert best < 1e-8 * none
    assert fined(found) < fined(0 * found)


def test_trades_at_t1_are_found_and_leave_nothing(law):
    claim = lambda s1, v, s2: 0.2 + s1 * (s2 - s1) + 0.3 * v * (-2 / law.tau * jnp.log(s2 / s1) - v**2)
    found = discrete.hedge(law, claim, jnp.zeros_like(law.a))
    seen = np.asarray(law.mass()) > 1e-9
    np.testing.assert_allclose(np.asarray(found.deltaS)[seen], np.broadcast_to(law.s1[:, None], seen.shape)[seen], rtol=1e-7)
    np.testing.assert_allclose(np.asarray(found.deltaL)[seen], np.broadcast_to(0.3 * law.v[None, :], seen.shape)[seen], rtol=1e-7)
    assert found.removed == pytest.approx(1.0, abs=1e-12)
    assert found.price == pytest.approx(0.2, abs=1e-9)


def test_claim_is_price_hedge_and_residual(law):
    amounts = discrete.risks(law, (STRADDLE,)).mid[0]
    found, P = discrete.hedge(law, STRADDLE, amounts), law.masses()
    held = sum(F @ part for F, part in zip(_placed(law.problem), law.problem.split(amounts * law.problem.unit), strict=True))
    traded = found.deltaS[..., None] * (law.s2[None, None, :] - law.s1[:, None, None])
    log = log_contract(np.asarray(law.s2)[None, :] / np.asarray(law.s1)[:, None])
    traded += found.deltaL[..., None] * (log[:, None] - law.v[None, :, None] ** 2)
    left = found.claim - (held - (P * held).sum()) - traded - found.residual
    if law.problem.pinned:  # what is left is a function of S1
        left -= left[:, :1, :1]
    assert jnp.abs(jnp.where(P > 1e-12, left, 0.0)).max() < 1e-8
    assert (P * found.residual).sum() == pytest.approx(0.0, abs=1e-12)
    assert 0 < found.left < found.variance
