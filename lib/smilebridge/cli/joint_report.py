"""What `calibrate` found, four times: tables for the eye, a record for machines, the law on disk, a picture."""

from collections.abc import Iterator

import numpy as np

from .. import discrete
from . import page, report
from .findings import LEGS
from .joint import BOUND_QUOTES, Joint
from .page import lines, table

TOP_LEGS = 12  # of a portfolio, that are printed


def show(found: Joint):
    """Prints to stdout; see `page.show`."""
    check = found.found
    blocks = [report.source(check), _smiles(found), report.window(check), *_prior(found), *_solver(found), *_law(found)]
    page.show([*blocks, *report.spread_table(check.spread), *_arbitrage(found), _verdict(found)])


def _smiles(found):
    triple = found.found.triple
    rows = []
    quoted = found.measured.smiles if found.measured else (None,) * 3
    for leg, smile, met in zip(LEGS, (triple.spx1, triple.vix, triple.spx2), quoted, strict=True):
        told = [f"{met.inside.sum()}", f"{met.worst_miss_bp:.2f}", f"{met.worst_error:.2f}"] if met else ["-"] * 3
        rows.append([leg, f"{smile.expiry} {smile.settlement}", f"{smile.forward:.2f}", f"{len(smile)}", f"{len(smile.ledger)}", *told])
    headings = ["smile", "expiry", "forward", "quotes", "rejected", "inside", "miss bp", "error"]
    return table("Smiles of the joint law", headings, rows, "miss: worst, bp of vol out of bid-ask; error: worst, half-spreads")


def _prior(found) -> Iterator:
    """What the nodes and the reference come from."""
    if found.found.laws:
        refused = "no smooth fits meet the variance identity (smilebridge check says by how much); the joint law decides"
        said = refused if found.found.refusal else "the fits of smilebridge check give nodes and reference, the quotes alone are met"
        yield lines([("prior", said)])


def _solver(found) -> Iterator:
    if not found.solution:
        return
    solution, grid = found.solution, " x ".join(map(str, found.problem.shape))
    pairs = [
        ("solver", f"{found.solver}: {found.status} in {int(solution.steps)} steps ({int(solution.passes)} passes of one exponential)"),
        ("grid", f"{grid} nodes of S1, V, S2"),
        ("support", support(found.problem)),
        ("defects", str(found.measured.defects)),
    ]
    yield lines(pairs)


def support(problem) -> str:
    """Ends of the nodes, in words."""
    (a, b), (c, d), (e, f) = ((axis.x[0], axis.x[-1]) for axis in problem.axes)
    return f"S1 in {a:.3f} to {b:.3f}, V in {100 * c:.2f} to {100 * d:.2f}, S2 in {e:.3f} to {f:.3f}"


def _law(found) -> Iterator:
    if found.status != "converged":
        return
    said, future = found.measured, found.found.triple.vix.forward
    rows = [
        ["VIX future: bid, ask", f"{future:.4f}", "points"],
        ["VIX future: law", f"{100 * said.future:.4f}", "points"],
        ["E[V^2]", f"{said.EV2:.10f}", "variance a year"],
        ["forward variance", f"{said.forward_variance:.10f}", "variance a year"],
        ["difference", f"{said.EV2 - said.forward_variance:+.1e}", "variance a year"],
        ["entropy", f"{said.entropy['total']:.6f}", "nats"],
        ["  of (S1, V)", f"{said.entropy['spx_vix']:.6f}", "nats"],
        ["  of S2 given both", f"{said.entropy['window']:.6f}", "nats"],
    ]
    yield table("What the law says", ["", "value", "unit"], rows)
    vol = lambda value: "-" if value is None else f"{100 * value:.2f}"
    price = lambda value: "-" if value is None else f"{value:.6f}"
    rows = [
        [f"{s.strike:.3f}", price(s.price), price(s.lower), price(s.upper), vol(s.implied_vol), vol(s.lower_vol), vol(s.upper_vol)]
        for s in found.forward_start
    ]
    headings = ["strike", "price", "lower", "upper", "vol %", "lower", "upper"]
    caption = f"bounds: all laws on these nodes that meet up to {BOUND_QUOTES} quotes a smile and the future"
    yield table("Forward-start calls (S2/S1 - K)+, per forward", headings, rows, caption)


def _arbitrage(found) -> Iterator:
    verdict = found.existence
    if verdict and not verdict.exists:
        yield from portfolio(verdict.portfolio, f"Portfolio, price {verdict.price:.3e} forwards")
        worst = f"at least {verdict.worst_payoff:+.1e} forwards on every node, remeasured; deltas in S and L at T1 come on top"
        yield lines([("payoff", worst), ("support", support(verdict.portfolio.problem))])


