"""The simulated market of Guo, Loeper, Obloj and Wang (2022), and the reference from which they depart: two Heston models."""

from dataclasses import dataclass, field

import numpy as np

from ..continuous import Quotes
from .grid import Dates
from .heston import Heston

DAYS = 365.25  # of their year


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Exact prices of one Heston model, to be met from another.

    v0       root of the annual variance expected until T2, the same in both
    k, kV    strikes: of SPX per forward at both dates, of the VIX in decimals
    """

    market: Heston
    reference: Heston
    dates: Dates
    v0: float
    k: np.ndarray = field(default_factory=lambda: np.arange(85, 116, 5) / 100)
    kV: np.ndarray = field(default_factory=lambda: np.arange(15, 36, 5) / 100)

    @property
    def quotes(self) -> Quotes:
        """Of SPX options at T1 and T2, VIX options and the VIX future at TV, in closed form."""
        market, dates = self.market, self.dates
        w0 = float(market.variance(self.v0, dates.T2))
        future, vix = market.vix_otm(w0, dates.TV, dates.tau, self.kV)
        spot = (part for T in (dates.T1, dates.T2) for part in (self.k, market.spx_otm(w0, T, self.k)))
        return Quotes(*spot, self.kV, vix, future)


PUBLISHED = Simulated(
    market=Heston(kappa=0.6, theta=0.09, xi=0.4, rho=-0.5),
    reference=Heston(kappa=0.9, theta=0.04, xi=0.6, rho=-0.3),
    dates=Dates(44 / DAYS, 49 / DAYS, 79 / DAYS),
    v0=float(np.sqrt(2 * 0.0098 / (79 / DAYS))),  # they state half the variance expected until T2, 0.0098
)
