"""What `bridge` is asked for: quotes of an experiment or of a chain, and the reference from which to depart."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from .. import arbitrage, continuous, marginals, models, semimartingale
from .clock import Clock
from .findings import Question, triple_of

BUDGETS = "quick", "medium", "full"
GIVEN = dict(zip(BUDGETS, (continuous.QUICK, continuous.MEDIUM, continuous.FULL), strict=True))
QUOTED = dict(zip(BUDGETS, (continuous.QUOTED_QUICK, continuous.QUOTED_MEDIUM, continuous.QUOTED_FULL), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """What is to be met, and from where.

    source, notes   in words
    scale           SPX at T1, VIX at T1, SPX at T2: printed strike per strike of the quotes
    ladders         {budget: grids from coarse to fine}
    spread          calendar arbitrage at the quoted prices; then there is no reference
    """

    source: str
    notes: tuple[tuple[str, str], ...]
    quotes: continuous.Quotes
    T1: float
    T2: float
    scale: tuple[float, float, float]
    ladders: Mapping[str, tuple[continuous.Level, ...]]
    reference: models.StochasticVol | None
    spread: arbitrage.QuotedSpread | None = None


def of_experiment(name: str, reference: str, clock: Clock, tell) -> Posed:
    """One of Guyon's slides; its own reference is lognormal, others are fitted."""
    tell(f"pricing the market of experiment ({name})")
    asked = models.EXPERIMENTS[name]
    with clock.stage("market"):
        quotes = continuous.Quotes.of_market(models.quoted_market(asked))
    own = {"lognormal": asked.reference}.get(reference)
    model = own or _fitted(reference, quotes, asked.T1, asked.T2, clock, tell)
    notes = (("market", in_words(asked.market)),)
    return Posed(f"experiment ({name}) of Guyon (2022)", notes, quotes, asked.T1, asked.T2, (1.0, 100.0, 1.0), GIVEN, model)


def of_chain(asked: Question, reference: str, clock: Clock, tell) -> Posed:
    """A triple of maturities of a chain, and a reference fitted to it; raises QuoteError."""
    tell(f"reading {asked.chain}")
    with clock.stage("read"):
        snapshot, triple = triple_of(asked)
        spread = arbitrage.quoted(triple.spx1, triple.spx2)
        quotes = continuous.Quotes.of_triple(triple, basis=0.0 if spread else _basis(asked, triple, tell))
    T1, T2 = triple.spx1.years, triple.spx2.years
    notes = (("day", str(snapshot.day)), *(("notes", note) for note in snapshot.notes), ("triple", str(triple)))
    model = None if spread else _fitted(reference, quotes, T1, T2, clock, tell)
    if quotes.basis:
        notes += (("basis", f"realised variance less V^2 is {quotes.basis:+.6f}, as in the smiles fitted each alone"),)
    scale = triple.spx1.forward, 100.0, triple.spx2.forward
    return Posed(snapshot.source, notes, quotes, T1, T2, scale, QUOTED, model, spread)


def _basis(asked, triple, tell):
    """What the smiles, each fitted alone, leave between forward variance and E[V^2], if a constant is to take it."""
    if asked.wings == "consistent":
        return 0.0
    tell("fitting three laws")
    return marginals.from_triple(triple, wings=asked.wings).identity.basis


def _fitted(kind, quotes, T1, T2, clock, tell):
    told = lambda model, miss: tell(f"fitting the {kind} reference: {miss:.1f} half-spreads off")
    tell(f"fitting the {kind} reference")
    with clock.stage("reference"):
        return continuous.fit(kind, quotes, T1, T2, told=told)


def parameters(model: models.StochasticVol | semimartingale.Heston | semimartingale.AffineReference) -> dict[str, float]:
    """By name."""
    return {entry.name: float(getattr(model, entry.name)) for entry in fields(model)}


def in_words(model: models.StochasticVol | semimartingale.Heston | semimartingale.AffineReference) -> str:
    """Kind and parameters but the bounds."""
    terms = ", ".join(f"{name} {value:.4g}" for name, value in parameters(model).items() if name not in ("low", "high"))
    return f"{type(model).__name__}: {terms}"
