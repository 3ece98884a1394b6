"""From a day's quotes to the three laws (S1, V, S2), with a report of what was pinned, what moved and what was left open."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from ..market import Smile, Snapshot, Triple, select
from .consistent import in_order, reconcile
from .mixture import Mixture
from .smooth import Fit, fit_smile, misses

LEGS = (("SPX T1", "mu1"), ("VIX T1", "muV"), ("SPX T2", "mu2"))
DELTAS = {"put 1-delta": 0.01, "put 5-delta": 0.05, "call 5-delta": 0.95, "call 1-delta": 0.99}  # risk-neutral quantiles
INSIDE_TOL = 1e-9  # half-spreads by which rounding may carry a quote out


class InconsistentError(ValueError):
    """No smooth laws inside the bid-ask meet the variance identity.

    free_gap   E[V^2] - forward variance of the free fits, variance a year
    gap        what remains of it at best over all laws on the nodes; 0 if rough laws could close it, infinite if none are in convex order
    """

    def __init__(self, triple, free_gap, gap):
        if np.isinf(gap):
            why = "no masses near the free ones put mu1 before mu2 in convex order inside the bid-ask: see arbitrage.quoted"
        elif gap:
            why = f"at best {gap:+.6f} remains inside the bid-ask"
        else:
            why = "only laws with spikes close it inside the bid-ask"
        super().__init__(
            f"{triple}: E[V^2] minus forward variance is {free_gap:+.6f} a year; {why}; "
            'ask for wings="basis" to model the difference as a constant'
        )
        self.free_gap, self.gap = free_gap, gap


@dataclass(frozen=True, slots=True)
class SmileFit:
    """How one law meets its quotes.

    market     "SPX T1", "VIX T1" or "SPX T2"
    quotes, rejected  retained and rejected quotes of the expiry
    inside     number of retained quotes whose price lies inside the bid-ask
    worst_miss_bp    largest distance outside the bid-ask, basis points of implied vol (0 if all inside)
    worst_error      largest |model - mid| in half-spreads
    """

    market: str
    expiry: str
    years: float
    forward: float
    quotes: int
    rejected: int
    inside: int
    worst_miss_bp: float
    worst_error: float


@dataclass(frozen=True, slots=True)
class Identity:
    """E[V^2] against E[L(S2)] - E[L(S1)], remeasured from the laws that are returned (variance a year).

    gap          EV2 - forward_variance of the returned laws
    free_gap     the same before treatment, each smile fitted alone
    treatment    "wings", "bid-ask" or "basis"
    basis        constant in variance that a basis model adds to V^2: forward_variance - EV2, 0 otherwise
    moves_bp     {market: {"put 1-delta": ..., "put 5-delta": ..., "call 5-delta": ..., "call 1-delta": ...}} change of implied vol, bp
    """

    EV2: float
    forward_variance: float
    gap: float
    free_gap: float
    treatment: str
    basis: float
    moves_bp: dict[str, dict[str, float]]

    @property
    def moved_bp(self):
        """Largest move of any law at 1- and 5-delta, basis points of implied vol."""
        return max(abs(move) for moves in self.moves_bp.values() for move in moves.values())


@dataclass(frozen=True, slots=True)
class Laws:
    """The three laws, unpackable as `mu1, muV, mu2`, with what they came from and how they fit.

    free       the laws before the variance identity was imposed
    tau        window T2 - T1, ACT/365 years
    """

    mu1: Mixture
    muV: Mixture
    mu2: Mixture
    tau: float
    triple: Triple
    free: tuple[Mixture, Mixture, Mixture]
    smiles: tuple[SmileFit, SmileFit, SmileFit]
    identity: Identity

    def __iter__(self):
        return iter((self.mu1, self.muV, self.mu2))


def from_quotes(snapshot: Snapshot, vix_expiry, *, spx_expiry1=None, spx_expiry2=None, wings: str = "consistent") -> Laws:
    """Laws of (S1, V, S2) inside the bid-ask of one triple of maturities, mu1 before mu2 in convex order, on one variance identity.

    vix_expiry   date or "yyyy-mm-dd"; SPX expiries are the nearest to it and to 30 days later unless given
    wings        "consistent": the laws move, least first, until E[V^2] = E[L(S2)] - E[L(S1)] to rounding;
                 "basis": free fits, the difference reported as a constant basis in variance; in convex order if quotes let them
    refuses      unknown expiries, fewer than three quotes (`QuoteError`); a gap that quotes do not let close (`InconsistentError`)
    see          book 02_marginals
    """
    return from_triple(select(snapshot, vix_expiry, spx_expiry1, spx_expiry2), wings=wings)


def from_triple(triple: Triple, *, wings: str = "consistent", tau: float | None = None) -> Laws:
    """The same for a triple at hand, e.g. one of `market.successive`.

    tau          years of VIX variance in the window (`market.window_clock`); those between the SPX expiries unless given
    """
    if wings not in ("consistent", "basis"):
        raise ValueError(f'wings: need "consistent" or "basis", got {wings!r}')
    smiles = (triple.spx1, triple.vix, triple.spx2)
    tau = triple.spx2.years - triple.spx1.years if tau is None else tau
    units = (1.0, triple.vix.forward / 100, 1.0)
    fits = tuple(fit_smile(smile, name=name, unit=unit) for smile, (_, name), unit in zip(smiles, LEGS, units, strict=True))
    free = tuple(fit.law for fit in fits)
    laws, treatment = _treated(fits, tau, wings, triple)
    reports = tuple(smile_fit(law, smile, leg) for law, smile, (leg, _) in zip(laws, smiles, LEGS, strict=True))
    return Laws(*laws, tau, triple, free, reports, _identity(laws, free, smiles, tau, treatment))


def _treated(fits: tuple[Fit, ...], tau, wings, triple):
    if wings == "basis":
        return in_order(fits, tau), "basis"
    laws, treatment, gap = reconcile(fits, tau)
    if treatment == "refused":
        ev2, forward = variance_gap(*(fit.law for fit in fits), tau)
        raise InconsistentError(triple, ev2 - forward, gap)
    return laws, treatment


def smile_fit(law: Mixture, smile: Smile, leg: str) -> SmileFit:
    """Measure a law against the quotes of its smile."""
    error, vol = misses(law, smile)
    inside = np.abs(error) <= 1 + INSIDE_TOL
    outside = np.where(inside, 0.0, np.maximum(smile.bid_iv - vol, vol - smile.ask_iv))
    return SmileFit(
        market=leg,
        expiry=str(smile.expiry),
        years=smile.years,
        forward=smile.forward,
        quotes=len(smile),
        rejected=len(smile.ledger),
        inside=int(inside.sum()),
        worst_miss_bp=1e4 * float(max(outside.max(), 0.0)),
        worst_error=float(np.abs(error).max()),
    )


def variance_gap(mu1: Mixture, muV: Mixture, mu2: Mixture, tau):
    """(E[V^2], E[L(S2)] - E[L(S1)]), variance a year."""
    return float(muV.second_moment()), float(mu2.log_contract(tau) - mu1.log_contract(tau))


def _identity(laws, free, smiles, tau, treatment):
    ev2, forward = variance_gap(*laws, tau)
    free_ev2, free_forward = variance_gap(*free, tau)
    moves = {leg: _moves(law, old, smile) for law, old, smile, (leg, _) in zip(laws, free, smiles, LEGS, strict=True)}
    basis = forward - ev2 if treatment == "basis" else 0.0
    return Identity(ev2, forward, ev2 - forward, free_ev2 - free_forward, treatment, basis, moves)


def _moves(law, old, smile):
    """Change of implied vol in bp at the strikes where the free law has the given risk-neutral probability below."""
    strikes = old.quantile(jnp.array(list(DELTAS.values())))
    change = 1e4 * np.asarray(law.implied_stdev(strikes) - old.implied_stdev(strikes)) / np.sqrt(smile.years)
    return dict(zip(DELTAS, map(float, change), strict=True))
