"""From quotes to laws to grids on the synthetic market "normal": seconds of each step, the first call (compilation included) apart."""

from clock import measure

from smilebridge import arbitrage, marginals, market

SNAPSHOT = "normal"


def _legs():
    snapshot = market.synthetic(SNAPSHOT)
    triple = market.select(snapshot, snapshot.vix[0].expiry)
    units = (1.0, triple.vix.forward / 100, 1.0)
    return snapshot, triple, tuple(zip((triple.spx1, triple.vix, triple.spx2), ("mu1", "muV", "mu2"), units, strict=True))


def _fits(legs):
    return tuple(marginals.fit_smile(smile, name=name, unit=unit) for smile, name, unit in legs)


def bench_fit_smile():
    """Three smiles, each alone; worst error in half-spreads."""
    _, _, legs = _legs()
    fits = _fits(legs)
    worst = max(abs(marginals.misses(fit.law, leg[0])[0]).max() for fit, leg in zip(fits, legs, strict=True))
    return {**measure(lambda: [fit.law for fit in _fits(legs)]), "quotes": sum(len(leg[0]) for leg in legs), "worst_error": float(worst)}


def bench_from_quotes():
    """All of it: fits, reconciliation, reports; the gap of the identity reached (variance a year)."""
    snapshot, triple, legs = _legs()
    laws = marginals.from_quotes(snapshot, triple.vix.expiry)
    timed = measure(lambda: tuple(marginals.from_quotes(snapshot, triple.vix.expiry)), repeats=3)
    return {**timed, "treatment": laws.identity.treatment, "gap": laws.identity.gap, "moved_bp": laws.identity.moved_bp}


def bench_reconcile():
    """Reconciliation alone, from fits at hand."""
    from smilebridge.marginals.consistent import reconcile

    _, triple, legs = _legs()
    fits, tau = _fits(legs), triple.spx2.years - triple.spx1.years
    return measure(lambda: reconcile(fits, tau)[0], repeats=3)


def bench_grid():
    """Grids of all quoted strikes; worst defect of the identity on them (variance a year)."""
    snapshot, triple, _ = _legs()
    laws = marginals.from_quotes(snapshot, triple.vix.expiry)
    carry = lambda: [marginals.grid(law, 2 * len(law.strikes) + 40) for law in laws]
    early, v, late = carry()
    gap = float(v.second_moment() - (late.log_contract(laws.tau) - early.log_contract(laws.tau)))
    return {**measure(carry), "points": sum(len(g.x) for g in (early, v, late)), "gap": gap}


def bench_convex_order():
    """Verdict on two fitted laws; the worst gap in forwards."""
    _, _, legs = _legs()
    early, _, late = (fit.law for fit in _fits(legs))
    verdict = arbitrage.convex_order(early, late)
    return {**measure(lambda: arbitrage.convex_order(early, late).worst_gap), "worst_gap": verdict.worst_gap}
