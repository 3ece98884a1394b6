"""What `check` found, three times: tables for the eye, a record for machines, a picture."""

from collections import Counter
from dataclasses import asdict

from . import page
from .findings import LEGS, Findings
from .page import lines, table

WORDS = {
    "wings": "wings moved, no quote by more than a tenth of a half-spread",
    "bid-ask": "laws moved within bid-ask",
    "basis": "each smile fitted alone, the difference is a constant",
    "refused": "each smile fitted alone, the difference cannot be closed",
}
REFITTED = {
    "basis": "smiles refitted inside bid-ask for convex order, the difference is a constant",
    "refused": "smiles refitted inside bid-ask for convex order alone, the difference cannot be closed",
}


def show(found: Findings):
    """Prints to stdout; see `page.show`."""
    page.show([source(found), _smiles(found), window(found), *_laws(found), *_portfolio(found), _verdict(found)])


def source(found: Findings):
    """Where the quotes come from, what was inferred, and the VIX index that they give."""
    snapshot, index = found.snapshot, found.index
    pairs = [("source", snapshot.source), ("day", snapshot.day), *(("notes", note) for note in snapshot.notes)]
    if index:
        near, far = index.near, index.next
        strips = f"SPX {near.expiry} {near.settlement} ({near.n_strikes} strikes) and {far.expiry} {far.settlement} ({far.n_strikes})"
        pairs.append(("VIX index", f"{index.value:.2f} points, counted in {index.clock}, from {strips}"))
    return lines([*pairs, *(("VIX index", note) for note in (index.notes if index else (f"none: {found.index_note}",)))])


def _smiles(found):
    rows = []
    for leg, smile, fit in _legs(found):
        met = [f"{fit.inside}", f"{fit.worst_miss_bp:.2f}", f"{fit.worst_error:.2f}"] if fit else ["-"] * 3
        rows.append([leg, f"{smile.expiry} {smile.settlement}", f"{smile.forward:.2f}", f"{len(smile)}", f"{len(smile.ledger)}", *met])
    headings = ["smile", "expiry", "forward", "quotes", "rejected", "inside", "miss bp", "error"]
    return table("Smiles", headings, rows, "miss: worst, bp of vol out of bid-ask; error: worst, half-spreads")


def _legs(found):
    """(name, smile, fit or None) of SPX T1, VIX T1, SPX T2."""
    triple = found.triple
    return zip(LEGS, (triple.spx1, triple.vix, triple.spx2), found.laws.smiles if found.laws else (None,) * 3, strict=True)


def _rules(smile):
    return dict(Counter(line.rule for line in smile.ledger).most_common())


def window(found: Findings):
    """What was rejected, when the options settle, and the years between."""
    triple = found.triple
    pairs = [("rejected", f"{leg}: {_counts(smile)}") for leg, smile, _ in _legs(found)]
    for leg, miss in (("SPX T1", triple.mismatch_t1_days), ("SPX T2", triple.mismatch_t2_days)):
        side, end = "after" if miss >= 0 else "before", "the VIX option" if leg == "SPX T1" else "30 days from it"
        pairs.append(("settlement", f"{leg} settles {abs(miss):.2f} days {side} {end}"))
    return lines([*pairs, ("tau", f"{_tau(found):.6f} years ({365 * _tau(found):.2f} days) from T1 to T2")])


def _counts(smile):
    return ", ".join(f"{rule} {n}" for rule, n in _rules(smile).items()) or "none"


def _tau(found):
    return found.triple.spx2.years - found.triple.spx1.years


def _laws(found):
    if not found.laws:
        return
    identity, necessary = found.laws.identity, found.necessary
    variances = [("E[V^2]", identity.EV2), ("forward variance", identity.forward_variance)]
    rows = [[name, f"{value:.8f}", f"{100 * max(value, 0.0) ** 0.5:.4f}"] for name, value in variances]
    rows += _gaps(identity)
    rows += [["basis", f"{identity.basis:+.8f}", ""]] if identity.treatment == "basis" else []
    yield table("Identity E[V^2] = E[L(S2)] - E[L(S1)]", ["", "variance a year", "vol points"], rows)
    yield lines([("treatment", f"{identity.treatment}: {_treatment(found.laws)}")])
    deltas = list(next(iter(identity.moves_bp.values())))
    moved = [[leg, *(f"{moves[delta]:+.1f}" for delta in deltas)] for leg, moves in identity.moves_bp.items()]
    if identity.treatment not in ("basis", "refused"):
        yield table(f"Moved by the identity, bp of implied vol, at most {identity.moved_bp:.1f}", ["law", *deltas], moved)
    yield table("Necessary conditions", ["condition", "measured", "unit"], _conditions(necessary))
    yield lines([("convex order", _order(necessary.order)), *(("conditions", said) for said in _said(found))])


def _gaps(identity):
    """Of the laws shown; before it, where the identity moved them, that of the free fits."""
    if identity.treatment in ("basis", "refused"):
        return [["gap of these laws", f"{identity.gap:+.8f}", ""]]
    return [["gap of the free fits", f"{identity.free_gap:+.8f}", ""], ["gap", f"{identity.gap:+.1e}", ""]]


def _treatment(laws):
    words = REFITTED if _refitted(laws) else WORDS
    return words[laws.identity.treatment]


def _refitted(laws):
    """Whether laws that the identity did not move were moved for convex order."""
    return laws.identity.treatment in REFITTED and laws.identity.moved_bp > 0


