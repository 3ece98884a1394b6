"""What is to be met, and from where: the published experiment, or quotes of a day with the reference nearest to them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .. import marginals
from ..continuous import Quotes
from .calibrated import FULL, QUICK, QUOTED_FULL, QUOTED_QUICK, Calibrated
from .experiment import Simulated
from .fitted import fit, mispriced
from .grid import QUOTED, Dates
from .measure import Level
from .outer import turns
from .reference import AffineReference, ConstantReference, HestonReference

BUDGETS = "quick", "full"
FEW, WITHIN = (8, 9, 8), 1.8  # quotes of S1, S2 and VIX, and how many of their own standard deviations out: kinks must not share a node
ROOM = 0.02  # standard deviation of what is not known of v0, relative
TURNS = 5  # after the first, for quotes of a day: as many as Guo, Loeper, Obloj and Wang take; the first ones are cheap


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A calibration before it begins.

    v0, room   root of the variance expected until T2, and what is not known of it
    before     (m,) errors of the reference, in units of volatility
    ladders    {budget: grids from coarse to fine};  outer  how often the model becomes the reference, unless told
    options    of `turns`
    """

    quotes: Quotes
    dates: Dates
    v0: float
    room: float
    reference: AffineReference | ConstantReference | HestonReference
    before: np.ndarray
    ladders: Mapping[str, tuple[Level, ...]]
    outer: int
    options: Mapping[str, object]

    @classmethod
    def of_experiment(cls, asked: Simulated, kind: str = "heston"):
        """Exact prices of one Heston model, from another.

        kind   "heston", or "constant": the covariance that the reference has today, everywhere
        """
        quotes, dates, v0, ladders = asked.quotes, asked.dates, asked.v0, dict(zip(BUDGETS, (QUICK, FULL), strict=True))
        heston = HestonReference(asked.reference)
        if kind == "heston":
            return cls(quotes, dates, v0, 0.0, heston, departed(asked, quotes), ladders, 0, {})
        if kind != "constant":
            raise ValueError(f"reference {kind!r}: need heston or constant")
        constant = ConstantReference.of(heston.covariance(dates.T2, 0.0, np.array([v0]))[:, 0, 0])
        return cls(quotes, dates, v0, 0.0, constant, mispriced(constant, quotes, dates, v0), ladders, 0, {})

    @classmethod
    def of_triple(cls, triple, *, wings: str = "basis", told: Callable = lambda model, miss: None):
        """Bids and asks of three smiles, from the affine model nearest to them.

        triple    `market.Triple`;  wings  as of `marginals.from_triple`
        told      as of `fit`
        raises    QuoteError naming a smile with too few quotes, InconsistentError
        """
        laws = marginals.from_triple(triple, wings=wings)
        quotes = Quotes.of_triple(triple, n=FEW, within=WITHIN, basis=laws.identity.basis)
        T1, T2 = triple.spx1.years, triple.spx2.years
        dates, v0 = Dates(T1, T1, T2), float(np.sqrt(laws.mu2.log_contract(T2)))
        reference = fit(quotes, dates, v0, pace=QUOTED, told=told)
        before = mispriced(reference, quotes, dates, v0, pace=QUOTED)
        ladders = dict(zip(BUDGETS, (QUOTED_QUICK, QUOTED_FULL), strict=True))
        return cls(quotes, dates, v0, ROOM * v0, reference, before, ladders, TURNS, {"rough": True, "pace": QUOTED})

    def turns(self, outer: int | None = None, **options) -> Iterator[Calibrated]:
        """Calibrations one after the other, see `turns`; `levels` are those of the quick budget unless given."""
        options = {"levels": self.ladders["quick"], "room": self.room} | dict(self.options) | options
        return turns(self.reference, self.quotes, self.dates, self.v0, self.outer if outer is None else outer, **options)


def departed(asked: Simulated, quotes: Quotes) -> np.ndarray:
    """(m,) prices of the reference in closed form less the market's, of the same payoffs, in units of volatility."""
    own, F = replace(asked, market=asked.reference).quotes, quotes.future
    parity = np.where((quotes.kV < F) != (quotes.kV < own.future), np.abs(own.future - quotes.kV), 0.0)
    off = own.price1 - quotes.price1, own.price2 - quotes.price2, own.priceV + parity - quotes.priceV, [own.future - F]
    return np.concatenate(off) / quotes.units(asked.dates.T1, asked.dates.T2, asked.dates.TV)