def portfolio(held, title) -> Iterator:
    """The largest legs of a portfolio with cash and dynamic deltas."""
    rows = [[name, f"{amount:+.6f}"] for name, amount in held.legs[:TOP_LEGS]]
    rows.append(["cash", f"{held.cash:+.6f}"])
    left = len(held.legs) - TOP_LEGS
    yield table(title, ["contract (strike per unit of S, V)", "amount"], rows, f"and {left} smaller legs" if left > 0 else None)


def _verdict(found):
    return lines([("verdict", found.verdict), ("seconds", page.spent(found.seconds))])


def as_record(found: Joint) -> dict:
    """The findings as JSON's own types; what was not reached is null."""
    check, said, solution = found.found, found.measured, found.solution
    return {
        "source": check.snapshot.source,
        "day": str(check.snapshot.day),
        "status": found.status,
        "solver": found.solver,
        "steps": int(solution.steps) if solution else 0,
        "passes": int(solution.passes) if solution else 0,
        "seconds": {"compile": None, "solve": None} | found.seconds,
        "grid": list(found.problem.shape) if found.problem else None,
        "tau": check.triple.spx2.years - check.triple.spx1.years,
        "prior": check.laws.identity.treatment if check.laws else None,
        "defects": {name: float(getattr(said.defects, name)) for name in said.defects.__annotations__} if said else None,
        "quotes": list(_quotes(said)) if said else [],
        "vix_future": _future(found),
        "identity": {"EV2": said.EV2, "forward_variance": said.forward_variance} if said else None,
        "forward_start": [_start(start) for start in found.forward_start],
        "entropy": said.entropy["total"] if said else None,
        "entropy_split": {name: said.entropy[name] for name in ("spx_vix", "window")} if said else None,
        "arbitrage": arbitrage_record(found.found.spread, found.existence),
        "units": {"strike": "points; of forward_start S2/S1", "vix_future": "points", "forward_start price": "forwards"},
        "verdict": {"code": int(found.code), "says": found.verdict},
    }


def _quotes(said):
    for leg, quoted in zip(LEGS, said.smiles, strict=True):
        smile = quoted.smile
        for row in zip(smile.strikes, smile.bid_iv, smile.ask_iv, quoted.model_iv, quoted.inside, strict=True):
            strike, bid, ask, model, inside = row
            numbers = {"strike": float(strike), "bid_iv": float(bid), "ask_iv": float(ask), "model_iv": float(model)}
            yield {"market": leg, **numbers, "inside": bool(inside)}


def _future(found):
    """Points; the forward that put-call parity gives is exact, so that bid and ask are one."""
    forward = found.found.triple.vix.forward
    return {"bid": forward, "ask": forward, "model": 100 * found.measured.future if found.measured else None}


def _start(start):
    asked = start.lower is not None
    return {
        "strike": start.strike,
        "price": start.price,
        "implied_vol": start.implied_vol,
        "lower_bound": start.lower,
        "upper_bound": start.upper,
        "lower_vol": start.lower_vol,
        "upper_vol": start.upper_vol,
        "bounds_meet": f"up to {BOUND_QUOTES} quotes a smile, on the nodes of the law" if asked else "not asked for",
    }


def arbitrage_record(spread, verdict) -> dict | None:
    """The portfolio against the quotes, from the two SPX smiles alone or from all three; None where a law exists."""
    if spread:
        legs = [{"contract": leg.contract, "amount": leg.amount, "price": leg.price} for leg in spread.legs]
        return {"price": spread.price, "worst_payoff": spread.worst_payoff, "portfolio": legs}
    if verdict and not verdict.exists:
        legs = [{"contract": name, "amount": amount} for name, amount in verdict.portfolio.legs]
        cash = {"contract": "cash", "amount": float(verdict.portfolio.cash)}
        ends = [list(ends) for ends in verdict.support]
        return {"price": verdict.price, "worst_payoff": verdict.worst_payoff, "portfolio": [cash, *legs], "support": ends}
    return None


def save(found: Joint, output):
    """The law, with day and source."""
    snapshot, triple = found.found.snapshot, found.found.triple
    told = {"source": f"{snapshot.source}: {triple}", "day": snapshot.day, "years": triple.vix.years}
    output.write(lambda part: discrete.save(part, found.solution.law, **told))


def draw(found: Joint, output):
    """The picture, on white, in the format of the file's suffix."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from .. import figures

    vols = np.array([[s.strike, s.lower_vol, s.upper_vol] for s in found.forward_start if s.lower is not None], float).reshape(-1, 3)
    smiles = [(met.smile, met.model_iv, met.error) for met in found.measured.smiles]
    with rc_context():
        figures.use_style()
        figure = figures.calibrated(Figure(figsize=(11.0, 8.4)), found.problem, found.solution.law, smiles, vols)
        figure.suptitle(f"{found.found.triple}\n{found.measured}", x=0.01, ha="left", fontsize=12)
        output.write(lambda part: figure.savefig(part, format=output.path.suffix[1:].lower(), facecolor="white", dpi=150))