def _said(found):
    """Sentences on the necessary conditions."""
    held = "all others hold" if found.modelled else "all hold"
    return [*filter(None, [found.modelled]), *(found.failures or (held,))]


def _conditions(necessary):
    order = necessary.order
    return [
        ["mean of S2 less mean of S1", f"{order.mean_gap:+.1e}", "forwards"],
        [f"least call gap, at strike {order.strike:.4f}", f"{order.worst_gap:+.1e}", "forwards"],
        ["E[V^2] less forward variance", f"{necessary.variance_gap:+.1e}", "variance a year"],
        ["sqrt(forward variance) less VIX future (Jensen)", f"{100 * necessary.jensen_slack:+.4f}", "vol points"],
    ]


def _order(order):
    return "SPX T1 precedes SPX T2: no call gap below zero" if order.holds else "SPX T1 does NOT precede SPX T2"


def spread_table(spread):
    """Calendar arbitrage at the quoted prices, if any."""
    if spread:
        rows = [[leg.contract, *_leg(leg.amount, leg.strike, leg.price)] for leg in spread.legs]
        rows.append(["cost today", "", "", "", f"{spread.price:+.8f}"])
        yield table("Portfolio, all per forward", ["call", "amount", "strike", "price", "cost"], rows)
        hedge = "at T1, for each T2 call with strike below S1 (and the forward), sell its amount of forwards to T2"
        yield lines([("hedge", hedge), ("payoff", f"at least {spread.worst_payoff:+.1e} whatever S1 and S2, remeasured on a grid")])


def _portfolio(found):
    yield from spread_table(found.spread)
    if found.portfolio and not found.spread:
        yield lines([("portfolio", found.portfolio)])


def _leg(amount, strike, price):
    return f"{amount:+.6f}", f"{strike:.6f}", f"{price:.8f}", f"{amount * price:+.8f}"


def _verdict(found):
    return lines([("verdict", found.verdict), ("seconds", page.spent(found.seconds))])


def as_record(found: Findings) -> dict:
    """The findings as JSON's own types; what was not reached is null."""
    snapshot, triple, index = found.snapshot, found.triple, found.index
    mismatch = {"SPX T1": triple.mismatch_t1_days, "SPX T2": triple.mismatch_t2_days}
    return {
        "source": snapshot.source,
        "day": str(snapshot.day),
        "notes": list(snapshot.notes),
        "vix_index": index.value if index else None,
        "vix_index_notes": list(index.notes) if index else [found.index_note],
        "tau": _tau(found),
        "mismatch_days": mismatch,
        "smiles": [_smile_record(*leg) for leg in _legs(found)],
        "identity": _identity_record(found),
        "convex_order": _order_record(found),
        "necessary": _necessary_record(found) if found.necessary else None,
        "portfolio": _portfolio_record(found),
        "verdict": {"code": int(found.code), "says": found.verdict},
        "seconds": found.seconds,
    }


def _smile_record(leg, smile, fit):
    return {
        "market": leg,
        "expiry": str(smile.expiry),
        "settlement": smile.settlement,
        "years": smile.years,
        "forward": smile.forward,
        "quotes": len(smile),
        "rejected": len(smile.ledger),
        "rejected_by_rule": _rules(smile),
        "inside": fit.inside if fit else None,
        "worst_miss_bp": fit.worst_miss_bp if fit else None,
        "worst_error": fit.worst_error if fit else None,
    }


def _identity_record(found):
    """The identity of the laws shown, and of a refusal what remains of its gap at best; `refitted` for convex order alone."""
    if not found.laws:
        return dict.fromkeys(
            ("EV2", "forward_variance", "gap", "free_gap", "treatment", "basis", "moves_bp", "moved_bp", "refitted", "gap_at_best")
        )
    identity = found.laws.identity
    told = {"moved_bp": identity.moved_bp, "refitted": _refitted(found.laws)}
    return asdict(identity) | told | {"gap_at_best": found.refusal.gap if found.refusal else identity.gap}


def _order_record(found):
    if found.necessary:
        order = found.necessary.order
        return {"holds": order.holds, "worst_gap": order.worst_gap, "strike": order.strike, "mean_gap": order.mean_gap}
    if found.spread:
        return {"holds": False, "worst_gap": found.spread.price, "strike": found.spread.strike, "mean_gap": None}
    return dict.fromkeys(("holds", "worst_gap", "strike", "mean_gap"))


def _necessary_record(found):
    """As measured; what a basis stands for is no failure, and `holds` says whether there are any."""
    return {
        "holds": not found.failures,
        "variance_gap": found.necessary.variance_gap,
        "jensen_slack": found.necessary.jensen_slack,
        "failures": list(found.failures),
        "modelled": found.modelled or None,
    }


def _portfolio_record(found):
    if found.spread:
        spread = found.spread
        return {"from": "quotes", "price": spread.price, "worst_payoff": spread.worst_payoff, "legs": [asdict(leg) for leg in spread.legs]}
    return {"from": "laws", **asdict(found.portfolio)} if found.portfolio else None


def draw(found: Findings, file, kind: str):
    """The picture of the three laws, on white, in the format `kind`."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from .. import figures

    with rc_context():
        figures.use_style()
        figure = figures.triple(Figure(figsize=(11.0, 7.4)), found.laws, found.necessary.order)
        figure.savefig(file, format=kind, facecolor="white", dpi=150)
